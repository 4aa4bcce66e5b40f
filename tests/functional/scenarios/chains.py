"""Walking the rules: user chains, goto, RETURN, policies, counters, order of hooks.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import ROUTER_LAN, SERVER, VC2, echo, tcp, udp
from testnet.scenario import scenario


@scenario("""
*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
:outer -
:inner -
:empty -
-A FORWARD -j empty
-A FORWARD -p udp -j outer
-A FORWARD -p udp -m udp --dport 4 -j ACCEPT
-A FORWARD -p tcp -g inner
-A FORWARD -p tcp -j ACCEPT
-A outer -p udp -m udp --dport 1 -j ACCEPT
-A outer -p udp -m udp --dport 2 -j DROP
-A outer -p udp -m udp --dport 3:6 -j inner
-A outer -p udp -m udp --dport 6 -j ACCEPT
-A inner -p udp -m udp --dport 3 -j ACCEPT
-A inner -p udp -m udp --dport 4 -j RETURN
-A inner -p tcp -m tcp --dport 80 -j ACCEPT
-A inner
""")
def nested(lab):
    """Jumps, returns by end and by RETURN, a goto whose end skips the caller."""
    for port in range(1, 8):
        lab.client.send(udp(dport=port))
    lab.client.send(tcp(dport=80), tcp(dport=81, sport=40001))
    lab.record("through", lab.server.packets(5))


@scenario("""
*filter
:FORWARD DROP
:a -
:b -
:c -
-A FORWARD -j a
-A FORWARD -p udp -m udp --dport 9 -j ACCEPT
-A a -g b
-A a -j ACCEPT
-A b -j c
-A b -p udp -m udp --dport 7 -j ACCEPT
-A c -p udp -m udp --dport 7 -j RETURN
-A c -p udp -m udp --dport 5 -j ACCEPT
""")
def goto(lab):
    """After a goto the end of the chain returns to the caller of the caller."""
    for port in (5, 7, 8, 9):
        lab.client.send(udp(dport=port))
    lab.record("through", lab.server.packets(3))


@scenario("""
*filter
:FORWARD DROP
-A FORWARD -p udp -m udp --dport 1 -j RETURN
-A FORWARD -p udp -m udp --dport 1:2 -j ACCEPT
""")
def return_in_builtin(lab):
    """RETURN in a built-in chain means its policy."""
    lab.client.send(udp(dport=1), udp(dport=2), udp(dport=3))
    lab.record("through", lab.server.packets(1))


@scenario("""
*raw
:PREROUTING ACCEPT
:OUTPUT ACCEPT
-A PREROUTING -i lan
-A OUTPUT
*mangle
:PREROUTING ACCEPT
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING
-A INPUT
-A FORWARD
-A OUTPUT
-A POSTROUTING
*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING
-A INPUT
-A OUTPUT
-A POSTROUTING
*filter
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT ACCEPT
-A INPUT
-A FORWARD
-A OUTPUT
*security
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT ACCEPT
-A INPUT
-A FORWARD
-A OUTPUT
""")
def every_hook(lab):
    """One forwarded ping, one to the router, one TTL expiry: who counts what."""
    lab.record("forward", lab.client.ping(SERVER)[0])
    lab.record_router("after forward")
    lab.record("router", lab.client.ping(ROUTER_LAN)[0])
    lab.record_router("after input")
    lab.client.mark()
    lab.client.send(udp(ttl=1), udp(dst=ROUTER_LAN, dport=9, src=VC2))
    lab.record("errors", len(lab.client.arrived(2)))


@scenario("""
*raw
:PREROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 1 -j DROP
*mangle
:PREROUTING ACCEPT
:FORWARD ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 2 -j DROP
-A FORWARD -p udp -m udp --dport 3 -j DROP
-A POSTROUTING -p udp -m udp --dport 4 -j DROP
*filter
:FORWARD ACCEPT
-A FORWARD -p udp -m udp --dport 5 -j DROP
*security
:FORWARD ACCEPT
-A FORWARD -p udp -m udp --dport 6 -j DROP
""")
def drop_anywhere(lab):
    """A drop in any table ends it: no later counter, no connection."""
    for port in range(1, 8):
        lab.client.send(udp(dport=port))
    lab.record("through", lab.server.packets(1))


@scenario("""
*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT DROP
""")
def policies(lab):
    """All policies DROP: silence everywhere, and each policy has counted."""
    lab.client.send(udp(), echo(dst=ROUTER_LAN), udp(ttl=1, src=VC2))
    lab.record("client", lab.client.packets(0))
    lab.record("server", lab.server.packets(0))


@scenario("""
*filter
:INPUT ACCEPT
:FORWARD ACCEPT
:OUTPUT DROP
""")
def output_dropped(lab):
    """With OUTPUT closed the router is mute, and still forwards."""
    lab.client.send(echo(dst=ROUTER_LAN), tcp(dst=ROUTER_LAN), udp(ttl=1), echo())
    lab.record("client", lab.client.packets(0))
    lab.record("server", lab.server.packets(1))


@scenario("*filter\n:FORWARD ACCEPT\n" + "".join(
    "-A FORWARD -p udp -m udp --dport %d\n" % port for port in range(1000, 1400))
    + "-A FORWARD -p udp -m udp --dport 1399 -j DROP\n")
def many_rules(lab):
    """Four hundred rules: those that match count, the last one decides."""
    lab.client.send(udp(dport=1000), udp(dport=1200), udp(dport=1200), udp(dport=1399))
    lab.record("through", lab.server.packets(3))


@scenario("*filter\n:FORWARD DROP\n" + "".join(":c%d -\n" % n for n in range(60))
          + "-A FORWARD -j c0\n" + "".join("-A c%d -j c%d\n" % (n, n + 1) for n in range(59))
          + "-A c59 -p udp -m udp --dport 1 -j ACCEPT\n")
def deep_chains(lab):
    """Sixty chains deep, and all the way back to the policy."""
    lab.client.send(udp(dport=1), udp(dport=2))
    lab.record("through", lab.server.packets(1))
