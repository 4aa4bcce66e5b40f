"""What a scenario can ask of a laboratory, whichever router is in the middle.

A subclass brings up the router (_start_router), removes it (_stop_router), and
reads its state.  A laboratory is a context manager; it is also closed at exit
and on SIGTERM or SIGINT, see `namespaces`.
"""

import re
import shlex
import shutil
import tempfile
import time

from . import namespaces, services, text
from .resident import Resident
from .host import QUIET, Host
from .topology import LINKS

SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "net.netfilter.nf_conntrack_acct": "1",
}


class Lab:
    """Three hosts around a router; see the package for the picture."""

    kind = "none"

    def __init__(self, rules="", sysctl=None, mtu=None, helpers=None, offload=False,
                 routes=None, sets="", before=()):
        """Describe the laboratory; entering the context builds it.

        @rules: iptables-save text, short form allowed (text.complete_rules).
        @sysctl: {name: value} for the router, above lab.SYSCTLS.
        @mtu: {link name: bytes} for both ends of a link; 1500 otherwise.
        @helpers: {name: ports text} of helpers (over TCP) that Tapgate attaches by
                  configuration and the kernel by rules in raw, which the scenario
                  must not use then; rules with -j CT --helper need none.
        @routes: {prefix: 'via ADDRESS', 'blackhole', 'unreachable' or 'prohibit'}.
        @sets: lines of `ipset restore`, read before the rules.
        @before: commands carried out on the router before the rules, such as
                 'nfacct add web'.
        @offload: leave segmentation and checksum offload of the hosts on, for bulk
                  traffic; frames are not captured then.
        """
        self.rules = text.complete_rules(rules)
        self.tables = text.tables_of(self.rules)
        self.sysctls = dict(SYSCTLS, **(sysctl or {}))
        self.mtu = mtu or {}
        self.helpers = helpers or {}
        self.offload = offload
        self.routes = routes or {}
        self.sets = sets
        self.before = [shlex.split(line) for line in before]
        self.suffix = namespaces.new_suffix()
        self.hosts = []
        self.record_list = []
        self.directory = None
        self._namespaces = []
        self.fuzzy = False
        self.mask = ()

    # -- life -----------------------------------------------------------------

    def __enter__(self):
        namespaces.guard(self)
        try:
            self.directory = tempfile.mkdtemp(prefix="tapgate-lab-")
            names = self._namespace_names()
            namespaces.create(names)
            self._namespaces = names
            for link in LINKS:
                netns = "tg-%s-%s" % (link.host, self.suffix)
                host = Host(link, netns, Resident(netns, services.make))
                host.lab = self
                host.resident.call("write", [
                    ("/proc/sys/net/ipv6/conf/all/disable_ipv6", 1),
                    ("/proc/sys/net/ipv6/conf/default/disable_ipv6", 1),
                    ("/proc/sys/net/ipv4/conf/all/rp_filter", 0),
                    ("/proc/sys/net/ipv4/conf/default/rp_filter", 0),
                    ("/proc/sys/net/ipv4/conf/all/accept_redirects", 0),
                    ("/proc/sys/net/ipv4/conf/default/accept_redirects", 0),
                    ("/proc/sys/net/ipv4/icmp_ratelimit", 0),
                    ("/proc/sys/net/ipv4/ping_group_range", "0 0")])
                self.hosts.append(host)
                setattr(self, link.host, host)
            self._start_router()
            for host in self.hosts:
                host.resident.call("attach", host.device, host.link, self.offload)
            self._introduce()
            for host in self.hosts:
                host.forget()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind, _value, _trace):
        try:
            if kind is None:
                self.finish()
        finally:
            self.close()

    def _namespace_names(self):
        """Namespaces to create."""
        return ["tg-%s-%s" % (link.host, self.suffix) for link in LINKS]

    def finish(self):
        """Orderly end of the router; raises if it did not end well."""

    def close(self):
        """Remove everything, whatever state it is in."""
        namespaces.release(self)
        try:
            self._stop_router()
        finally:
            for host in self.hosts:
                host.resident.close()
            self.hosts = []
            namespaces.delete(self._namespaces)
            self._namespaces = []
            if self.directory:
                shutil.rmtree(self.directory, ignore_errors=True)
                self.directory = None

    def _start_router(self):
        """Bring the router up and set device of every host."""
        raise NotImplementedError

    def _stop_router(self):
        """Take the router away; must bear any state."""

    def _quiet_device(self, resident, device):
        """No offloads on a device, so that every frame on it is what a wire would carry."""
        if not self.offload:
            resident.call("run", ["ethtool", "-K", device, "rx", "off", "tx", "off", "sg", "off", "tso", "off",
                               "gso", "off", "gro", "off"])

    def _introduce(self):
        """Let router and hosts learn each other's MAC addresses: not what scenarios test."""
        for host in self.hosts:
            for address in [host.link.host_address] + host.link.virtual:
                if not host.resident.call("barrier", address):
                    raise RuntimeError("the router does not answer ARP on %s (asked by %s)"
                                       % (host.link.name, address))

    # -- time --------------------------------------------------------------------

    def settle(self, limit=2.0):
        """Wait until the router has handled all that was sent and no frame moves any more.

        Two rounds of barriers: after the first the router has handled what the
        hosts had sent, after the second they have captured what it sent then.
        """
        for _ in range(2):
            for call in [host.resident.start("barrier", host.link.host_address) for host in self.hosts]:
                call.result()
        until = time.monotonic() + limit
        before = None
        while time.monotonic() < until:
            now = [host.resident.call("frame_count") for host in self.hosts]
            if now == before:
                return
            before = now
            time.sleep(QUIET)

    def wait(self, condition, limit=5.0):
        """Poll until condition() is true; its value, or the last one when time is up."""
        until = time.monotonic() + limit
        while True:
            value = condition()
            if value or time.monotonic() > until:
                return value
            time.sleep(0.02)

    def wait_connection(self, pattern):
        """Wait until some connection matches a regular expression; an error if none does."""
        if not self.wait(lambda: any(re.search(pattern, line) for line in self.connections())):
            raise AssertionError("no connection matches %r:\n%s"
                                 % (pattern, "\n".join(self.connections())))

    # -- records ------------------------------------------------------------------

    def record(self, name, value):
        """Keep an observation; the other run must have the same."""
        self.record_list.append((name, text.lines(value)))

    @staticmethod
    def text(item, mask=()):
        """A packet as a line, see text.packet."""
        return text.packet(item, tuple(mask.split()) if isinstance(mask, str) else mask)

    def record_router(self, name="at the end", connections=True):
        """Record rule counters and connections of the router as they are now."""
        self.settle()
        self.record(name + ": rules", self.saved_rules())
        if connections:
            self.record(name + ": connections", self.connections())

    def saved_rules(self):
        """Rules with counters, as comparable lines."""
        return text.saved_rules(self.save(), self.tables, self.fuzzy)

    def connections(self, mask=()):
        """conntrack -L as comparable lines."""
        return text.connections(self.conntrack("-L"), self.fuzzy, tuple(mask) or self.mask)

    def expectations(self):
        """conntrack -L expect as comparable lines."""
        return text.connections(self.conntrack("-L", "expect"), self.fuzzy, self.mask)

    # -- changes to the running router, by subclass ------------------------------------

    def iptables(self, *args):
        """One iptables command; its standard output, an error if it fails."""
        raise NotImplementedError

    def set_link(self, name, up):
        """Bring the router's end of a link up or down, as its administrator."""
        raise NotImplementedError

    def set_addresses(self, name, addresses):
        """Give the router these addresses on a link, such as 192.0.2.254/24, and no others."""
        raise NotImplementedError

    # -- the router's state, by subclass ---------------------------------------------

    def save(self):
        """iptables-save -c as it is."""
        raise NotImplementedError

    def ipset(self, *args):
        """Standard output of ipset ARGS."""
        raise NotImplementedError

    def nfacct(self, *args):
        """Standard output of nfacct ARGS."""
        raise NotImplementedError

    def conntrack(self, *args):
        """Standard output of conntrack ARGS."""
        raise NotImplementedError

    def proc(self, path):
        """A file of /proc, such as net/nf_conntrack."""
        raise NotImplementedError

    def sysctl(self, name, value):
        """Set a sysctl of the running router: '' or the name of the error."""
        raise NotImplementedError

    def log_lines(self):
        """What -j LOG wrote, or None where it cannot be read."""
        return None

    def expect_log(self, *patterns):
        """Where the log can be read, each pattern must match a line of it."""
        for pattern in patterns:
            def found(pattern=pattern):
                lines = self.log_lines()
                return lines is None or any(re.search(pattern, line) for line in lines)
            if not self.wait(found, limit=2):
                raise AssertionError("no log line matches %r in:\n%s"
                                     % (pattern, "\n".join(self.log_lines())))


def sysctl_path(name):
    """net.ipv4.conf.lan.rp_filter -> sys/net/ipv4/conf/lan/rp_filter."""
    return "sys/" + name.replace(".", "/")
