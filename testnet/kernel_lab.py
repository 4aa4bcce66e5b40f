"""The laboratory with the Linux kernel as its router: the oracle.

A fourth namespace forwards with iptables-legacy.  Connection tracking is always
on in Tapgate, while Linux turns it on with the first rule that needs it: an
nf_tables rule in a chain that nothing calls does that here, so that the legacy
rules and their counters stay those of the scenario.  Sysctls that a namespace
inherits from the machine are put to the defaults compiled into Linux.
"""

from . import namespaces, services
from .resident import Resident
from .lab import Lab, sysctl_path
from .topology import LINKS

COMPILED_DEFAULTS = {
    "rp_filter": 0, "send_redirects": 1, "accept_redirects": 1, "secure_redirects": 1,
    "shared_media": 1, "log_martians": 0, "arp_ignore": 0, "arp_announce": 0, "arp_filter": 0,
    "arp_accept": 0, "proxy_arp": 0, "route_localnet": 0, "accept_local": 0, "src_valid_mark": 0,
}


class KernelLab(Lab):
    """client, server and dmz around a namespace that the kernel routes in."""

    kind = "kernel"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.router_name = "tg-router-" + self.suffix
        self.router = None

    def _namespace_names(self):
        return super()._namespace_names() + [self.router_name]

    def _start_router(self):
        self.router = Resident(self.router_name, services.make)
        self._write(self._early_sysctls())
        self._links()
        self._addresses()
        for host in self.hosts:
            self._quiet_device(host.resident, host.device)
            self._quiet_device(self.router, host.link.name)
        self._start_tracking()
        if self.sets:
            self._run("ipset", "restore", text=self.sets)
        for words in self.before:
            self._run(*words)
        self._run("iptables-legacy-restore", text=self.rules + self._helper_rules())
        self._write([("/proc/" + sysctl_path(name), value) for name, value in self.sysctls.items()])

    def _early_sysctls(self):
        """What must be set before the interfaces are there."""
        pairs = [("/proc/sys/net/ipv6/conf/%s/disable_ipv6" % where, 1) for where in ("all", "default")]
        for name, value in COMPILED_DEFAULTS.items():
            pairs += [("/proc/sys/net/ipv4/conf/%s/%s" % (where, name), value)
                      for where in ("all", "default")]
        pairs.append(("/proc/sys/net/ipv4/conf/all/accept_source_route", 0))
        pairs.append(("/proc/sys/net/ipv4/conf/default/accept_source_route", 1))
        return pairs

    def _write(self, pairs):
        """Write files in the router's namespace; an error if one refuses."""
        for (path, value), failure in zip(pairs, self.router.call("write", pairs)):
            if failure:
                raise RuntimeError("%s = %s: %s" % (path, value, failure))

    def _links(self):
        """A veth pair per link, router end named as rules know it."""
        lines = []
        for host in self.hosts:
            link = host.link
            host.device = "eth0"
            mtu = self.mtu.get(link.name, 1500)
            lines.append("link add name %s netns %s mtu %d address %s type veth peer name eth0 "
                         "netns %s mtu %d address %s" % (link.name, self.router_name, mtu,
                                                        link.router_mac, host.netns, mtu,
                                                        link.host_mac))
        namespaces.ip_batch(lines)

    def _addresses(self):
        """Addresses, links up, default routes of the hosts."""
        lines = ["link set lo up"]
        for link in LINKS:
            lines += ["addr add %s/24 brd + dev %s" % (link.router_address, link.name),
                      "link set %s up" % link.name]
        for prefix, way in self.routes.items():
            order = "%s %s" % (prefix, way) if way.startswith("via") else "%s %s" % (way, prefix)
            lines.append("route add " + order)
        namespaces.ip_batch(lines, self.router_name)
        for host in self.hosts:
            namespaces.ip_batch(["link set lo up",
                                 "addr add %s/24 brd + dev eth0" % host.link.host_address,
                                 "link set eth0 up",
                                 "route add default via " + host.link.router_address], host.netns)

    def _start_tracking(self):
        """Connection tracking on, without a legacy rule."""
        self._run("iptables-nft", "-t", "security", "-N", "tracking")
        self._run("iptables-nft", "-t", "security", "-A", "tracking", "-m", "conntrack",
                  "--ctstate", "NEW")

    def _helper_rules(self):
        """The raw rules that attach what `helpers` attaches in a Tapgate configuration."""
        if not self.helpers:
            return ""
        lines = ["*raw", ":PREROUTING ACCEPT [0:0]"]
        for name, ports in self.helpers.items():
            lines += ["-A PREROUTING -p tcp -m tcp --dport %s -j CT --helper %s" % (port.strip(), name)
                      for port in ports.split(",")]
        return "\n".join(lines + ["COMMIT", ""])

    def _run(self, *argv, text=None):
        """A program in the router's namespace; its stdout, an error if it fails."""
        status, out, error = self.router.call("run", list(argv), text=text)
        if status != 0:
            raise RuntimeError("%s: exit %d\n%s" % (" ".join(argv), status, error))
        return out

    def _stop_router(self):
        if self.router:
            self.router.close()
            self.router = None

    def iptables(self, *args):
        return self._run("iptables-legacy", *args)

    def set_link(self, name, up):
        namespaces.ip_batch(["link set %s %s" % (name, "up" if up else "down")], self.router_name)

    def set_addresses(self, name, addresses):
        def has():
            shown = self._run("ip", "-4", "-o", "addr", "show", "dev", name)
            return [line.split()[3] for line in shown.splitlines()]
        for item in has():
            if item not in addresses and item in has():     # secondary ones go with their first
                namespaces.ip_batch(["addr del %s dev %s" % (item, name)], self.router_name)
        before = has()
        namespaces.ip_batch(["addr add %s brd + dev %s" % (item, name) for item in addresses
                             if item not in before], self.router_name)

    def save(self):
        return self._run("iptables-legacy-save", "-c")

    def ipset(self, *args):
        return self.router.call("run", ["ipset", *args])[1]

    def nfacct(self, *args):
        return self.router.call("run", ["nfacct", *args])[1]

    def conntrack(self, *args):
        return self.router.call("run", ["conntrack", *args])[1]

    def proc(self, path):
        return self.router.call("read", "/proc/" + path)

    def sysctl(self, name, value):
        return self.router.call("write", [("/proc/" + sysctl_path(name), value)])[0]
