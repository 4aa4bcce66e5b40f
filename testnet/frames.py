"""Frames of one interface: capture all, send raw, answer ARP for virtual hosts.

Runs inside a namespace, in a thread of the resident.  Everything the interface
receives or sends is kept in order; readers ask for what came after an index.
"""

import socket
import struct
import threading
import time

SO_RCVBUFFORCE = 33
OUTGOING = 4
ARP_REQUEST, ARP_REPLY = 1, 2
ETH_P_ALL, ETH_P_ARP = 3, 0x0806


def mac_bytes(text):
    """02:00:... as six bytes."""
    return bytes.fromhex(text.replace(":", ""))


def arp_frame(op, src_mac, src_ip, dst_mac, dst_ip, eth_dst=None, eth_src=None):
    """An Ethernet frame with an ARP packet; addresses as text."""
    ether = mac_bytes(eth_dst or dst_mac) + mac_bytes(eth_src or src_mac) + b"\x08\x06"
    return (ether + struct.pack("!HHBBH", 1, 0x0800, 6, 4, op)
            + mac_bytes(src_mac) + socket.inet_aton(src_ip)
            + mac_bytes(dst_mac) + socket.inet_aton(dst_ip))


class Frames:
    """The packet socket of one interface and the list of frames it saw."""

    def __init__(self, device, link, only_arp=False):
        """Capture on `device`, the host end of topology `link`; only_arp for bulk traffic."""
        protocol = ETH_P_ARP if only_arp else ETH_P_ALL
        self.link = link
        self._virtual = {socket.inet_aton(address) for address in link.virtual}
        self._seen = []          # (outgoing?, bytes)
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(protocol))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self._socket.bind((device, protocol))
        threading.Thread(target=self._capture, daemon=True).start()

    def _capture(self):
        """Thread: keep every frame, answer ARP for the virtual hosts."""
        while True:
            try:
                frame, where = self._socket.recvfrom(70000)
            except OSError:      # the interface went away with its router
                if self._socket.fileno() < 0:
                    return
                time.sleep(0.05)
                continue
            outgoing = where[2] == OUTGOING
            if not outgoing:
                self._maybe_answer_arp(frame)
            self._seen.append((outgoing, frame))

    def _maybe_answer_arp(self, frame):
        """Reply to a request for one of the virtual addresses."""
        if frame[12:14] != b"\x08\x06" or len(frame) < 42:
            return
        if frame[20:22] != b"\x00\x01" or frame[38:42] not in self._virtual:
            return
        asker = ":".join("%02x" % byte for byte in frame[22:28])
        self._socket.send(arp_frame(ARP_REPLY, self.link.host_mac,
                                    socket.inet_ntoa(frame[38:42]),
                                    asker, socket.inet_ntoa(frame[28:32])))

    def send(self, frames):
        """Put frames on the wire, in order."""
        for frame in frames:
            self._socket.send(frame)

    def since(self, index):
        """Frames from `index` on, as [(outgoing, bytes)]."""
        return self._seen[index:]

    def count(self):
        """How many frames were seen."""
        return len(self._seen)

    def barrier(self, source, timeout=2.0):
        """Ask the router's MAC address as `source` and wait until it answers.

        A router handles the frames of one port in order, so that all sent
        before has been handled when this returns True.
        """
        start = len(self._seen)
        self.send([arp_frame(ARP_REQUEST, self.link.host_mac, source,
                             "00:00:00:00:00:00", self.link.router_address,
                             eth_dst=self.link.router_mac)])
        wanted = socket.inet_aton(self.link.router_address)
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            for outgoing, frame in self._seen[start:]:
                if (not outgoing and frame[12:14] == b"\x08\x06" and frame[20:22] == b"\x00\x02"
                        and frame[28:32] == wanted and frame[38:42] == socket.inet_aton(source)):
                    return True
            time.sleep(0.001)
        return False
