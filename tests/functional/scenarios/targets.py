"""Targets that change or mark packets and flows: MARK, CONNMARK, CT, NOTRACK, TTL, TOS, LOG.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import ROUTER_LAN, SERVER, VC, VC2, VS, answer, echo, tcp, udp
from testnet.scenario import scenario


@scenario("""
*mangle
:PREROUTING ACCEPT
:FORWARD ACCEPT
-A PREROUTING -p udp -m udp --dport 1 -j MARK --set-mark 0x1234
-A PREROUTING -p udp -m udp --dport 2 -j MARK --set-xmark 0xff/0xf
-A PREROUTING -p udp -m udp --dport 3 -j MARK --or-mark 0x30
-A PREROUTING -p udp -m udp --dport 3 -j MARK --and-mark 0x10
-A PREROUTING -p udp -m udp --dport 4 -j MARK --xor-mark 0xf0
-A PREROUTING -p udp -m udp --dport 4 -j MARK --set-mark 0x5/0xf
-A FORWARD -m mark --mark 0x1234
-A FORWARD -m mark --mark 0xff
-A FORWARD -m mark --mark 0x10
-A FORWARD -m mark --mark 0xf5
-A FORWARD -m mark --mark 0x0
""")
def mark(lab):
    """MARK with every operation and mask."""
    for port in range(1, 6):
        lab.client.send(udp(dport=port))
    lab.record("through", len(lab.server.arrived(5)))


@scenario("""
*mangle
:PREROUTING ACCEPT
:FORWARD ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -j CONNMARK --restore-mark
-A PREROUTING -p udp -m udp --dport 1 -m conntrack --ctstate NEW -j CONNMARK --set-mark 0x77
-A PREROUTING -p udp -m udp --dport 2 -j MARK --set-mark 0x12345678
-A FORWARD -m connmark --mark 0x77
-A FORWARD -m connmark --mark 0x70/0xf0
-A FORWARD -m connmark ! --mark 0x77
-A FORWARD -m mark --mark 0x77
-A FORWARD -p udp -m udp --dport 3 -j CONNMARK --set-xmark 0x5/0xff
-A FORWARD -p udp -m udp --dport 3 -j CONNMARK --or-mark 0xf00
-A FORWARD -p udp -m udp --dport 3 -j CONNMARK --and-mark 0xf04
-A FORWARD -p udp -m udp --dport 3 -j CONNMARK --xor-mark 0x1
-A POSTROUTING -p udp -m udp --dport 2 -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff00ff
""")
def connmark(lab):
    """The connection's mark: set, save, restore, match; it outlives the packet."""
    for port in (1, 2, 3):
        lab.client.send(udp(dport=port))
        lab.server.send(answer(lab.server.arrived()[0]))
        lab.client.arrived()
        lab.client.send(udp(dport=port))
        lab.server.arrived()
    lab.record("entries", lab.connections())


@scenario("""
*raw
:PREROUTING ACCEPT
:OUTPUT ACCEPT
-A PREROUTING -p udp -m udp --dport 1 -j NOTRACK
-A PREROUTING -p udp -m udp --dport 2 -j CT --notrack
-A PREROUTING -p icmp -j NOTRACK
-A OUTPUT -p icmp -j NOTRACK
*filter
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT ACCEPT
-A INPUT -m conntrack --ctstate UNTRACKED
-A FORWARD -m conntrack --ctstate UNTRACKED
-A FORWARD -m state --state UNTRACKED
-A FORWARD -m conntrack --ctstate INVALID
-A FORWARD -m conntrack --ctstate NEW
-A FORWARD -m conntrack ! --ctstate UNTRACKED
-A OUTPUT -m conntrack --ctstate UNTRACKED
""")
def notrack(lab):
    """Untracked packets leave no entry, match UNTRACKED, and go through."""
    for port in (1, 2, 3):
        lab.client.send(udp(dport=port))
    lab.client.send(echo(), echo(dst=ROUTER_LAN))
    lab.record("server", lab.server.packets(4))
    lab.record("client", lab.client.packets(1))


@scenario("""
*raw
:PREROUTING ACCEPT
-A PREROUTING -i lan -p udp -m udp --dport 1 -j CT --zone 5
-A PREROUTING -i wan -p udp -m udp --sport 1 -j CT --zone 5
-A PREROUTING -i lan -p udp -m udp --dport 2 -j CT --zone 5
-A PREROUTING -i lan -p udp -m udp --dport 3 -j CT --zone-orig 6
*filter
:FORWARD ACCEPT
-A FORWARD -m conntrack --ctstate NEW
-A FORWARD -m conntrack --ctstate ESTABLISHED
""")
def zones(lab):
    """Zones both ways, one way forgotten, original direction only."""
    for port in (1, 2, 3):
        lab.client.send(udp(dport=port))
        lab.server.send(answer(lab.server.arrived()[0]))
        lab.client.arrived()
    lab.record("entries", lab.connections())


@scenario("""
*mangle
:PREROUTING ACCEPT
:FORWARD ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 1 -j TTL --ttl-set 1
-A PREROUTING -p udp -m udp --dport 2 -j TTL --ttl-inc 10
-A PREROUTING -p udp -m udp --dport 3 -j TTL --ttl-dec 5
-A PREROUTING -p udp -m udp --dport 4 -j TTL --ttl-inc 250
-A FORWARD -p udp -m udp --dport 5 -j TTL --ttl-set 0
-A POSTROUTING -p udp -m udp --dport 6 -j TTL --ttl-set 128
-A POSTROUTING -p udp -m udp --dport 7 -j TTL --ttl-dec 255
""")
def ttl(lab):
    """TTL set, inc and dec, saturating; lowered to 1 before routing it ends here."""
    for port in range(1, 8):
        lab.client.send(udp(dport=port))
    lab.record("through", lab.server.packets(6))
    lab.record("error", lab.client.packets(1))


@scenario("""
*mangle
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 1 -j TOS --set-tos 0x10
-A PREROUTING -p udp -m udp --dport 2 -j TOS --set-tos 0x10/0x3f
-A PREROUTING -p udp -m udp --dport 3 -j TOS --set-tos 0xff
-A POSTROUTING -p udp -m udp --dport 4 -j TOS --or-tos 0x08
-A POSTROUTING -p udp -m udp --dport 5 -j TOS --and-tos 0x0f
-A POSTROUTING -p udp -m udp --dport 6 -j TOS --xor-tos 0xff
-A POSTROUTING -p udp -m udp --dport 7 -j TOS --set-tos Minimize-Delay
""")
def tos(lab):
    """TOS value and mask over the packet's 0xbb; the header checksum follows."""
    for port in range(1, 8):
        lab.client.send(udp(dport=port, tos=0xbb))
    lab.record("through", lab.server.packets(7))


@scenario("""
*filter
:INPUT ACCEPT
:FORWARD ACCEPT
-A FORWARD -p udp -j LOG --log-prefix "udp: "
-A FORWARD -p tcp -j LOG --log-prefix "tcp: " --log-level 6 --log-tcp-sequence --log-tcp-options --log-ip-options
-A FORWARD -p icmp -j LOG
-A INPUT -p icmp -j LOG --log-prefix "to me "
-A FORWARD -p udp -j DROP
""")
def log(lab):
    """LOG counts and goes on; where the log can be read its lines are the kernel's."""
    lab.client.send(udp(id=5, tos=0x10))
    lab.client.send(tcp("SEC", id=6, options=[("MSS", 1460)]))
    lab.client.send(echo(id=7, flags="DF"), echo(dst=ROUTER_LAN, id=8))
    lab.record("through", lab.server.packets(2))
    mac = "MAC=02:00:00:00:01:fe:02:00:00:00:01:01:08:00 "
    lab.expect_log(
        "udp: IN=lan OUT=wan %sSRC=10.1.0.50 DST=203.0.113.50 LEN=36 TOS=0x10 PREC=0x00 TTL=63 ID=5 "
        "PROTO=UDP SPT=5000 DPT=53 LEN=16 ?$" % mac,
        "tcp: IN=lan OUT=wan %sSRC=10.1.0.50 DST=203.0.113.50 LEN=44 TOS=0x00 PREC=0x00 TTL=63 ID=6 "
        r"PROTO=TCP SPT=40000 DPT=80 SEQ=1000 ACK=0 WINDOW=8192 RES=0x00 CWR ECE SYN URGP=0 "
        r"OPT \(020405B4\) ?$" % mac,
        "IN=lan OUT=wan %sSRC=10.1.0.50 DST=203.0.113.50 LEN=32 TOS=0x00 PREC=0x00 TTL=63 ID=7 DF "
        "PROTO=ICMP TYPE=8 CODE=0 ID=7 SEQ=1 ?$" % mac,
        "to me IN=lan OUT= %sSRC=10.1.0.50 DST=10.1.0.254 LEN=32 TOS=0x00 PREC=0x00 TTL=64 ID=8 "
        "PROTO=ICMP TYPE=8 CODE=0 ID=7 SEQ=1 ?$" % mac)


@scenario("""
*raw
:PREROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 1 -j ACCEPT
-A PREROUTING -p udp -m udp --dport 1:2 -j DROP
*mangle
:PREROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 1 -j MARK --set-mark 0x1
-A PREROUTING -p udp -m udp --dport 1 -j TTL --ttl-set 33
-A PREROUTING -p udp -m udp --dport 1 -j RETURN
-A PREROUTING -j MARK --set-mark 0x2
*filter
:FORWARD DROP
-A FORWARD -m mark --mark 0x1 -j ACCEPT
""")
def which_targets_end_the_walk(lab):
    """MARK and TTL go on to the next rule; ACCEPT, DROP and RETURN do not."""
    for port in (1, 2, 3):
        lab.client.send(udp(dport=port))
    lab.record("through", lab.server.packets(1))


@scenario("""
*mangle
:PREROUTING ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
-A OUTPUT -p icmp -j MARK --set-mark 0x9
-A OUTPUT -p icmp -j TOS --set-tos 0x10
-A POSTROUTING -m mark --mark 0x9
-A PREROUTING -i lan -j CONNMARK --set-mark 0x7
""")
def router_output(lab):
    """Mangling what the router itself sends: its echo reply and its errors."""
    lab.client.send(echo(dst=ROUTER_LAN), udp(src=VC2, ttl=1))
    lab.record("sent", lab.client.packets(2))
    lab.record("real", lab.client.ping(SERVER)[0])
    lab.record("virtual hosts", [VC, VS])
