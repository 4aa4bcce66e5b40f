"""Connection tracking beside TCP: life of UDP and ping entries, INVALID, timeouts.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

import time

from testnet.packets import (ICMP, IP, TCP, UDP, VC, VC2, VS, Raw, answer, echo, error, tcp, udp)
from testnet.scenario import scenario

STATES = """
*filter
:FORWARD ACCEPT
-A FORWARD -m conntrack --ctstate NEW
-A FORWARD -m conntrack --ctstate ESTABLISHED
-A FORWARD -m conntrack --ctstate RELATED
-A FORWARD -m conntrack --ctstate INVALID
"""


@scenario(STATES)
def udp_assured(lab):
    """30 s until there is a reply and the flow is older than 2 s; then 120 s and ASSURED."""
    began = time.monotonic()
    lab.client.send(udp())
    seen = lab.server.arrived()[0]
    lab.record("new", lab.connections())
    lab.server.send(answer(seen))
    lab.client.arrived()
    lab.record("replied", lab.connections())
    lab.client.send(udp())
    lab.server.arrived()
    lab.record("young", lab.connections())
    lab.wait(lambda: time.monotonic() - began > 2.3)
    lab.client.send(udp())
    lab.server.arrived()
    lab.record("old", lab.connections())


@scenario(STATES)
def udp_late_reply(lab):
    """A first reply after 2 s does not make it ASSURED; the packet after it does."""
    began = time.monotonic()
    lab.client.send(udp())
    seen = lab.server.arrived()[0]
    lab.wait(lambda: time.monotonic() - began > 2.3)
    lab.server.send(answer(seen))
    lab.client.arrived()
    lab.record("replied", lab.connections())
    lab.server.send(answer(seen))
    lab.client.arrived()
    lab.record("again", lab.connections())


@scenario(STATES, sysctl={"net.netfilter.nf_conntrack_udp_timeout": "2",
                          "net.netfilter.nf_conntrack_icmp_timeout": "200",
                          "net.netfilter.nf_conntrack_generic_timeout": "77",
                          "net.netfilter.nf_conntrack_tcp_timeout_syn_sent": "55"})
def timeouts(lab):
    """Timeouts come from the sysctls; an expired flow is NEW again."""
    lab.client.send(udp(), echo(), tcp(), IP(src=VC, dst=VS, proto=50) / Raw(b"12345678"))
    lab.server.arrived(4)
    lab.record("fresh", lab.connections())
    lab.wait(lambda: not any("udp" in line for line in lab.connections()))
    lab.client.send(udp())
    lab.server.arrived()


@scenario(STATES)
def ping_replies(lab):
    """One entry per id; replies keep it; a second reply is ESTABLISHED too; strays are INVALID."""
    lab.client.send(echo(ident=1), echo(ident=2))
    one, two = lab.server.arrived(2)
    lab.server.send(answer(one), answer(one), answer(two))
    lab.server.send(IP(src=VS, dst=VC) / ICMP(type=0, id=3))
    lab.record("replies", lab.client.packets(4))


@scenario(STATES)
def dropped_leaves_nothing(lab):
    """A packet that the router cannot forward confirms no entry."""
    lab.client.send(udp(ttl=1), udp(dst="198.51.100.1", src=VC2))
    lab.record("errors", len(lab.client.arrived(2)))


@scenario(STATES)
def reply_direction(lab):
    """The reply direction is ESTABLISHED from its first packet; either side may go on."""
    lab.server.send(udp(src=VS, dst=VC, sport=53, dport=5000))
    lab.client.arrived()
    lab.record("server began", lab.connections())
    lab.client.send(udp(data=b"answer"))
    lab.server.arrived()


@scenario(STATES)
def bad_checksums(lab):
    """A wrong checksum is INVALID and forwarded as it is; a wrong IP checksum is not."""
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=5000, dport=53, chksum=0x1111) / Raw(b"bad"))
    lab.client.send(IP(src=VC, dst=VS) / TCP(sport=40000, dport=80, chksum=0x2222))
    lab.client.send(IP(src=VC, dst=VS) / ICMP(id=7, chksum=0x3333) / Raw(b"bad"))
    lab.client.send(IP(src=VC, dst=VS, chksum=0x4444) / UDP(sport=5000, dport=53) / Raw(b"bad"))
    lab.record("through", lab.server.packets(3))


@scenario(STATES, sysctl={"net.netfilter.nf_conntrack_checksum": "0"})
def checksums_not_checked(lab):
    """With nf_conntrack_checksum=0 they are tracked like any other."""
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=5000, dport=53, chksum=0x1111) / Raw(b"bad"))
    lab.client.send(IP(src=VC, dst=VS) / TCP(sport=40000, dport=80, chksum=0x2222))
    lab.client.send(IP(src=VC, dst=VS) / ICMP(id=7, chksum=0x3333) / Raw(b"bad"))
    lab.record("through", lab.server.packets(3))


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j MASQUERADE\n" + STATES)
def invalid_is_not_translated(lab):
    """An INVALID packet passes NAT untouched: that is why firewalls drop them."""
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=5000, dport=53, chksum=0x1111) / Raw(b"bad"))
    lab.client.send(tcp("SA"), tcp("R", sport=40001), IP(src=VC, dst=VS) / ICMP(type=0, id=3))
    lab.record("through", lab.server.packets(4))


@scenario(STATES)
def bad_lengths(lab):
    """UDP lengths that lie, TCP data offsets that lie, headers cut short."""
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=1, dport=2, len=100, chksum=0) / Raw(b"less"))
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=1, dport=3, len=7, chksum=0) / Raw(b"x"))
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=1, dport=4, len=9, chksum=0) / Raw(b"more"))
    lab.client.send(IP(src=VC, dst=VS, proto=17) / Raw(b"1234567"))
    lab.client.send(IP(src=VC, dst=VS) / TCP(sport=1, dport=2, dataofs=4))
    lab.client.send(IP(src=VC, dst=VS) / TCP(sport=1, dport=3, dataofs=15))
    lab.client.send(IP(src=VC, dst=VS, proto=6) / Raw(b"x" * 19))
    lab.client.send(IP(src=VC, dst=VS, proto=1) / Raw(b"\x08\x00\xf7\xff\x00\x00\x00"))
    lab.record("through", lab.server.packets(8))


@scenario(STATES)
def tcp_flag_sets(lab):
    """Which flag sets open a flow, which are INVALID, which pick one up in the middle."""
    for number, flags in enumerate(["S", "SP", "SU", "SEC", "SA", "SAU", "F", "FA", "FAU", "FPA", "A", "PA",
                                    "AU", "R", "RA", "RP", "", "P", "U", "SF", "SR", "SFA", "FR", "SRA",
                                    "FSRPAU"]):
        lab.client.send(tcp(flags, sport=41000 + number, ack=1 if "A" in flags else 0))
    lab.record("through", len(lab.server.arrived(25)))


@scenario(STATES)
def icmp_errors_about_icmp(lab):
    """An error about a ping is RELATED; about a ping reply of nobody it is INVALID."""
    lab.client.send(echo())
    seen = lab.server.arrived()[0]
    lab.server.send(error(3, 1, VS, seen), error(11, 0, VS, seen, quote=28))
    lab.server.send(error(3, 1, VS, echo(ident=99)))
    lab.record("through", lab.client.packets(3))


@scenario(STATES, sysctl={"net.netfilter.nf_conntrack_timestamp": "1"})
def accounting(lab):
    """Bytes are those of the IP packet; both directions apart; /proc tells the same."""
    lab.client.send(udp(data=b"x" * 10), udp(data=b"x" * 20))
    seen = lab.server.arrived(2)[0]
    lab.server.send(answer(seen))
    lab.client.arrived()
    from testnet import text
    lab.record("proc", text.connections(lab.proc("net/nf_conntrack")))


@scenario(STATES)
def count_and_delete(lab):
    """conntrack -C counts, nf_conntrack_count agrees."""
    lab.client.send(udp(), udp(sport=5001), echo())
    lab.server.arrived(3)
    lab.record("sysctl", lab.proc("sys/net/netfilter/nf_conntrack_count").strip())
