"""Names and numbers of the laboratory: links, addresses and MAC addresses.

Everything here is constant, so that a captured frame is the same byte for byte
whichever router forwarded it.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """One network with a host at one end and the router at the other."""

    name: str        # the router's interface, as rules know it
    host: str        # the attribute of the lab: lab.client, lab.server, lab.dmz
    prefix: str      # first three octets
    host_mac: str
    router_mac: str

    @property
    def host_address(self):
        """The host's own address."""
        return self.prefix + ".1"

    @property
    def router_address(self):
        """The router's address on this link."""
        return self.prefix + ".254"

    @property
    def virtual(self):
        """Addresses that hand-built packets may use; the host answers ARP for them."""
        return ["%s.%d" % (self.prefix, n) for n in range(50, 60)]


LAN = Link("lan", "client", "10.1.0", "02:00:00:00:01:01", "02:00:00:00:01:fe")
WAN = Link("wan", "server", "203.0.113", "02:00:00:00:02:01", "02:00:00:00:02:fe")
DMZ = Link("dmz", "dmz", "192.0.2", "02:00:00:00:03:01", "02:00:00:00:03:fe")
LINKS = (LAN, WAN, DMZ)
