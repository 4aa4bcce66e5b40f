"""The two routers that a sequence is played through: the kernel of a network namespace and a Tapgate core.

    hosts 10.64.0.0/10 --- 10.1.0.1 --- lan 10.1.0.254 [router] wan 203.0.113.254 --- 203.0.113.1 --- hosts 198.18.0.0/15

Both have the same MAC addresses and neighbours, so that frames are equal to the byte.  The kernel's ports are TAPs whose
descriptors this process holds: a write takes the frame through the whole stack before it returns, so that what the router
made of it can be read at once, without waiting.  Times are handed to the core as they passed on the kernel's clock.

A side has: send(side, frame, now) -> {port: [frames]}, entry(tuple, now), entries(now), counters(), flush(), rules(text),
sysctl(path, value), close().
"""

import ctypes
import errno
import fcntl
import os
import pathlib
import socket
import struct
import subprocess

from . import entry as entries_of

LAN, WAN = "lan", "wan"
PORTS = (LAN, WAN)
ROUTER = {LAN: "10.1.0.254", WAN: "203.0.113.254"}
GATEWAY = {LAN: "10.1.0.1", WAN: "203.0.113.1"}
BEHIND = {LAN: "10.64.0.0/10", WAN: "198.18.0.0/15"}
ROUTER_MAC = {LAN: bytes((2, 0, 0, 0, 0, 1)), WAN: bytes((2, 0, 0, 0, 0, 2))}
HOST_MAC = {LAN: bytes((2, 0, 0, 0, 1, 1)), WAN: bytes((2, 0, 0, 0, 1, 2))}
MTU = 1500
VNET_HLEN = 12
PLAIN = bytes(VNET_HLEN)  # a vnet header that says nothing

# No rules, all policies ACCEPT; the nat table is there, so that both make bindings.
NO_RULES = """*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
COMMIT
"""
COUNTERS = ("found", "invalid", "insert", "insert_failed", "drop", "early_drop", "icmp_error", "clashres", "expect_new",
            "expect_create", "expect_delete")

# Tunables that a namespace inherits from the machine, and limits that a test would meet, as both sides get them.
COMMON_SYSCTLS = {
    "net/ipv4/icmp_ratelimit": 0, "net/ipv4/icmp_msgs_per_sec": 1000000, "net/ipv4/icmp_msgs_burst": 1000000,
    "net/ipv4/ipfrag_time": 300,
}


def mac_text(mac):
    return ":".join("%02x" % b for b in mac)


def own_namespace():
    """Move this process into a network namespace of its own, which goes away with it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x40000000) != 0:
        raise OSError(ctypes.get_errno(), "unshare: a new network namespace needs root")


def run(argv, text=None):
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise RuntimeError("%s: exit %d\n%s%s" % (" ".join(argv), done.returncode, done.stdout, done.stderr))
    return done.stdout


def _expectations(text):
    """The lines of net/nf_conntrack_expect, with the time that each has left."""
    pairs = (line.split(None, 1) for line in text.splitlines())
    return {rest: int(seconds) for seconds, rest in pairs}


class Kernel:
    """The kernel of the namespace that this process is in."""

    TUNSETIFF, TUNSETVNETHDRSZ, TUNSETVNETLE = 0x400454ca, 0x400454d8, 0x400454dc
    IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 2, 0x1000, 0x4000

    def __init__(self):
        self._write("net/ipv6/conf/all/disable_ipv6", 1)
        self._write("net/ipv6/conf/default/disable_ipv6", 1)
        for name in ("rp_filter", "send_redirects", "accept_redirects", "log_martians"):
            for where in ("all", "default"):
                self._write("net/ipv4/conf/%s/%s" % (where, name), 0)
        self._write("net/ipv4/ip_no_pmtu_disc", 2)  # docs/semantics.md: Tapgate keeps no path MTU of its own packets
        self._write("net/ipv4/ip_forward", 1)
        self.taps = {name: self._tap(name) for name in PORTS}
        lines = ["link set lo up"]
        for name in PORTS:
            lines += ["link set %s address %s mtu %d arp off" % (name, mac_text(ROUTER_MAC[name]), MTU),
                      "addr add %s/24 brd + dev %s" % (ROUTER[name], name), "link set %s up" % name,
                      "neigh add %s lladdr %s nud permanent dev %s" % (GATEWAY[name], mac_text(HOST_MAC[name]), name),
                      "route add %s via %s dev %s" % (BEHIND[name], GATEWAY[name], name)]
        run(["ip", "-batch", "-"], "\n".join(lines) + "\n")
        for path, value in COMMON_SYSCTLS.items():
            self._write(path, value)
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self._netlink.bind((0, 0))
        self._requests = {}
        # Connection tracking on, whatever rules there are.
        run(["iptables-nft", "-t", "security", "-N", "tracking"])
        run(["iptables-nft", "-t", "security", "-A", "tracking", "-m", "conntrack", "--ctstate", "NEW"])
        self.rules("")
        self._defaults = {path: path.read_text() for path in pathlib.Path("/proc/sys/net/netfilter").glob("nf_conntrack_*")
                          if path.stat().st_mode & 0o200 and path.name.rsplit("_", 1)[1] not in ("max", "buckets")}

    @staticmethod
    def _write(path, value):
        with open("/proc/sys/" + path, "w", encoding="ascii") as f:
            f.write(str(value))

    def _tap(self, name):
        """A TAP without offloads, in whose frames a vnet header comes first."""
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, self.TUNSETIFF, struct.pack("16sH22x", name.encode(), self.IFF_TAP | self.IFF_NO_PI | self.IFF_VNET_HDR))
        fcntl.ioctl(fd, self.TUNSETVNETHDRSZ, struct.pack("i", VNET_HLEN))
        fcntl.ioctl(fd, self.TUNSETVNETLE, struct.pack("i", 1))
        return fd

    def _read(self, fd):
        found = []
        while True:
            try:
                frame = os.read(fd, 70000)
            except BlockingIOError:
                return found
            if frame[VNET_HLEN + 12:VNET_HLEN + 14] == b"\x08\x00":
                found.append(frame[VNET_HLEN:])

    def send(self, side, frame, _now, vnet=PLAIN):
        try:
            os.write(self.taps[side], vnet + frame)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        return {name: self._read(self.taps[name]) for name in PORTS}

    def _talk(self, kind, flags, body):
        """One request: yields (type, message, begin of attributes, end)."""
        head = struct.pack("=IHHII", 20 + len(body), 0x100 | kind, 1 | flags, 1, 0) + struct.pack("=BBH", socket.AF_INET, 0, 0)
        self._netlink.send(head + body)
        more = True
        while more:
            data, at = self._netlink.recv(1 << 17), 0
            more = bool(flags & 0x300)
            while at + 16 <= len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind == 3:
                    return
                yield kind, data, at + 20, at + length
                at += (length + 3) & ~3

    def entry(self, t, _now, zone=0):
        body = self._requests.get((t, zone))
        if body is None:
            body = entries_of.tuple_to_attr(t)
            if zone:
                body += struct.pack("=HH", 6, 18) + struct.pack("!H", zone) + b"\0\0"
            self._requests[t, zone] = body
        for kind, data, begin, end in self._talk(1, 0, body):
            if kind != 2:
                return entries_of.from_netlink(data, begin, end)
            code = -struct.unpack_from("=i", data, begin - 4)[0]
            if code != errno.ENOENT:
                raise OSError(code, "ctnetlink: " + os.strerror(code))
        return None

    def entries(self, _now):
        return [entries_of.from_netlink(data, begin, end) for _, data, begin, end in self._talk(1, 0x300, b"")]

    def expectations(self, _now):
        """{what is expected: seconds}"""
        return _expectations(pathlib.Path("/proc/net/nf_conntrack_expect").read_text(encoding="ascii"))

    def flush(self):
        for kind, data, begin, _ in self._talk(2, 4, b""):
            if kind == 2 and struct.unpack_from("=i", data, begin - 4)[0]:
                raise OSError("ctnetlink: flush failed")

    def counters(self):
        lines = pathlib.Path("/proc/net/stat/nf_conntrack").read_text(encoding="ascii").splitlines()
        names, found = lines[0].split(), dict.fromkeys(COUNTERS, 0)
        for line in lines[1:]:
            for name, value in zip(names, line.split()):
                if name in found:
                    found[name] += int(value, 16)
        return found

    def rules(self, text):
        run(["iptables-legacy-restore"], NO_RULES + text)

    def sysctl(self, path, value):
        self._write(path, value)

    def reset(self):
        """As after the start: no connections, no rules, the tunables of a new namespace."""
        for path, value in self._defaults.items():
            path.write_text(value)
        self.rules("")
        self.flush()

    def close(self):
        for fd in self.taps.values():
            os.close(fd)
        self._netlink.close()


class Tapgate:
    """A core in a process of its own (tests/tools/core_server.c)."""

    def __init__(self, program):
        self._program = program
        self._process = None
        self.reset()

    def reset(self):
        """A new core."""
        self.close()
        # The core's own process, not a thread of ours: a crash is seen as its end.
        self._process = subprocess.Popen([self._program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._rest = b""
        self._index = {}
        for number, name in enumerate(PORTS, 1):
            self._text(b"p", "%s %s/24 %s %d" % (name, ROUTER[name], mac_text(ROUTER_MAC[name]), MTU))
            self._text(b"g", "%s via %s %s" % (BEHIND[name], GATEWAY[name], name))
            self._index[number] = name
        self._number = {name: bytes([number]) for number, name in self._index.items()}
        for path, value in COMMON_SYSCTLS.items():
            self.sysctl(path, value)
        self.rules("")

    def _request(self, op, body):
        """One request, its answer."""
        message = op + struct.pack("<I", len(body)) + body
        while message:
            message = message[os.write(self._in, message):]
        data = self._rest
        while len(data) < 4 or len(data) < 4 + struct.unpack_from("<I", data)[0]:
            more = os.read(self._out, 1 << 20)
            if not more:
                raise RuntimeError("%s ended with status %s" % (self._program, self._process.wait(5)))
            data += more
        end = 4 + struct.unpack_from("<I", data)[0]
        self._rest = data[end:]
        return data[4:end]

    def _text(self, op, text):
        error = self._request(op, text.encode()).decode()
        if error:
            raise RuntimeError("tapgate: %s: %s" % (text, error))

    def send(self, side, frame, now, vnet=PLAIN):
        answer = self._request(b"i", struct.pack("<Q", now) + self._number[side] + vnet + frame)
        found, at = {name: [] for name in PORTS}, 0
        while at < len(answer):
            index, length = struct.unpack_from("<BI", answer, at)
            found[self._index[index]].append(answer[at + 5:at + 5 + length])
            at += 5 + length
        return found

    def entry(self, t, now, zone=0):
        raw = self._request(b"q", struct.pack("<Q", now) + entries_of.tuple_to_wire(t, zone))
        return entries_of.from_wire(raw) if raw else None

    def entries(self, now):
        raw, size = self._request(b"d", struct.pack("<Q", now)), entries_of.WIRE_ENTRY_SIZE
        return [entries_of.from_wire(raw[i:i + size]) for i in range(0, len(raw), size)]

    def expectations(self, now):
        """{what is expected: seconds}"""
        return _expectations(self._request(b"x", struct.pack("<Q", now)).decode())

    def flush(self):
        self._request(b"f", b"")

    def counters(self):
        pairs = (line.split() for line in self._request(b"c", b"").decode().splitlines())
        return {name: int(value) for name, value in pairs}

    def logged(self):
        """The log lines since the last call."""
        return self._request(b"l", b"").decode()

    def rules(self, text):
        self._text(b"r", NO_RULES + text)

    def sysctl(self, path, value):
        self._text(b"s", "%s %s" % (path, value))

    def close(self):
        """End the process; an error if packets leaked in it."""
        if self._process:
            process, self._process = self._process, None
            process.stdin.close()
            status = process.wait(10)
            process.stdout.close()
            if status:
                raise RuntimeError("%s: exit status %d" % (self._program, status))
