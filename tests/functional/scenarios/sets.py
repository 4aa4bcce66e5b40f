"""Sets: -m set and -j SET with packets; the sets are listed afterwards, members in the same order on both.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import VC2, VS2, echo, tcp, udp
from testnet.scenario import scenario


def counting(*matches):
    """Rules of FORWARD that only count."""
    return "*filter\n:FORWARD ACCEPT\n" + "".join("-A FORWARD %s\n" % match for match in matches)


def send(lab):
    """Five packets: what the rules are asked about."""
    lab.client.send(udp(), udp(src=VC2), udp(dst=VS2, dport=54), tcp(), echo(src=VC2))
    lab.record("through", len(lab.server.arrived(5)))


@scenario(counting(
    "-m set --match-set ip src", "-m set --match-set ip dst", "-m set ! --match-set ip src", "-m set --match-set net src",
    "-m set --match-set net src --return-nomatch", "-m set --match-set ipport dst,dst", "-m set --match-set ipport src,dst",
    "-m set --match-set three src,dst,dst", "-m set --match-set ipportnet src,dst,dst", "-m set --match-set iface src,src",
    "-m set --match-set iface dst,dst", "-m set --match-set bip src", "-m set --match-set bport dst",
    "-m set --match-set bport src", "-m set --match-set list src,dst", "-m set --match-set ipport src"), sets="""
create ip hash:ip counters initval 1
add ip 10.1.0.50
create net hash:net initval 1
add net 10.0.0.0/8
add net 10.1.0.51 nomatch
create ipport hash:ip,port initval 1
add ipport 203.0.113.50,udp:53
add ipport 10.1.0.50,tcp:80
add ipport 10.1.0.51,icmp:ping
create three hash:ip,port,ip initval 1
add three 10.1.0.50,udp:53,203.0.113.50
create ipportnet hash:ip,port,net initval 1
add ipportnet 10.1.0.50,udp:53-54,203.0.113.0/24
add ipportnet 10.1.0.50,udp:54,203.0.113.51 nomatch
create iface hash:net,iface initval 1
add iface 10.1.0.0/24,lan
add iface 203.0.113.0/24,wa wildcard
create bip bitmap:ip range 10.1.0.0/24
add bip 10.1.0.51
create bport bitmap:port range 50-100
add bport 53
create list list:set counters
add list ip
add list ipport
""")
def match_types(lab):
    """Every type asked about the same packets."""
    send(lab)
    lab.record("ip", lab.ipset("list", "ip"))
    lab.record("list", lab.ipset("list", "list"))


@scenario(counting(
    "-m set --match-set c src --packets-gt 1", "-m set --match-set c src --packets-eq 3",
    "-m set --match-set c src ! --packets-eq 3 ! --update-counters", "-m set --match-set c src --bytes-lt 1000",
    "-m set --match-set l src ! --update-subcounters", "-m set --match-set l src"), sets="""
create c hash:ip counters initval 1
add c 10.1.0.50 packets 1 bytes 900
create l list:set counters
add l c
""")
def match_counters(lab):
    """Counters of elements: counted by each rule that asks, compared after counting."""
    send(lab)
    lab.record("c", lab.ipset("list", "c"))
    lab.record("l", lab.ipset("list", "l"))


@scenario("""
*mangle
:FORWARD ACCEPT
-A FORWARD -j SET --map-set m src --map-mark
-A FORWARD -m mark --mark 0x5
*filter
:FORWARD ACCEPT
-A FORWARD -j SET --add-set ip src
-A FORWARD -j SET --add-set net dst
-A FORWARD -j SET --add-set ipport src,dst --exist
-A FORWARD -j SET --add-set three src,dst,dst
-A FORWARD -j SET --add-set iface src,src
-A FORWARD -j SET --add-set bport dst
-A FORWARD -j SET --add-set full src
-A FORWARD -j SET --add-set t src --timeout 500
-A FORWARD -j SET --del-set gone src
-A FORWARD -m set --match-set ip src
-A FORWARD -m set --match-set gone src
""", sets="""
create ip hash:ip counters initval 1
create net hash:net initval 1
add net 9.0.0.0/31
create ipport hash:ip,port initval 1
create three hash:ip,port,ip initval 1
create iface hash:net,iface initval 1
create bport bitmap:port range 50-100 counters
create full hash:ip maxelem 1 initval 1
create t hash:ip timeout 60 initval 1
create gone hash:ip initval 1
add gone 10.1.0.51
add gone 10.1.0.50
add gone 10.1.0.99
create m hash:ip skbinfo initval 1
add m 10.1.0.51 skbmark 0x5/0xff
""")
def target(lab):
    """Packets add themselves to sets, delete themselves, take a mark."""
    send(lab)
    for name in ("ip", "net", "ipport", "three", "iface", "bport", "full", "gone", "m"):
        lab.record(name, lab.ipset("list", name))
    lab.record("t", [line.split(" timeout ")[0] for line in lab.ipset("save", "t").splitlines()])


@scenario(counting("-m set --match-set a src"), sets="""
create a hash:ip initval 1
create b hash:ip initval 2
add b 10.1.0.50
""")
def swapped(lab):
    """A swap changes what a rule sees; the set a rule names stays, by its name."""
    send(lab)
    lab.record_router("before")
    lab.ipset("swap", "a", "b")
    send(lab)
    lab.ipset("destroy", "a")
    lab.ipset("rename", "a", "c")
    lab.ipset("destroy", "b")
    lab.record("sets", lab.ipset("list"))
