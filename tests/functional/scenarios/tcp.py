"""Real TCP connections through a stateful filter: open, data, half close, reset.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server

How many pure ACKs a stack sends is a matter of timing, so counters are fuzzy.
"""

from testnet.packets import CLIENT, ROUTER_LAN, ROUTER_WAN, SERVER, tcp
from testnet.scenario import scenario

STATEFUL = """
*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan -o wan -p tcp -m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW -j ACCEPT
"""


@scenario(STATEFUL, fuzzy=True)
def open_data_close(lab):
    """A connection carries data both ways and closes; the entry is left in TIME_WAIT."""
    lab.server.tcp_serve(80)
    lab.record("client", lab.client.tcp_exchange(SERVER, 80, b"hello"))
    lab.record("server", lab.server.seen("tcp", 80))
    lab.record("other port", lab.client.tcp_exchange(SERVER, 81, sport=40001, limit=0.3))
    lab.record("other way", lab.server.tcp_exchange(CLIENT, 80, sport=40002, limit=0.3))


@scenario(STATEFUL, fuzzy=True, end="rules")
def megabyte(lab):
    """A megabyte goes there and back unchanged."""
    lab.server.tcp_serve(80)
    lab.record("client", lab.client.tcp_exchange(SERVER, 80, b"0123456789abcdef" * 65536, limit=8))
    lab.record("server", lab.server.seen("tcp", 80))


@scenario(STATEFUL, fuzzy=True)
def half_close(lab):
    """After the client's FIN the server still sends."""
    lab.server.tcp_serve(80, "late")
    lab.record("client", lab.client.tcp_exchange(SERVER, 80, b"abcdef"))
    lab.record("server", lab.server.seen("tcp", 80))


@scenario(STATEFUL, fuzzy=True)
def client_reset(lab):
    """The client aborts: the server hears of it, the entry closes."""
    lab.server.tcp_serve(80)
    lab.record("client", lab.client.tcp_exchange(SERVER, 80, b"abc", close="reset"))
    lab.record("server", lab.server.seen("tcp", 80))


@scenario(STATEFUL, fuzzy=True)
def server_reset(lab):
    """The server aborts: the client hears of it."""
    lab.server.tcp_serve(80, "reset")
    lab.record("client", lab.client.tcp_exchange(SERVER, 80, b"abc", close="hold"))
    lab.record("server", lab.server.seen("tcp", 80))


@scenario(STATEFUL, fuzzy=True)
def held_open(lab):
    """An idle connection is ESTABLISHED and goes on later."""
    lab.server.tcp_serve(80)
    lab.record("first", lab.client.tcp_exchange(SERVER, 80, b"one", close="hold"))
    lab.wait_connection(r"~43\d+ ESTABLISHED")
    lab.record("entry", lab.connections())
    lab.record("more", lab.client.tcp_more(40000, b"two"))
    lab.wait_connection(r"~43\d+ ESTABLISHED")


@scenario(STATEFUL, fuzzy=True)
def refused_by_server(lab):
    """No listener on the server: its RST comes back and the entry is gone."""
    lab.record("client", lab.client.tcp_exchange(SERVER, 80))


@scenario()
def refused_by_router(lab):
    """No listener on the router: RST with the right numbers, for SYN and for a stray ACK."""
    lab.record("real", [lab.client.tcp_exchange(a, 81)[1] for a in (ROUTER_LAN, ROUTER_WAN)])
    lab.client.mark()
    lab.client.send(tcp(dst=ROUTER_LAN, seq=7000, tos=0x10, id=9))
    lab.client.send(tcp("A", dst=ROUTER_LAN, sport=40003, seq=7000, ack=123456))
    lab.client.send(tcp("PA", dst=ROUTER_WAN, sport=40004, seq=7000, ack=99, data=b"data"))
    lab.client.send(tcp("FA", dst=ROUTER_WAN, sport=40005, seq=1, ack=2))
    lab.client.send(tcp("", dst=ROUTER_WAN, sport=40006, seq=1, ack=2))
    lab.client.send(tcp("R", dst=ROUTER_WAN, sport=40007, seq=1), tcp("SF", dst=ROUTER_LAN, sport=40008))
    lab.record("answers", lab.client.packets(6))


@scenario(STATEFUL, fuzzy=True, end="rules", mtu={"wan": 1400})
def path_mtu(lab):
    """A narrow link behind the router: TCP finds the size by ICMP and delivers all."""
    lab.server.tcp_serve(80)
    lab.record("client", lab.client.tcp_exchange(SERVER, 80, b"0123456789" * 20000, limit=8))
    lab.record("server", lab.server.seen("tcp", 80))
