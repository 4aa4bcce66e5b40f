"""Which address and port out of a range, and what happens when none is left.

    virtual clients 10.1.0.50 to .59 --lan-- router --wan-- 203.0.113.50 to .59 virtual servers
"""

from testnet.packets import IP, ROUTER_WAN, VC2, VD, VS, VS2, answer, echo, error, tcp, udp
from testnet.scenario import scenario


def failures(lab):
    """The columns of net/stat/nf_conntrack that count packets which could not have their entry, of all processors."""
    rows = [line.split() for line in lab.proc("net/stat/nf_conntrack").splitlines()]
    return {name: sum(int(row[rows[0].index(name)], 16) for row in rows[1:]) for name in ("insert_failed", "drop")}


def ten_clients(lab):
    """Ten clients, two servers; ports and ids that nobody else has."""
    for number in range(50, 60):
        source = "10.1.0.%d" % number
        lab.client.send(udp(src=source, sport=5000 + number), udp(src=source, dst=VS2, sport=6000 + number),
                        echo(src=source, ident=number))
    lab.record("out", lab.server.packets(30))


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j SNAT --to-source 203.0.113.100-203.0.113.119\n")
def source_addresses(lab):
    """The address by a hash of both ends."""
    ten_clients(lab)


@scenario("*nat\n:POSTROUTING ACCEPT\n"
          "-A POSTROUTING -o wan -j SNAT --to-source 203.0.113.100-203.0.113.119 --persistent\n")
def persistent_addresses(lab):
    """The address by a hash of the source alone."""
    ten_clients(lab)


@scenario("*nat\n:PREROUTING ACCEPT\n-A PREROUTING -i wan -p udp -j DNAT --to-destination 10.1.0.50-10.1.0.59\n"
          "-A PREROUTING -i wan -p icmp -j DNAT --to-destination 10.1.0.50-10.1.0.59 --persistent\n")
def destination_addresses(lab):
    """The same for destinations."""
    for number in range(50, 60):
        source = "203.0.113.%d" % number
        lab.server.send(udp(src=source, dst=ROUTER_WAN), udp(src=source, dst="10.1.0.99", sport=5001),
                        echo(src=source, dst=ROUTER_WAN), echo(src=source, dst="10.1.0.99", ident=8))
    lab.record("in", lab.client.packets(40))


@scenario("""
*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -i lan -d 198.18.0.0/24 -j NETMAP --to 203.0.113.0/24
-A PREROUTING -i wan -d 203.0.113.128/28 -j NETMAP --to 10.1.0.48/28
-A POSTROUTING -s 10.1.0.48/28 -o wan -j NETMAP --to 203.0.113.128/28
-A POSTROUTING -s 10.1.0.0/24 -o dmz -j NETMAP --to 192.0.2.50
""")
def networks(lab):
    """NETMAP keeps the host part, both ways and of both ends; a network of one address; errors about it."""
    lab.client.send(udp(dst="198.18.0.50"), tcp(dst="198.18.0.51"), echo(src=VC2, dst=VS), udp(dst=VD, sport=5001))
    out = lab.server.arrived(3)
    lab.record("out", [lab.text(item) for item in out])
    lab.record("dmz", lab.dmz.packets(1))
    lab.server.send(error(3, 3, VS, out[0]), error(11, 0, VS2, out[1]), *[answer(item) for item in out])
    lab.record("back", lab.client.packets(5))
    lab.server.send(udp(dst="203.0.113.131", src=VS), echo(dst="203.0.113.132", src=VS2))
    lab.record("in", lab.client.packets(2))


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -p udp -j SNAT --to-source 203.0.113.254:7000-7099\n"
          "-A POSTROUTING -o wan -p tcp -j SNAT --to-source 203.0.113.254:7000-7099 --random\n", mask="sport dport")
def hundred_ports(lab):
    """A hundred ports are a hundred flows; the others' packets end, counted, without a trace."""
    for send in (udp, tcp):
        lab.client.send(*[send(src="10.1.0.%d" % (50 + number % 10), sport=5000 + number // 10) for number in range(110)])
        seen = lab.server.arrived(100)
        lab.record(send.__name__ + ", ports", sorted(item.sport for item in seen))
        lab.record(send.__name__ + ", refused", failures(lab))
    lab.client.send(udp(dst=VS2), tcp(dst=VS2))
    lab.record("to another server", len(lab.server.arrived(2)))


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -p tcp -j SNAT --to-source 203.0.113.254:7000-7001\n",
          mask="sport dport")
def ended_flows_yield(lab):
    """In a full range a SYN takes the port of an ended connection, if its number is later."""
    for number in range(2):
        lab.client.send(tcp(sport=5000 + number, seq=1000))
        lab.server.send(answer(lab.server.arrived()[0]))
        lab.client.arrived()
    lab.client.send(tcp(src=VC2, seq=2000))
    lab.record("both live", lab.server.packets(0))
    lab.client.send(tcp("RA", sport=5000, seq=1001, ack=5001))
    lab.server.arrived()
    lab.client.send(tcp(src=VC2, seq=999))
    lab.record("an earlier number", lab.server.packets(0))
    lab.client.send(tcp(src=VC2, seq=2000))
    lab.record("a later number", lab.server.packets(1, mask="sport"))
    lab.record("refused", failures(lab))


@scenario("*nat\n:PREROUTING ACCEPT\n-A PREROUTING -i wan -p udp -j DNAT --to-destination 10.1.0.50:8000-8003\n"
          "-A PREROUTING -i wan -p tcp -j DNAT --to-destination 10.1.0.50:8000-8003/9000\n", mask="dport")
def destination_ports(lab):
    """A range of destination ports from its first one, or by offset, on to the next free one; then the source changes."""
    for send, first in ((udp, 9000), (tcp, 9002)):
        lab.server.send(*[send(src=VS, dst=ROUTER_WAN, dport=first + number) for number in range(5)])
        seen = lab.client.arrived(5)
        lab.record(send.__name__, [lab.text(item) for item in seen[:4]] + [lab.text(seen[4], "sport")])


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -s 10.1.0.0/24 -o wan -j SNAT --to-source 203.0.113.99\n",
          mask="sport dport")
def null_binding(lab):
    """A flow that no rule translates gets another port where a translated one has its tuple."""
    lab.client.send(udp(), tcp(), echo())
    lab.record("translated", lab.server.packets(3))
    lab.dmz.send(udp(src="203.0.113.99"), tcp(src="203.0.113.99"), echo(src="203.0.113.99"), udp(src="203.0.113.99", sport=99))
    seen = [bytes(item[IP]) for item in lab.server.arrived(4)]
    lab.record("own numbers", [(raw[9], raw[24:26] == b"\0\x07" if raw[9] == 1 else raw[20:22] in (b"\x13\x88", b"\x9c\x40"))
                               for raw in seen])
    lab.record("free", int.from_bytes(seen[3][20:22], "big"))
