"""One end of the laboratory as a scenario sees it: client, server or dmz.

Steps return plain values, ready for lab.record().  What a step sends leaves
through the host's only interface; packets() tells what came back.
"""

import re
import time

from scapy.layers.l2 import Ether

from . import text

QUIET = 0.03          # seconds without a new frame that count as silence


class Host:
    """A namespace at the far end of one link."""

    def __init__(self, link, netns, resident):
        """@link: the topology link; @netns: namespace name; @resident: its process."""
        self.link = link
        self.netns = netns
        self.resident = resident
        self.device = None
        self._mark = 0
        self._address = link.host_address

    # -- programs ---------------------------------------------------------------

    def run(self, *argv, limit=10, text_in=None):
        """Run a program in the namespace: (exit status, stdout, stderr)."""
        return self.resident.call("run", list(argv), text=text_in, limit=limit, timeout=limit + 5)

    def start(self, *argv):
        """Start a program that stays until the laboratory closes; its pid."""
        return self.resident.call("spawn", list(argv))

    def add_address(self, address):
        """Give the host one more address, ADDR/LEN."""
        status, _out, error = self.run("ip", "addr", "add", address, "dev", self.device)
        if status:
            raise RuntimeError(error)

    def listening(self, port):
        """Wait until a TCP server listens on port; an error if none does."""
        if not self.resident.call("wait_listening", port):
            raise RuntimeError("%s: nothing listens on port %d" % (self.netns, port))

    def ping(self, address, *options, count=1, ident=77):
        """The real ping: exit status and its lines without times."""
        status, out, error = self.run("ping", "-n", "-c", str(count), "-i", "0.01", "-W", "1",
                                      "-e", str(ident), *options, address)
        out = re.sub(r" time[=<][\d.]+ ms| ?time \d+ms", "", out)
        kept = [line for line in out.splitlines() if line and not line.startswith("rtt")]
        return ["exit %d" % status] + kept + error.splitlines()

    def traceroute(self, address, *options):
        """The real traceroute: its hops without times."""
        status, out, error = self.run("traceroute", "-n", "-q", "1", "-w", "1", "-m", "4",
                                      *options, address)
        return ["exit %d" % status] + re.sub(r"\s+[\d.]+ ms", "", out).splitlines() \
            + error.splitlines()

    # -- UDP and TCP of the host's own stack ----------------------------------------

    def udp_echo(self, port, **where):
        """Echo datagrams on a port from now on."""
        self.resident.call("udp_echo", port, **where)

    def udp_ask(self, address, port, data=b"question", sport=5000, limit=1.0, flags=()):
        """Send a datagram, wait for the answer: its text, or ECONNREFUSED, TIMEOUT, ..."""
        return self.resident.call("udp_ask", address, port, data, sport, limit, tuple(flags))

    def tcp_serve(self, port, mode="echo", **where):
        """Serve TCP on a port from now on; modes: see services.Services.tcp_serve."""
        self.resident.call("tcp_serve", port, mode, **where)

    def tcp_exchange(self, address, port, data=b"question", sport=40000, close="full", limit=2.0):
        """Connect, send, read, close: (what was read, how it ended)."""
        return self.resident.call("tcp_exchange", address, port, data, sport, close, limit)

    def tcp_more(self, sport, data):
        """Use a connection that tcp_exchange left open (close='hold')."""
        return self.resident.call("tcp_more", sport, data)

    def seen(self, proto, port, count=1):
        """What the server on a port saw; waits, for a bounded time, until it saw `count`."""
        until = time.monotonic() + 2
        while True:
            seen = self.resident.call("seen", proto, port)
            if len(seen) >= count or time.monotonic() > until:
                return seen
            time.sleep(0.005)

    # -- packets by hand --------------------------------------------------------------

    def send(self, *packets):
        """Send scapy packets; those without Ethernet go to the router's MAC address."""
        frames = []
        for item in packets:
            if not isinstance(item, Ether):
                item = Ether(src=self.link.host_mac, dst=self.link.router_mac) / item
            frames.append(bytes(item))
        self.resident.call("send_frames", frames)

    def mark(self):
        """Forget what arrived until now, what is still on its way included."""
        self.lab.settle()
        self.forget()

    def forget(self):
        """mark() for when nothing can be on its way."""
        self._mark = self.resident.call("frame_count")

    def frames(self, outgoing=False, arp=False):
        """Scapy packets that arrived (or left) since mark(), barrier ARP excluded."""
        found = []
        for out, raw in self.resident.call("frames_since", self._mark):
            is_arp = raw[12:14] == b"\x08\x06"
            if out == outgoing and is_arp == arp and (arp or raw[12:14] == b"\x08\x00"):
                found.append(Ether(raw))
        return found

    def arrived(self, count=1, match=None, limit=2.0, arp=False):
        """Scapy packets that arrived since mark(), once `count` did; then mark().

        @match: keep only packets for which it is true.
        @arp: ARP packets instead of IPv4.
        With count=0 it waits until the router has handled all that was sent.
        Whatever arrives beyond `count` is in the result, so a record shows it.
        """
        until = time.monotonic() + limit
        while True:
            found = [item for item in self.frames(arp=arp) if match is None or match(item)]
            if len(found) >= count or time.monotonic() > until:
                break
            time.sleep(0.003)
        self.lab.settle()
        found = [item for item in self.frames(arp=arp) if match is None or match(item)]
        self.forget()
        return found

    def packets(self, count=1, match=None, mask=(), arp=False):
        """arrived() as text lines, see text.packet for mask."""
        mask = tuple(mask.split()) if isinstance(mask, str) else tuple(mask)
        return [text.packet(item, mask) for item in self.arrived(count, match, arp=arp)]
