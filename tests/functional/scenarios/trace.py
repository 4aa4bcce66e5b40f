"""TRACE: the way of a packet through the tables, in the kernel's words.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

import re

from testnet.packets import ROUTER_LAN, echo, tcp, udp
from testnet.scenario import scenario

MAC = "MAC=02:00:00:00:01:fe:02:00:00:00:01:01:08:00 "

# As Linux 6.18 logged the scenario below: where each line says that the packet is.
WAY = """
    raw:PREROUTING:rule:3 raw:PREROUTING:policy:4 mangle:PREROUTING:rule:1 mangle:marks:rule:1
    mangle:marks:return:4 mangle:PREROUTING:policy:4 nat:PREROUTING:rule:1 mangle:FORWARD:policy:1
    filter:FORWARD:rule:1 filter:outer:rule:1 filter:inner:rule:2 mangle:POSTROUTING:policy:1
    nat:POSTROUTING:rule:1 raw:PREROUTING:rule:3 raw:PREROUTING:policy:4 mangle:PREROUTING:rule:1
    mangle:marks:rule:1 mangle:marks:rule:2 mangle:PREROUTING:policy:4 nat:PREROUTING:policy:2
    mangle:FORWARD:policy:1 filter:FORWARD:rule:2 filter:outer:rule:1 filter:inner:return:3
    filter:outer:rule:2 filter:outer:return:3 filter:FORWARD:policy:4 raw:PREROUTING:rule:3
    raw:PREROUTING:policy:4 mangle:PREROUTING:rule:3 mangle:PREROUTING:policy:4 nat:PREROUTING:policy:2
    mangle:FORWARD:policy:1 filter:FORWARD:rule:3 raw:OUTPUT:policy:2 mangle:OUTPUT:policy:1
    filter:OUTPUT:policy:1 mangle:POSTROUTING:policy:1 raw:PREROUTING:rule:3 raw:PREROUTING:policy:4
    mangle:PREROUTING:rule:2 mangle:marks:rule:1 mangle:marks:return:4 mangle:PREROUTING:policy:4
    nat:PREROUTING:policy:2 mangle:INPUT:policy:1 filter:INPUT:rule:1 filter:outer:rule:1
    filter:inner:rule:1 filter:outer:rule:2 filter:outer:return:3 filter:INPUT:policy:2
    nat:INPUT:policy:1 raw:OUTPUT:policy:2 mangle:OUTPUT:policy:1 filter:OUTPUT:policy:1
    mangle:POSTROUTING:policy:1
""".split()


@scenario("""
*raw
:PREROUTING ACCEPT
:OUTPUT ACCEPT
-A PREROUTING -p udp -m udp --dport 9
-A PREROUTING -i lan -j TRACE
-A PREROUTING -i lan
-A OUTPUT -p icmp -j TRACE
*mangle
:PREROUTING ACCEPT
:FORWARD ACCEPT
:marks - [0:0]
-A PREROUTING -p udp -j marks
-A PREROUTING -p icmp -g marks
-A PREROUTING -p tcp -m tcp --dport 1
-A marks -j MARK --set-mark 0x17
-A marks -p udp -m udp --dport 3 -j RETURN
-A marks -p esp
*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 2 -j DNAT --to-destination 203.0.113.50:53
-A POSTROUTING -o wan -j SNAT --to-source 203.0.113.254
*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
:inner - [0:0]
:outer - [0:0]
-A INPUT -p icmp -j outer
-A FORWARD -p udp -m udp --dport 53 -j outer
-A FORWARD -p udp -m udp --dport 3 -j outer
-A FORWARD -p tcp -j REJECT
-A inner -p icmp -j RETURN
-A inner -p udp -m udp --dport 53 -j ACCEPT
-A outer -j inner
-A outer -m mark --mark 0x17
""")
def trace(lab):
    """A line for each rule hit, each end of a chain and each policy; none for what is not followed."""
    lab.client.send(udp(dport=2, dst="203.0.113.254", id=1))
    lab.settle()
    lab.client.send(udp(dport=3, id=2, tos=0x10))
    lab.settle()
    lab.client.send(tcp("SEC", dport=1, id=3, options=[("MSS", 1460)]))
    lab.settle()
    lab.client.send(echo(dst=ROUTER_LAN, id=4))
    lab.settle()
    lab.record("through", lab.server.packets(1))
    lab.record("back", lab.client.packets(2, mask="id"))
    lab.expect_log(
        "TRACE: raw:PREROUTING:rule:3 IN=lan OUT= %sSRC=10.1.0.50 DST=203.0.113.254 LEN=36 TOS=0x00 PREC=0x00 "
        "TTL=64 ID=1 PROTO=UDP SPT=5000 DPT=2 LEN=16 ?$" % MAC,
        "TRACE: mangle:marks:return:4 IN=lan OUT= %sSRC=10.1.0.50 DST=203.0.113.254 LEN=36 TOS=0x00 PREC=0x00 "
        "TTL=64 ID=1 PROTO=UDP SPT=5000 DPT=2 LEN=16 MARK=0x17 ?$" % MAC,
        "TRACE: nat:POSTROUTING:rule:1 IN=lan OUT=wan %sSRC=10.1.0.50 DST=203.0.113.50 LEN=36 TOS=0x00 PREC=0x00 "
        "TTL=63 ID=1 PROTO=UDP SPT=5000 DPT=53 LEN=16 MARK=0x17 ?$" % MAC,
        "TRACE: filter:FORWARD:rule:3 IN=lan OUT=wan %sSRC=10.1.0.50 DST=203.0.113.50 LEN=44 TOS=0x00 PREC=0x00 "
        "TTL=63 ID=3 PROTO=TCP SPT=40000 DPT=1 SEQ=1000 ACK=0 WINDOW=8192 RES=0x00 CWR ECE SYN URGP=0 "
        r"OPT \(020405B4\) ?$" % MAC,
        r"TRACE: mangle:POSTROUTING:policy:1 IN= OUT=lan SRC=10.1.0.254 DST=10.1.0.50 LEN=72 TOS=0x00 PREC=0xC0 "
        r"TTL=64 ID=\d+ PROTO=ICMP TYPE=3 CODE=3 \[SRC=10.1.0.50 DST=203.0.113.50 LEN=44 TOS=0x00 PREC=0x00 TTL=63 "
        r"ID=3 PROTO=TCP SPT=40000 DPT=1 SEQ=1000 ACK=0 WINDOW=8192 RES=0x00 CWR ECE SYN URGP=0 OPT \(020405B4\) \] ?$")
    lines = lab.log_lines()
    if lines is not None:
        assert re.findall(r"TRACE: (\S+) ", "\n".join(lines)) == WAY
