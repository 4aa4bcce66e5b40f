"""REJECT of each kind, in each hook, and what it refuses to answer.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import (ICMP, IP, ROUTER_LAN, SERVER, UDP, VC, VS, Raw, echo, error, fragment, tcp,
                             udp)
from testnet.scenario import scenario

KINDS = ["icmp-net-unreachable", "icmp-host-unreachable", "icmp-port-unreachable",
         "icmp-proto-unreachable", "icmp-net-prohibited", "icmp-host-prohibited",
         "icmp-admin-prohibited"]


@scenario("""
*filter
:FORWARD ACCEPT
:OUTPUT ACCEPT
-A FORWARD -i lan -j REJECT --reject-with @PARAM@
-A OUTPUT -m conntrack --ctstate RELATED
""", params=KINDS)
def kind(lab, _kind):
    """Each ICMP kind, about UDP, TCP, a ping and another protocol; all are RELATED."""
    lab.client.send(udp(id=99, tos=0x20), tcp(src="10.1.0.51", sport=41000),
                    echo(src="10.1.0.52"), IP(src="10.1.0.53", dst=VS, proto=50) / Raw(b"x" * 30))
    lab.record("errors", lab.client.packets(4))
    lab.record("nothing crossed", lab.server.packets(0))


@scenario("""
*filter
:FORWARD ACCEPT
:OUTPUT ACCEPT
-A FORWARD -i lan -p tcp -j REJECT --reject-with tcp-reset
-A FORWARD -i lan -p udp -j REJECT
-A OUTPUT -m conntrack --ctstate RELATED
-A OUTPUT -m conntrack --ctstate INVALID
-A OUTPUT -m conntrack --ctstate ESTABLISHED
""")
def tcp_reset(lab):
    """RST with the numbers that fit: to SYN, to ACK, to data, to FIN; never to a RST."""
    lab.client.send(tcp(tos=0x10, id=7, seq=1000))
    lab.client.send(tcp("A", sport=40001, seq=1000, ack=7777))
    lab.client.send(tcp("PA", sport=40002, seq=1000, ack=7777, data=b"abcde"))
    lab.client.send(tcp("", sport=40003, seq=1000), tcp("F", sport=40004, seq=1000, data=b"xy"))
    lab.client.send(tcp("R", sport=40005), tcp("RA", sport=40006, ack=5))
    lab.client.send(tcp("S", sport=40007, seq=4294967295, data=b"payload", options=[("MSS", 1460)]))
    lab.record("answers", lab.client.packets(6))
    lab.client.send(udp())
    lab.record("default kind", lab.client.packets(1))


@scenario("""
*filter
:INPUT ACCEPT
:OUTPUT ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset
-A INPUT -p udp -m udp --dport 161 -j REJECT --reject-with icmp-admin-prohibited
-A INPUT -p icmp -j REJECT --reject-with icmp-host-prohibited
""")
def in_input(lab):
    """REJECT of what is for the router itself."""
    lab.client.send(tcp(dst=ROUTER_LAN, dport=22), udp(dst=ROUTER_LAN, dport=161), echo(dst=ROUTER_LAN))
    lab.record("answers", lab.client.packets(3))
    lab.record("real", lab.client.tcp_exchange(ROUTER_LAN, 22))


@scenario("""
*filter
:INPUT ACCEPT
:OUTPUT ACCEPT
-A OUTPUT -p icmp -m icmp --icmp-type 0 -j REJECT
""")
def in_output(lab):
    """REJECT of what the router itself sends reaches only the router."""
    lab.client.send(echo(dst=ROUTER_LAN))
    lab.record("silence", lab.client.packets(0))


@scenario("""
*filter
:FORWARD ACCEPT
-A FORWARD -i lan -j REJECT
""")
def never_about(lab):
    """No answer about ICMP errors, bad checksums of ICMP, or later fragments."""
    inner = udp(src=VS, dst=VC)
    lab.client.send(error(3, 3, VC, inner, to=VS), error(11, 0, VC, inner, to=VS))
    lab.client.send(IP(src=VC, dst=VS) / ICMP(type=0, id=1, chksum=0x1234) / Raw(b"bad checksum"))
    lab.record("silence", lab.client.packets(0))
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=1, dport=2, chksum=0x1234) / Raw(b"bad udp"))
    lab.client.send(*fragment(udp(src="10.1.0.51", data=b"x" * 3000), fragsize=1000))
    lab.record("the datagram", lab.client.packets(1))


@scenario("""
*filter
:FORWARD DROP
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan -p tcp -m tcp --dport 80 -j ACCEPT
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
-A FORWARD -j REJECT --reject-with icmp-admin-prohibited
""", fuzzy=True)
def real_clients(lab):
    """What programs hear: refused for TCP, an error for UDP, a message for ping."""
    lab.record("tcp", lab.client.tcp_exchange(SERVER, 443))
    lab.record("udp", lab.client.udp_ask(SERVER, 53))
    lab.record("ping", lab.client.ping(SERVER))


@scenario("""
*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -i lan -p udp -m udp --dport 53 -j DNAT --to-destination 203.0.113.51:5353
-A POSTROUTING -o wan -j MASQUERADE
*filter
:FORWARD ACCEPT
-A FORWARD -p udp -j REJECT --reject-with icmp-host-prohibited
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
""")
def behind_nat(lab):
    """A REJECT after DNAT quotes what the client had sent."""
    lab.client.send(udp(), tcp(src="10.1.0.51"))
    lab.record("answers", lab.client.packets(2, mask="id"))


@scenario("""
*raw
:PREROUTING ACCEPT
-A PREROUTING -i lan -j NOTRACK
*filter
:FORWARD ACCEPT
:OUTPUT ACCEPT
-A FORWARD -p udp -j REJECT
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
-A OUTPUT -m conntrack --ctstate UNTRACKED
-A OUTPUT -m conntrack --ctstate INVALID
-A OUTPUT -m conntrack --ctstate RELATED
-A OUTPUT -m conntrack --ctstate NEW
""")
def of_untracked(lab):
    """The state of the answer to an untracked packet."""
    lab.client.send(udp(), tcp(src="10.1.0.51"))
    lab.record("answers", lab.client.packets(2))
