"""Accounting objects: -m nfacct with packets; the objects are listed afterwards.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import VC2, VS2, echo, tcp, udp
from testnet.scenario import scenario


def counting(*matches):
    """Rules of FORWARD that only count."""
    return "*filter\n:FORWARD ACCEPT\n" + "".join("-A FORWARD %s\n" % match for match in matches)


def send(lab, name):
    """Five packets of 36, 36, 100, 40 and 32 bytes, and what the objects and rules have counted by then."""
    lab.client.send(udp(), udp(src=VC2), udp(dst=VS2, dport=54, data=b"x" * 72), tcp(), echo(src=VC2))
    lab.record(name + ": through", len(lab.server.arrived(5)))
    lab.record(name, lab.nfacct("list"))
    lab.record_router(name, connections=False)


@scenario(counting(
    "-m nfacct --nfacct-name all", "-p udp -m nfacct --nfacct-name udp", "-p udp -m udp --dport 54 -m nfacct --nfacct-name late",
    "-m nfacct --nfacct-name late -p udp -m udp --dport 54", "-m nfacct --nfacct-name twice", "-m nfacct --nfacct-name twice",
    "-m nfacct --nfacct-name twice -m nfacct --nfacct-name twice"),
          before=["nfacct add " + name for name in ("all", "udp", "late", "twice", "unused")])
def counted(lab):
    """An object counts the packets that come as far as its match, once for each time they are asked about."""
    send(lab, "once")
    lab.record("refused", lab.nfacct("delete", "all"))
    lab.nfacct("flush")
    lab.record("flushed", lab.nfacct("list"))


@scenario(counting(
    "-m nfacct --nfacct-name p0", "-m nfacct --nfacct-name p2", "-m nfacct --nfacct-name p3", "-m nfacct --nfacct-name b71",
    "-m nfacct --nfacct-name b72", "-m nfacct --nfacct-name b73", "-m nfacct --nfacct-name b999",
    "-p tcp -m nfacct --nfacct-name b999", "-p icmp -m nfacct --nfacct-name p3 -m nfacct --nfacct-name b999"),
          before=["nfacct add p%d packet %d" % (n, n) for n in (0, 2, 3)] + ["nfacct add b%d byte %d" % (n, n) for n in (71, 72, 73, 999)])
def quota(lab):
    """A rule fits beyond the quota; the mark `overquota` comes with the packet that reaches it, and goes with a reset."""
    send(lab, "first")
    lab.record("over", lab.nfacct("list", "overquota"))
    send(lab, "second")
    lab.record("xml", lab.nfacct("get", "b72", "xml"))
    lab.record("reset one", lab.nfacct("get", "p2", "reset"))
    lab.record("reset bytes", lab.nfacct("list", "reset", "bytes-quota"))
    send(lab, "third")


@scenario("*filter\n:FORWARD DROP\n-A FORWARD -p udp -m nfacct --nfacct-name limit -j DROP\n-A FORWARD -j ACCEPT\n"
          "*mangle\n:PREROUTING ACCEPT\n-A PREROUTING -m nfacct --nfacct-name in\n:POSTROUTING ACCEPT\n"
          "-A POSTROUTING -m nfacct --nfacct-name out\n*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -m nfacct --nfacct-name new\n",
          before=["nfacct add limit byte 100", "nfacct add in", "nfacct add out", "nfacct add new"])
def drop_over_quota(lab):
    """What people make of it: so many bytes and no more, until somebody resets the object."""
    for name in ("within", "beyond"):
        lab.client.send(*[udp(sport=5000 + n) for n in range(4)])
        lab.record(name, len(lab.server.arrived(2, limit=0.5)))
        lab.record(name + ": objects", lab.nfacct("list"))
    lab.nfacct("get", "limit", "reset")
    lab.client.send(udp(sport=5000), udp(sport=5001))
    lab.record("after the reset", len(lab.server.arrived(2)))
    lab.record("objects", lab.nfacct("list"))
