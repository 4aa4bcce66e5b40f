"""What happens to translated flows when rules, links and addresses change.

    virtual client 10.1.0.50 --lan-- router --wan-- 203.0.113.50 virtual server
                                       |dmz
                                  192.0.2.50 virtual host of the DMZ
"""

from testnet.packets import ROUTER_WAN, VC, VC2, VD, VS, answer, echo, tcp, udp
from testnet.scenario import scenario

TWO_MASQUERADES = """
*nat
:POSTROUTING ACCEPT
-A POSTROUTING -o wan -p tcp -j SNAT --to-source 203.0.113.254
-A POSTROUTING -o wan -j MASQUERADE
-A POSTROUTING -o dmz -j MASQUERADE
"""


def flows(lab):
    """One flow of each kind, both ways; what the far ends saw."""
    lab.client.send(udp(), echo(), tcp(), udp(dst=VD), echo(dst=VD))
    far = lab.server.arrived(3) + lab.dmz.arrived(2)
    lab.server.send(*[answer(item) for item in far[:3]])
    lab.dmz.send(*[answer(item) for item in far[3:]])
    lab.client.arrived(5)
    return far


def left(lab, count):
    """The connections, once there are so many: Linux removes them a moment later."""
    lab.wait(lambda: len(lab.connections()) == count)
    return lab.connections()


@scenario(TWO_MASQUERADES, mask="dport")
def link_down(lab):
    """A link goes down: its masqueraded flows are forgotten, SNAT's and those of other links stay."""
    far = flows(lab)
    lab.set_link("wan", False)
    lab.record("left", left(lab, 3))
    lab.set_link("wan", True)
    lab.settle()
    lab.server.send(*[answer(item) for item in far[:2]])
    lab.record("answers to the forgotten", lab.client.packets(0))
    lab.server.forget()
    lab.client.send(udp())
    lab.record("anew", lab.server.packets(1, mask="sport"))


@scenario(TWO_MASQUERADES)
def link_down_and_up(lab):
    """A link that has no flows of its own goes down and up: nothing is forgotten."""
    flows(lab)
    lab.set_link("lan", False)
    lab.set_link("lan", True)
    lab.settle()
    lab.record("left", left(lab, 5))


@scenario(TWO_MASQUERADES)
def far_end_down(lab):
    """The far end of a link goes down and up, the router's stays up: nothing is forgotten, answers come again."""
    far = flows(lab)
    for state in ("down", "up"):
        lab.record(state, lab.server.run("ip", "link", "set", lab.server.device, state)[0])
        lab.record("left", left(lab, 5))
    lab.server.send(answer(far[0]))
    lab.record("answer", lab.client.packets(1))


@scenario(TWO_MASQUERADES)
def address_gone(lab):
    """An address goes: masqueraded flows that had it are forgotten, those with another one stay."""
    usual, other, unused = "203.0.113.254/24", "203.0.113.253/24", "198.51.100.254/24"
    lab.set_addresses("wan", [other])
    lab.set_addresses("wan", [other, usual, unused])
    lab.settle()
    flows(lab)
    lab.set_addresses("wan", [other, usual])
    lab.record("another one gone", left(lab, 5))
    lab.set_addresses("wan", [usual])
    lab.record("its own gone", left(lab, 3))
    lab.client.send(udp())
    lab.record("anew", lab.server.packets(1))


@scenario("""
*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -i wan -p udp -m udp --dport 53 -j DNAT --to-destination 10.1.0.50
-A POSTROUTING -o wan -j MASQUERADE
""")
def rules_change(lab):
    """Changed rules are for new flows; live ones keep what they have, until they are deleted."""
    lab.client.send(udp())
    out = lab.server.arrived()
    lab.server.send(udp(src=VS, dst=ROUTER_WAN, sport=6000))
    lab.client.arrived(1)
    lab.iptables("-t", "nat", "-R", "POSTROUTING", "1", "-o", "wan", "-j", "SNAT", "--to-source", "203.0.113.99")
    lab.iptables("-t", "nat", "-R", "PREROUTING", "1", "-i", "wan", "-p", "udp", "--dport", "53", "-j", "DNAT",
                 "--to-destination", "10.1.0.51")
    lab.client.send(udp(), udp(src=VC2, sport=5001))
    lab.record("out", lab.server.packets(2))
    lab.server.send(answer(out[0]), udp(src=VS, dst=ROUTER_WAN, sport=6000), udp(src=VS, dst=ROUTER_WAN, sport=6001))
    lab.record("in", lab.client.packets(3))
    lab.iptables("-t", "nat", "-F")
    lab.client.send(udp(), udp(sport=5002))
    lab.record("no rules: out", lab.server.packets(2))
    lab.record("before the flush", lab.connections())
    lab.conntrack("-D", "-s", VC)
    lab.client.send(udp())
    lab.record("asked for anew", lab.server.packets(1))
