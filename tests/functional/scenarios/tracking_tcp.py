"""The TCP tracker, step by step with hand-built segments.

Each step is (side, segment); the state, timeout and counters of the entry are
recorded after every one.  Sides: c sends from the client, s from the server.

    virtual client 10.1.0.50 --lan-- router --wan-- 203.0.113.50 virtual server
"""

from testnet.packets import VC, VC2, VS, tcp
from testnet.scenario import scenario

STATES = """
*filter
:FORWARD ACCEPT
-A FORWARD -m conntrack --ctstate NEW
-A FORWARD -m conntrack --ctstate ESTABLISHED
-A FORWARD -m conntrack --ctstate INVALID
"""
LIBERAL = {"net.netfilter.nf_conntrack_tcp_be_liberal": "1"}


def c(flags, seq, ack=0, data=b"", **more):
    """A segment of the client; numbers count from 1000 (client) and 5000 (server)."""
    return "client", tcp(flags, seq=seq, ack=ack, data=data, **more)


def s(flags, seq, ack=0, data=b"", **more):
    """A segment of the server."""
    return "server", tcp(flags, src=VS, dst=VC, sport=80, dport=40000, seq=seq, ack=ack, data=data, **more)


OPEN = [c("S", 1000), s("SA", 5000, 1001), c("A", 1001, 5001)]
OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("WScale", 7)]
OPEN_SCALED = [c("S", 1000, options=OPTIONS), s("SA", 5000, 1001, options=OPTIONS), c("A", 1001, 5001)]


def walk(lab, steps, quiet=0):
    """Send each step, wait until it crossed, record the entry; the first `quiet` unrecorded."""
    for number, (side, segment) in enumerate(steps):
        sender, receiver = (lab.client, lab.server) if side == "client" else (lab.server, lab.client)
        sender.send(segment)
        crossed = len(receiver.arrived(1, limit=0.5))
        if number >= quiet:
            name = "%d %s %s" % (number, side, segment.sprintf("%TCP.flags% %TCP.seq% %TCP.ack%"))
            lab.record(name, ["crossed %d" % crossed] + lab.connections())


@scenario(STATES)
def client_closes(lab):
    """Open, data, FIN from the client, FIN from the server."""
    walk(lab, OPEN + [c("PA", 1001, 5001, b"request"), s("A", 5001, 1008), s("PA", 5001, 1008, b"response"),
                      c("A", 1008, 5009), c("FA", 1008, 5009), s("A", 5009, 1009), s("FA", 5009, 1009),
                      c("A", 1009, 5010)])


@scenario(STATES)
def server_closes(lab):
    """FIN from the server first, data of the half-open side, then the client's FIN."""
    walk(lab, OPEN + [s("FA", 5001, 1001), c("A", 1001, 5002), c("PA", 1001, 5002, b"more"), s("A", 5002, 1005),
                      c("FA", 1005, 5002), s("A", 5002, 1006)], quiet=3)


@scenario(STATES)
def both_close(lab):
    """FINs cross each other."""
    walk(lab, OPEN + [c("FA", 1001, 5001), s("FA", 5001, 1001), c("A", 1002, 5002), s("A", 5002, 1002)], quiet=3)


@scenario(STATES)
def refused(lab):
    """SYN answered by RST: the entry is gone at once; a repeated SYN before that changes nothing."""
    walk(lab, [c("S", 1000), c("S", 1000), s("RA", 0, 1001), c("S", 2000)])


@scenario(STATES)
def reset_by_client(lab):
    """RST in ESTABLISHED, exact; then more segments in CLOSE."""
    walk(lab, OPEN + [c("R", 1001), s("PA", 5001, 1001, b"late"), c("S", 9000), s("SA", 6000, 9001)], quiet=3)


@scenario(STATES)
def reset_in_window(lab):
    """RST inside the window but not exact: believed half, the timeout is cut, data restores it."""
    walk(lab, OPEN + [c("R", 1101), c("PA", 1001, 5001, b"still here"), s("A", 5001, 1011), s("R", 4000)], quiet=3)


@scenario(STATES)
def reset_out_of_window(lab):
    """RSTs before the acknowledged byte are INVALID, also in half open states."""
    walk(lab, OPEN + [c("PA", 1001, 5001, b"data"), s("A", 5001, 1005), c("R", 1001), c("R", 500), s("R", 4000),
                      s("RA", 5001, 1005)], quiet=4)


@scenario(STATES)
def simultaneous_open(lab):
    """Both send SYN, both SYN ACK."""
    walk(lab, [c("S", 1000), s("S", 5000), c("SA", 1000, 5001), s("SA", 5000, 1001), c("A", 1001, 5001),
               s("PA", 5001, 1001, b"x")])


@scenario(STATES)
def reopen(lab):
    """A new SYN in TIME_WAIT: a fresh connection; one too early is ignored."""
    close = [c("FA", 1001, 5001), s("FA", 5001, 1002), c("A", 1002, 5002)]
    walk(lab, OPEN + [c("S", 3000)] + close + [c("S", 90000), s("SA", 7000, 90001), c("A", 90001, 7001)], quiet=3)


@scenario(STATES)
def reopen_by_server(lab):
    """The SYN that reopens comes from the other side."""
    close = [s("FA", 5001, 1001), c("FA", 1001, 5002), s("A", 5002, 1002)]
    walk(lab, OPEN + close + [s("S", 90000), c("SA", 80000, 90001), s("A", 90001, 80001)], quiet=5)


@scenario(STATES)
def out_of_window(lab):
    """Beyond the window INVALID, before it ignored, acks of what was never sent INVALID."""
    walk(lab, OPEN + [c("PA", 1001, 5001, b"good"), s("A", 5001, 1005),
                      c("PA", 200000, 5001, b"too far"), s("A", 5001, 99000), s("A", 900000, 1005),
                      c("PA", 2880000000, 5001, b"long ago"), c("PA", 1005, 5001, b"goes on"),
                      s("A", 5001, 1012)], quiet=5)


@scenario(STATES)
def window_edges(lab):
    """The last byte that fits, the first that does not; the window grows with scaling."""
    walk(lab, OPEN_SCALED + [s("A", 5001, 1001, window=100), c("A", 1001 + 12800 - 10, 5001, b"x" * 10),
                             c("A", 1001 + 12800 + 8192 * 200, 5001, b"y"),
                             c("A", 1001 + 12800 * 40, 5001, b"z" * 10)], quiet=3)


@scenario(STATES, sysctl=LIBERAL)
def liberal(lab):
    """be_liberal accepts every window, yet not a RST before the acknowledged byte."""
    walk(lab, OPEN + [c("PA", 200000, 5001, b"too far"), s("A", 5001, 99000), c("PA", 1001, 5001, b"good"),
                      s("A", 5001, 1005), c("R", 500)], quiet=3)


@scenario(STATES, sysctl=dict(LIBERAL, **{"net.netfilter.nf_conntrack_tcp_ignore_invalid_rst": "1"}))
def invalid_rst_allowed(lab):
    """tcp_ignore_invalid_rst lifts that check."""
    walk(lab, OPEN + [c("PA", 1001, 5001, b"good"), s("A", 5001, 1005), c("R", 500)], quiet=5)


@scenario(STATES)
def pickup(lab):
    """A connection met in the middle: 300 s until the other side is seen; windows are lenient."""
    walk(lab, [c("A", 1001, 5001), c("PA", 1001, 5001, b"abc"), s("A", 5001, 1004), s("PA", 900000, 1004, b"far"),
               c("FA", 1004, 5001)])


@scenario(STATES, sysctl={"net.netfilter.nf_conntrack_tcp_loose": "0"})
def no_pickup(lab):
    """With tcp_loose=0 such packets are INVALID."""
    walk(lab, [c("A", 1001, 5001), c("PA", 1001, 5001, b"abc"), c("S", 1000)])


@scenario(STATES)
def stray_syn_ack(lab):
    """SYN ACK and RST of nobody, SYN in ESTABLISHED, challenge ACK and what follows it."""
    walk(lab, OPEN + [c("S", 7000), s("A", 5001, 1001), c("R", 1001)], quiet=2)
    walk(lab, [("server", tcp("SA", src=VS, dst=VC2, sport=80, dport=40000, seq=1, ack=1)),
               ("server", tcp("R", src=VS, dst=VC2, sport=80, dport=40000, seq=1))])


@scenario(STATES)
def half_open_client(lab):
    """A client that forgot its connection: SYN, challenge ACK, RST, SYN again."""
    walk(lab, OPEN + [c("S", 70000), s("A", 5001, 1001), c("R", 1001), c("S", 70000), s("SA", 9000, 70001),
                      c("A", 70001, 9001)], quiet=3)


@scenario(STATES)
def retransmissions(lab):
    """The same data four times: after three repeats the timeout is 300 s."""
    walk(lab, OPEN + [c("PA", 1001, 5001, b"again")] * 5 + [s("A", 5001, 1006)], quiet=3)


@scenario(STATES)
def zero_window(lab):
    """A window of 0 shortens the timeout; opening it restores it."""
    walk(lab, OPEN + [c("PA", 1001, 5001, b"abc"), s("A", 5001, 1004, window=0), c("A", 1003, 5001),
                      s("A", 5001, 1004, window=500)], quiet=3)


@scenario(STATES)
def selective_acks(lab):
    """SACK edges count as acknowledgements; beyond what was sent they are INVALID."""
    walk(lab, OPEN_SCALED + [c("A", 1001, 5001, b"a" * 100), c("A", 1201, 5001, b"c" * 100),
                             s("A", 5001, 1101, options=[("NOP", None), ("NOP", None), ("SAck", (1201, 1301))]),
                             s("A", 5001, 1101, options=[("NOP", None), ("NOP", None), ("SAck", (1201, 999999))]),
                             c("A", 1101, 5001, b"b" * 100), s("A", 5001, 1301)], quiet=3)


@scenario(STATES)
def wrapping(lab):
    """Sequence numbers wrap around zero."""
    near = 0xfffffff0
    walk(lab, [c("S", near), s("SA", 0xffffffff, near + 1), c("A", near + 1, 0),
               c("PA", near + 1, 0, b"x" * 32), s("A", 0, (near + 33) % 2 ** 32), s("PA", 0, 17, b"y" * 10),
               c("A", 17, 10)])


@scenario(STATES, sysctl={"net.netfilter.nf_conntrack_tcp_timeout_established": "1000",
                          "net.netfilter.nf_conntrack_tcp_timeout_fin_wait": "50",
                          "net.netfilter.nf_conntrack_tcp_timeout_unacknowledged": "200",
                          "net.netfilter.nf_conntrack_tcp_timeout_time_wait": "20",
                          "net.netfilter.nf_conntrack_tcp_timeout_last_ack": "400"})
def own_timeouts(lab):
    """Every state's timeout is its sysctl; the smaller of two applies."""
    walk(lab, OPEN + [c("PA", 1001, 5001, b"abc"), s("A", 5001, 1004), c("FA", 1004, 5001), s("FA", 5001, 1005),
                      c("A", 1005, 5002)], quiet=2)


@scenario(STATES)
def data_in_syn(lab):
    """Data in the SYN and in the SYN ACK counts as sequence space."""
    walk(lab, [c("S", 1000, data=b"early"), s("SA", 5000, 1006, data=b"also"), c("A", 1006, 5005), s("A", 5005, 1006)])


@scenario(STATES)
def syn_sent_strays(lab):
    """ACK, FIN and data in SYN_SENT; a wrong ack in the SYN ACK."""
    walk(lab, [c("S", 1000), s("A", 5000, 1001), c("FA", 1001, 5001), c("A", 1001, 5001), s("SA", 5000, 4444),
               s("R", 0), s("RA", 0, 1001)])


@scenario(STATES)
def fin_retransmitted(lab):
    """FINs again and again, in every closing state."""
    walk(lab, OPEN + [c("FA", 1001, 5001), c("FA", 1001, 5001), s("A", 5001, 1002), c("FA", 1001, 5001),
                      s("FA", 5001, 1002), s("FA", 5001, 1002), c("A", 1002, 5002), s("FA", 5001, 1002),
                      c("A", 1002, 5002)], quiet=3)
