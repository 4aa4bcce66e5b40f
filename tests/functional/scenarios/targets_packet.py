"""Targets that change TCP headers, mark by hash, copy packets or give them to programs.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
                              |
                             dmz 192.0.2.1
"""

from testnet.packets import (IP, ROUTER_LAN, UDP, VC, VC2, VD, VS, VS2, Raw, echo, error, tcp,
                             udp)
from testnet.scenario import scenario

MSS = [("MSS", 1460), ("SAckOK", b""), ("WScale", 7)]


@scenario("""
*mangle
:PREROUTING ACCEPT
:FORWARD ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -p tcp -m tcp --dport 1 --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1000
-A FORWARD -p tcp -m tcp --dport 2 --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1460
-A FORWARD -p tcp -m tcp --dport 3 --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 1400
-A FORWARD -p tcp -m tcp --dport 4 --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 400
-A POSTROUTING -p tcp -m tcp --dport 5 --tcp-flags SYN SYN -j TCPMSS --set-mss 0
""")
def tcpmss_set(lab):
    """The MSS is lowered, never raised; a SYN without one gets at most 536, unless there is data or no room."""
    for port in range(1, 6):
        lab.client.send(tcp(dport=port, sport=1000, options=MSS, id=port))
    for port in range(1, 6):
        lab.client.send(tcp(dport=port, sport=2000, id=port))
    lab.client.send(tcp(dport=3, sport=3000, data=b"early", id=9))
    lab.client.send(tcp(dport=3, sport=3001, options=[("NOP", None)] * 36, id=9))
    lab.client.send(tcp(dport=3, sport=3002, options=[("NOP", None)] * 40, id=9))
    lab.client.send(tcp("SR", dport=3, sport=3004, options=MSS, id=9))
    lab.record("through", lab.server.packets(13))


@scenario("""
*mangle
:FORWARD ACCEPT
-A FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu
""", mtu={"wan": 1300})
def tcpmss_clamp(lab):
    """The narrower of the two links decides, for SYNs of both sides."""
    lab.client.send(tcp(options=MSS, id=1), tcp(sport=40001, options=[("MSS", 1200)], id=2),
                    tcp(sport=40002, id=3), tcp("SA", sport=40003, options=MSS, id=4))
    lab.record("to the server", lab.server.packets(4))
    lab.server.send(tcp(src=VS, dst=VC, sport=9, dport=9, options=MSS, id=5))
    lab.record("to the client", lab.client.packets(1))
    lab.client.send(tcp(dst=VD, options=MSS, id=6))
    lab.record("to the dmz", lab.dmz.packets(1))


@scenario("""
*mangle
:FORWARD ACCEPT
-A FORWARD -p tcp -m tcp --dport 1 -j TCPOPTSTRIP --strip-options 4
-A FORWARD -p tcp -m tcp --dport 2 -j TCPOPTSTRIP --strip-options 2,3,4,5,8
-A FORWARD -p tcp -m tcp --dport 3 -j TCPOPTSTRIP --strip-options 254
-A FORWARD -p tcp -m tcp --dport 4 -j TCPOPTSTRIP --strip-options 3
-A FORWARD -p tcp -m tcp --dport 5 -j TCPOPTSTRIP
""")
def tcpoptstrip(lab):
    """Options become NOPs wherever they begin; the checksum follows; broken options stay."""
    options = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (5, 0)), ("NOP", None), ("WScale", 7)]
    for port in range(1, 6):
        lab.client.send(tcp(dport=port, options=options, id=port))
    lab.client.send(tcp(dport=4, sport=2, options=[("NOP", None), ("NOP", None), ("WScale", 7)], id=7))
    lab.client.send(tcp(dport=4, sport=3, options=[("EOL", None), ("WScale", 7)], id=8))
    lab.client.send(tcp(dport=3, sport=4, options=[(254, b"abc"), ("NOP", None)], id=9))
    lab.record("through", lab.server.packets(8))


@scenario("""
*mangle
:PREROUTING ACCEPT
-A PREROUTING -p tcp -m tcp --dport 1 -j ECN --ecn-tcp-remove
-A PREROUTING -p tcp -m tcp --dport 2 -j ECN --ecn-tcp-ece 1
-A PREROUTING -p tcp -m tcp --dport 3 -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 1
-A PREROUTING -p tcp -m tcp --dport 4 -j ECN --ecn-ip-ect 1
-A PREROUTING -p tcp -m tcp --dport 5 -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 0
-A PREROUTING -p udp -j ECN --ecn-ip-ect 3
""")
def ecn(lab):
    """The bits of both headers, with right checksums."""
    for port in range(1, 6):
        lab.client.send(tcp("SEC", dport=port, tos=0xba, id=port), tcp("S", dport=port, sport=2, id=port))
    lab.client.send(udp(tos=0x10, id=9))
    lab.record("through", lab.server.packets(11))


@scenario("""
*mangle
:PREROUTING ACCEPT
:FORWARD ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 1:9 -j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-rnd 0xfeedcafe --hmark-mod 4294967295
-A PREROUTING -p tcp -j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 16 --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-proto-mask 0xff --hmark-rnd 0x00000001 --hmark-mod 1000000 --hmark-offset 7
-A PREROUTING -p icmp -j HMARK --hmark-src-prefix 32 --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-proto-mask 0xffff --hmark-rnd 0x00000002 --hmark-mod 1000
-A PREROUTING -p udp -m udp --dport 11:19 -j HMARK --hmark-sport-mask 0x00ff --hmark-dport 0x0102 --hmark-rnd 0x00000003 --hmark-mod 65536
-A FORWARD -p udp -m udp --dport 21:29 -j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-rnd 0x00000004 --hmark-mod 65536 --hmark-tuple ct
-A PREROUTING -p esp -j HMARK --hmark-src-prefix 32 --hmark-spi-mask 0xffffffff --hmark-rnd 0x00000005 --hmark-mod 65536
-A PREROUTING -p ah -j HMARK --hmark-spi-mask 0x0000ffff --hmark-spi 0x00010000 --hmark-rnd 0x00000005 --hmark-mod 65536
-A POSTROUTING -j CONNMARK --save-mark
""")
def hmark(lab):
    """The marks themselves, seen as marks of connections."""
    lab.client.send(udp(dport=1), udp(dport=2, src=VC2), udp(dport=3, sport=9))
    lab.client.send(tcp(sport=1, dport=2), tcp(sport=2, dport=1), tcp(sport=40000, dport=80))
    lab.client.send(echo(ident=7), echo(ident=8, src=VC2))
    lab.client.send(udp(sport=0x1234, dport=11), udp(sport=0x5634, dport=12))
    lab.client.send(udp(dport=21), udp(sport=7, dport=22))
    lab.client.send(IP(src=VC, dst=VS, proto=50) / Raw(b"\x00\x00\x12\x34\x00\x00\x00\x01payload"))
    lab.client.send(IP(src=VC, dst=VS2, proto=51) / Raw(b"\x04\x04\x00\x00\x00\x00\x12\x34\x00\x00\x00\x01"))
    there = lab.server.arrived(14)
    lab.record("through", len(there))
    lab.record("marks", lab.connections())
    question = [item for item in there if UDP in item and item[UDP].dport == 3][0]
    lab.server.send(error(3, 3, VS, question))
    lab.record("error", len(lab.client.arrived(1)))


@scenario("""
*filter
:FORWARD ACCEPT
-A FORWARD -p udp -m udp --dport 1 -j NFQUEUE --queue-num 3
-A FORWARD -p udp -m udp --dport 2 -j NFQUEUE --queue-num 3 --queue-bypass
-A FORWARD -p udp -m udp --dport 3 -j NFQUEUE --queue-balance 0:3
-A FORWARD -p udp -m udp --dport 4 -j NFQUEUE --queue-balance 0:3 --queue-bypass --queue-cpu-fanout
-A FORWARD -p udp -m udp --dport 5 -j NFLOG --nflog-prefix "heard " --nflog-group 3
-A FORWARD -p udp -m udp --dport 6 -j AUDIT --type accept
-A FORWARD -p udp -m udp --dport 7 -j IDLETIMER --timeout 10 --label scenario
-A FORWARD -p udp -m udp --dport 2
-A FORWARD -p udp -m udp --dport 5:9
*mangle
:PREROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 8 -j TPROXY --on-port 3128 --on-ip 0.0.0.0 --tproxy-mark 0x1/0x1
-A PREROUTING -p tcp -j TPROXY --on-port 3128 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1
-A PREROUTING -p udp -m udp --dport 8
-A PREROUTING -p udp -m udp --dport 9 -j CHECKSUM --checksum-fill
-A PREROUTING -p udp -m udp --dport 9 -j CONNSECMARK --save
-A PREROUTING -p udp -m udp --dport 9 -j CONNSECMARK --restore
*nat
:PREROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 10 -j NFQUEUE --queue-num 3
""")
def nobody_listens(lab):
    """No program takes from the queues, listens to the groups or has a socket for the proxy."""
    for port in range(1, 11):
        lab.client.send(udp(dport=port))
    lab.client.send(tcp())
    lab.record("through", lab.server.packets(6))


@scenario("""
*raw
:PREROUTING ACCEPT
:OUTPUT ACCEPT
-A PREROUTING -p udp -m udp --dport 1 -j TEE --gateway 192.0.2.50
-A OUTPUT -p udp
-A OUTPUT -p udp -m conntrack --ctstate UNTRACKED
-A OUTPUT -p udp -j TEE --gateway 203.0.113.51
*mangle
:FORWARD ACCEPT
:POSTROUTING ACCEPT
-A FORWARD -p udp -m udp --dport 2 -j TEE --gateway 192.0.2.50
-A FORWARD -p udp -m udp --dport 3 -j TEE --gateway 192.0.2.50 --oif dmz
-A FORWARD -p udp -m udp --dport 4 -j TEE --gateway 192.0.2.50 --oif missing
-A FORWARD -p udp -m udp --dport 5 -j TEE --gateway 198.51.100.1
-A FORWARD -p udp -m udp --dport 6 -j TEE --gateway 192.0.2.50
-A FORWARD -p udp -m udp --dport 6 -j DROP
-A POSTROUTING -p udp -o dmz
*filter
:INPUT ACCEPT
:OUTPUT ACCEPT
-A INPUT -p icmp -j TEE --gateway 192.0.2.50
-A OUTPUT -p icmp -j TEE --gateway 192.0.2.50
-A OUTPUT -p udp -m udp --dport 3 -j DROP
""")
def tee(lab):
    """The copy has DF and goes through OUTPUT and POSTROUTING untracked; it makes no copies of its own."""
    for port in range(1, 7):
        lab.client.send(udp(dport=port, id=port))
        lab.settle()
    lab.client.send(echo(dst=ROUTER_LAN, id=7))
    lab.settle()
    lab.record("through", lab.server.packets(5))
    lab.record("copies", lab.dmz.packets(6, mask="id"))
    lab.record("back", lab.client.packets(1))


@scenario("""
*mangle
:FORWARD ACCEPT
-A FORWARD -i lan -j TEE --gateway 192.0.2.50
""", mtu={"dmz": 1000})
def tee_too_long(lab):
    """A copy too long for its way is told to the sender, the packet itself crosses."""
    lab.client.send(udp(data=b"x" * 1200, id=1))
    lab.record("through", lab.server.packets(1))
    lab.record("copies", lab.dmz.packets(0))
    lab.record("error", lab.client.packets(1, mask="id"))
