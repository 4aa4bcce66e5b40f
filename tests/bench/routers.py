"""The three routers that the benchmark compares, each between the same two hosts.

    client 10.1.0.1/24 --- [ router 10.1.0.254 | 203.0.113.254 ] --- 203.0.113.1/24 server

`reflector` moves frames between two TAPs and changes nothing but MAC addresses: what one thread can do at best.
`tapgate` and `kernel` track connections, translate (MASQUERADE) and walk the same rules.
"""

import pathlib
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from testnet import namespaces  # noqa: E402
from testnet.tapgate_lab import Process  # noqa: E402

CLIENT, SERVER = "10.1.0.1", "203.0.113.1"
LAN_ROUTER, WAN_ROUTER = "10.1.0.254", "203.0.113.254"


def rules_text(count):
    """@count rules in FORWARD that do not match the traffic, then ACCEPT; MASQUERADE to the server's side."""
    filler = ["-A FORWARD -s 172.16.%d.%d/32 -j DROP" % (n // 256, n % 256) for n in range(count)]
    return "\n".join(["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]"] + filler
                     + ["-A FORWARD -j ACCEPT", "COMMIT", "*nat", ":PREROUTING ACCEPT [0:0]", ":INPUT ACCEPT [0:0]",
                        ":OUTPUT ACCEPT [0:0]", ":POSTROUTING ACCEPT [0:0]", "-A POSTROUTING -o wan -j MASQUERADE",
                        "COMMIT", ""])


class Router:
    """Two hosts and what is between them; a context manager."""

    name = "none"

    def __init__(self, rules):
        self.rules = rules
        self.suffix = namespaces.new_suffix()
        self.client, self.server = "tb-c-" + self.suffix, "tb-s-" + self.suffix
        self.made = []
        self.children = []
        self.directory = tempfile.TemporaryDirectory(prefix="tapgate-bench-")

    def __enter__(self):
        namespaces.guard(self)
        self._namespaces(self.client, self.server)
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def _namespaces(self, *names):
        """Make namespaces without IPv6 noise, loopback up."""
        namespaces.create(names)
        self.made += names
        for name in names:
            namespaces.run(["ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                            "net.ipv6.conf.default.disable_ipv6=1"])
            namespaces.ip_batch(["link set lo up"], name)

    def _hosts(self, client_device, server_device):
        """Addresses and routes of the two hosts."""
        for netns, device, own, router in ((self.client, client_device, CLIENT, LAN_ROUTER),
                                           (self.server, server_device, SERVER, WAN_ROUTER)):
            namespaces.ip_batch(["addr add %s/24 dev %s" % (own, device), "link set %s up" % device,
                                 "route add default via " + router], netns)

    def popen(self, netns, *argv, **options):
        """A child inside a namespace, ended by close()."""
        command = (["ip", "netns", "exec", netns] if netns else []) + list(argv)
        child = subprocess.Popen(command, stdin=options.pop("stdin", subprocess.DEVNULL), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, preexec_fn=namespaces.die_with_parent, **options)
        self.children.append(child)
        return child

    def run(self, netns, *argv, limit=60):
        """Run to the end inside a namespace: its standard output."""
        return namespaces.run(["ip", "netns", "exec", netns, *argv], timeout=limit).stdout

    def close(self):
        """End children, remove namespaces."""
        namespaces.release(self)
        for child in self.children:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
            child.communicate()
        self.children = []
        namespaces.delete(self.made)
        self.made = []
        self.directory.cleanup()

    def start(self):
        """Bring the router up between the hosts."""
        raise NotImplementedError


class Reflector(Router):
    """tests/bench/reflector: the ceiling."""

    name = "reflector"

    def start(self):
        taps = ["tbA" + self.suffix, "tbB" + self.suffix]
        child = self.popen(None, str(ROOT / "build/tests/bench/reflector"), *taps, stdin=subprocess.PIPE)
        if child.stdout.readline().strip() != "ready":
            raise RuntimeError("reflector: " + child.stderr.read())
        macs = []
        for tap, netns, router in zip(taps, (self.client, self.server), (LAN_ROUTER, WAN_ROUTER)):
            namespaces.ip_batch(["link set %s netns %s" % (tap, netns)])
        self._hosts(*taps)
        for tap, netns, router in zip(taps, (self.client, self.server), (LAN_ROUTER, WAN_ROUTER)):
            namespaces.ip_batch(["neigh add %s lladdr 02:00:00:00:00:01 dev %s nud permanent" % (router, tap)], netns)
            macs.append(self.run(netns, "cat", "/sys/class/net/%s/address" % tap).strip())
        child.stdin.write("\n".join(macs) + "\n")
        child.stdin.flush()


class Tapgate(Router):
    """The router itself."""

    name = "tapgate"
    process = None
    mounted = False  # the status tree, at .proc
    sysctls = ()  # lines besides ip_forward

    @property
    def proc(self):
        """Where the status tree is mounted."""
        return pathlib.Path(self.directory.name) / "proc"

    def start(self):
        folder = pathlib.Path(self.directory.name)
        (folder / "rules.v4").write_text(self.rules)
        taps = ["tbA" + self.suffix, "tbB" + self.suffix]
        text = ["[router]", "socket = %s/tapgate.sock" % folder, "proc_mount = %s" % (self.proc if self.mounted else "none"),
                "rules = rules.v4", "", "[sysctl]", "net.ipv4.ip_forward = 1", *self.sysctls, ""]
        for name, tap, netns, router, host in (("lan", taps[0], self.client, LAN_ROUTER, CLIENT),
                                               ("wan", taps[1], self.server, WAN_ROUTER, SERVER)):
            text += ["[interface %s]" % name, "tap = " + tap, "netns = " + netns, "address = %s/24" % router,
                     "peer_address = %s/24" % host, "peer_gateway = yes", ""]
        (folder / "tapgate.ini").write_text("\n".join(text))
        self.process = Process(str(folder / "tapgate.ini"), str(folder))

    def restore(self, rules):
        """iptables-restore on the running router."""
        self.process.command("iptables-restore", text=rules)

    def close(self):
        try:
            if self.process:
                process, self.process = self.process, None
                process.stop()
        finally:
            super().close()


class Kernel(Router):
    """The kernel's forwarding with iptables-legacy over veth pairs."""

    name = "kernel"
    router = None

    def restore(self, rules):
        """iptables-legacy-restore in the router's namespace."""
        namespaces.run(["ip", "netns", "exec", self.router, "iptables-legacy-restore"], text=rules)

    def start(self):
        router = self.router = "tb-r-" + self.suffix
        self._namespaces(router)
        namespaces.ip_batch(["link add name lan netns %s type veth peer name eth0 netns %s" % (router, self.client),
                             "link add name wan netns %s type veth peer name eth0 netns %s" % (router, self.server)])
        namespaces.ip_batch(["addr add %s/24 dev lan" % LAN_ROUTER, "addr add %s/24 dev wan" % WAN_ROUTER,
                             "link set lan up", "link set wan up"], router)
        self._hosts("eth0", "eth0")
        namespaces.run(["ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1"])
        namespaces.run(["ip", "netns", "exec", router, "iptables-legacy-restore"], text=self.rules)
