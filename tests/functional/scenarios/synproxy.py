"""SYNPROXY: SYNs answered with cookies, the server asked only for clients that answer.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server

The router's sequence numbers and timestamps are secret or random: they are recorded as what they
are relative to.
"""

from testnet.packets import SERVER, TCP, VC, VS, tcp
from testnet.scenario import scenario

RULES = """
*raw
:PREROUTING ACCEPT
-A PREROUTING -i lan -p tcp -m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -j CT --notrack
*filter
:FORWARD ACCEPT
-A FORWARD -i lan -p tcp -m tcp --dport 80 -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY @PARAM@
-A FORWARD -m conntrack --ctstate INVALID -j DROP
-A FORWARD -i lan -m conntrack --ctstate ESTABLISHED
-A FORWARD -i wan -m conntrack --ctstate ESTABLISHED
"""
LOOSE = {"net.netfilter.nf_conntrack_tcp_loose": "0"}
FULL = "--sack-perm --timestamp --wscale 7 --mss 1460 --ecn"


def options_of(segment):
    """Names and values of the options; of timestamps only what is not a clock."""
    return [(name, (value[0] & 0x3f, value[1]) if name == "Timestamp" else value)
            for name, value in segment[TCP].options]


def told(item, isn, shift=()):
    """A segment as text, numbers of the promised sequence relative to @isn."""
    segment = item[TCP]
    seq = "isn%+d" % (segment.seq - isn) if "seq" in shift else segment.seq
    ack = "isn%+d" % (segment.ack - isn) if "ack" in shift else segment.ack
    return "%s %s seq %s ack %s win %d ttl %d id %d %s" % (
        item.src, segment.flags, seq, ack, segment.window, item.ttl, item.id if not item.id else 1,
        [name for name, _ in segment.options])


def open_connection(lab, sport, options, flags="S"):
    """Client's part: SYN, the cookie, ACK. Return: the SYN-ACK."""
    lab.client.send(tcp(flags, sport=sport, seq=1000, options=options))
    synack = lab.client.arrived(1)[0]
    lab.record("cookie", told(synack, synack[TCP].seq, ("seq",)) + " %s" % options_of(synack))
    return synack


def echoed(synack):
    """Timestamp option that echoes the router's."""
    times = dict(synack[TCP].options).get("Timestamp")
    return [("NOP", None), ("NOP", None), ("Timestamp", (101, times[0]))] if times else []


@scenario(RULES, sysctl=LOOSE, params=[FULL, "--mss 1400", "--sack-perm --timestamp", "", "--timestamp --wscale 0"])
def whole_connection(lab, _options):
    """Cookie, both handshakes, data, SACK, and the end: sequence numbers and times are shifted."""
    synack = open_connection(lab, 40000, [("MSS", 1450), ("SAckOK", b""), ("Timestamp", (100, 0)), ("NOP", None),
                                          ("WScale", 5)], "SEC")
    isn = synack[TCP].seq
    times = echoed(synack)
    lab.client.send(tcp("A", seq=1001, ack=isn + 1, window=500, options=times))
    syn = lab.server.arrived(1)[0]
    lab.record("to the server", told(syn, isn, ("ack",)) + " %s" % [
        option for option in syn[TCP].options if option[0] != "Timestamp"])
    answer = [("MSS", 1460)]
    if times:
        answer += [("SAckOK", b""), ("Timestamp", (7000, 101)), ("NOP", None), ("WScale", 3)]
    lab.server.send(tcp("SA", src=VS, dst=VC, sport=80, dport=40000, seq=9000, ack=1001, window=6400, options=answer))
    lab.record("acknowledged", [told(item, isn) for item in lab.server.arrived(1)])
    lab.record("window", [told(item, isn, ("seq",)) for item in lab.client.arrived(1)])
    lab.record_router("connected")
    lab.client.send(tcp("PA", seq=1001, ack=isn + 1, data=b"request", options=times))
    lab.record("request", [told(item, isn) for item in lab.server.arrived(1)])
    server_times = [("NOP", None), ("NOP", None), ("Timestamp", (7010, 101))] if times else []
    lab.server.send(tcp("PA", src=VS, dst=VC, sport=80, dport=40000, seq=9001, ack=1008, data=b"response",
                        options=server_times))
    response = lab.client.arrived(1)[0]
    lab.record("response", told(response, isn, ("seq",)))
    if times:
        base = dict(synack[TCP].options)["Timestamp"][0]
        lab.record("time", dict(response[TCP].options)["Timestamp"][0] - base)
        lab.client.send(tcp("A", seq=1008, ack=isn + 1, options=[
            ("NOP", None), ("NOP", None), ("Timestamp", (102, base + 10))]))
        lab.record("time back", [dict(item[TCP].options)["Timestamp"] for item in lab.server.arrived(1)])
    lab.client.send(tcp("A", seq=1008, ack=isn + 1, options=[("NOP", None), ("NOP", None), ("SAck", (isn + 3, isn + 5))]))
    lab.record("sack", [str(item[TCP].options) for item in lab.server.arrived(1)])
    lab.client.send(tcp("FA", seq=1008, ack=isn + 9))
    lab.record("fin", [told(item, isn) for item in lab.server.arrived(1)])
    lab.server.send(tcp("FA", src=VS, dst=VC, sport=80, dport=40000, seq=9009, ack=1009))
    lab.record("fin back", [told(item, isn, ("seq",)) for item in lab.client.arrived(1)])


@scenario(RULES.replace("@PARAM@", FULL), sysctl=LOOSE)
def wrong_answers(lab):
    """Nobody reaches the server without the right cookie; other segments pass the rule."""
    synack = open_connection(lab, 40001, [("MSS", 300)])
    isn = synack[TCP].seq
    lab.client.send(tcp("A", sport=40001, seq=1001, ack=isn + 2000))
    lab.client.send(tcp("A", sport=40002, seq=1001, ack=isn + 1))
    lab.client.send(tcp("R", sport=40001, seq=1001), tcp("FA", sport=40001, seq=1001, ack=isn + 1))
    lab.client.send(tcp("SA", sport=40001, seq=1001, ack=isn + 1))
    lab.record("nothing", lab.server.packets(0))
    lab.client.send(tcp("A", sport=40001, seq=1001, ack=isn + 1))
    lab.record("mss", [str(item[TCP].options) for item in lab.server.arrived(1)])


@scenario(RULES.replace("@PARAM@", FULL), sysctl=LOOSE)
def refused(lab):
    """The server's RST reaches the client with the number that it was promised."""
    synack = open_connection(lab, 40003, [("MSS", 1460)])
    isn = synack[TCP].seq
    lab.client.send(tcp("A", sport=40003, seq=1001, ack=isn + 1))
    lab.server.arrived(1)
    lab.server.send(tcp("RA", src=VS, dst=VC, sport=80, dport=40003, seq=0, ack=1001))
    lab.record("rst", [told(item, isn, ("seq",)) for item in lab.client.arrived(1)])


@scenario(RULES.replace("@PARAM@", FULL), sysctl=LOOSE)
def lost_syn(lab):
    """The SYN to the server is lost: the client's acknowledgement, sent again, sends it again."""
    synack = open_connection(lab, 40004, [("MSS", 536)])
    isn = synack[TCP].seq
    for seq in (1001, 1001, 1000):
        lab.client.send(tcp("A", sport=40004, seq=seq, ack=isn + 1))
        lab.settle()
    lab.record("to the server", [told(item, isn, ("ack",)) for item in lab.server.arrived(0)])


@scenario(RULES.replace("@PARAM@", FULL), sysctl=LOOSE, fuzzy=True, mask="sport dport")
def real_stacks(lab):
    """Two TCP stacks that negotiate everything talk through the proxy without noticing."""
    lab.server.tcp_serve(80)
    lab.record("exchange", lab.client.tcp_exchange(SERVER, 80, b"0123456789" * 50000, limit=8))
    lab.record("seen", lab.server.seen("tcp", 80))
    lab.record("closed port", lab.client.tcp_exchange(SERVER, 81, limit=0.5))
