"""Matches and targets on single fields, and those that count: iprange, tos, dscp, DSCP, CLASSIFY, statistic, connbytes.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import VC2, VS2, answer, echo, tcp, udp
from testnet.scenario import scenario


def counting(*matches, chain="FORWARD", table="filter"):
    """Rules without a target, one per match text."""
    return "*%s\n:%s ACCEPT\n" % (table, chain) + "".join("-A %s %s\n" % (chain, match) for match in matches)


@scenario(counting(
    "-m iprange --src-range 10.1.0.1-10.1.0.1", "-m iprange --src-range 10.1.0.2-10.1.0.50", "-m iprange --src-range 10.1.0.51-10.255.255.255",
    "-m iprange ! --src-range 10.1.0.0-10.1.0.49", "-m iprange --dst-range 203.0.113.1-203.0.113.50", "-m iprange --dst-range 203.0.113.51",
    "-m iprange ! --dst-range 203.0.113.2-203.0.113.255", "-m iprange --src-range 0.0.0.0-10.1.0.1 --dst-range 203.0.113.1-255.255.255.255",
    "-m iprange ! --src-range 10.1.0.1-10.1.0.1 ! --dst-range 203.0.113.1", "-m iprange --src-range 10.1.0.50-10.1.0.1"))
def iprange(lab):
    """Both ends belong to a range; a reversed one fits nothing."""
    lab.client.send(udp(), udp(src=VC2), udp(dst=VS2), udp(src=VC2, dst=VS2), tcp(src=VC2), echo())
    lab.record("through", len(lab.server.arrived(6)))


@scenario("""
*mangle
:PREROUTING ACCEPT
:FORWARD ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -m tos --tos 0x10/0xff
-A PREROUTING -m tos ! --tos 0x10/0x10
-A PREROUTING -m tos --tos Minimize-Cost
-A PREROUTING -m dscp --dscp 0x2e
-A PREROUTING -m dscp ! --dscp-class AF11
-A PREROUTING -m dscp --dscp-class CS0
-A FORWARD -p udp -m udp --dport 1 -j DSCP --set-dscp 0x3f
-A FORWARD -p udp -m udp --dport 2 -j DSCP --set-dscp-class EF
-A FORWARD -p udp -m udp --dport 3 -j DSCP --set-dscp 0
-A POSTROUTING -m dscp --dscp 0x3f
-A POSTROUTING -m dscp --dscp-class EF
-A POSTROUTING -m tos --tos 0x03/0x03
""")
def dscp_and_tos(lab):
    """The six upper bits for dscp, any of the eight for tos; DSCP keeps the two of ECN."""
    lab.client.send(*[udp(dport=port, tos=tos, id=port << 8 | tos) for port in (1, 2, 3, 4) for tos in (0, 0x10, 0x28, 0x2b, 0xb9, 0x02)])
    lab.record("through", lab.server.packets(24))


@scenario(counting(
    "-m statistic --mode nth --every 3 --packet 0", "-m statistic --mode nth --every 3 --packet 2", "-m statistic --mode nth ! --every 3 --packet 0",
    "-m statistic --mode nth --every 1 --packet 0", "-p udp -m statistic --mode nth --every 2 --packet 1", "-m statistic --mode random --probability 1",
    "-m statistic --mode random --probability 0", "-m statistic --mode random ! --probability 1", "-m statistic --mode random ! --probability 0"))
def statistic(lab):
    """Every N-th packet that gets as far as the match, beginning with the one that was named; always and never."""
    lab.client.send(*[echo(seq=n) if n % 4 == 3 else udp(sport=5000 + n) for n in range(16)])
    lab.record("through", len(lab.server.arrived(16)))


@scenario(counting(
    "-m connbytes --connbytes 2: --connbytes-dir original --connbytes-mode packets",
    "-m connbytes --connbytes 1:1 --connbytes-dir reply --connbytes-mode packets",
    "-m connbytes --connbytes 3:4 --connbytes-dir both --connbytes-mode packets",
    "-m connbytes ! --connbytes 3: --connbytes-dir both --connbytes-mode packets",
    "-m connbytes --connbytes 300: --connbytes-dir both --connbytes-mode bytes",
    "-m connbytes --connbytes :200 --connbytes-dir original --connbytes-mode bytes",
    "-m connbytes --connbytes 128 --connbytes-dir original --connbytes-mode avgpkt",
    "-m connbytes --connbytes 60:90 --connbytes-dir reply --connbytes-mode avgpkt",
    "-m connbytes --connbytes 100:120 --connbytes-dir both --connbytes-mode avgpkt"))
def connbytes(lab):
    """Packets, bytes and their mean in each direction, the packet itself counted."""
    for n in range(4):
        lab.client.send(udp(data=b"x" * 100))
        lab.server.send(answer(lab.server.arrived(1)[0]))
        lab.record("answer %d" % n, len(lab.client.arrived(1)))


@scenario("""
*mangle
:FORWARD ACCEPT
:POSTROUTING ACCEPT
-A FORWARD -p udp -j CLASSIFY --set-class 1:20
-A FORWARD -p udp
-A POSTROUTING -o wan -j CLASSIFY --set-class ffff:1
-A POSTROUTING -p udp -m mark --mark 0x0
""")
def classify(lab):
    """The class is for a queue that is not there; the packet goes on as it is, also over the rules behind."""
    lab.client.send(udp(), tcp())
    lab.record("through", lab.server.packets(2))
