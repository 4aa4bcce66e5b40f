"""The table of connections: tunables changed while traffic flows, counters, zones per direction.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import ICMP, IP, TCP, UDP, VC, VC2, VS, Raw, answer, echo, tcp, udp
from testnet.scenario import scenario

STATES = """
*filter
:FORWARD ACCEPT
-A FORWARD -m conntrack --ctstate NEW
-A FORWARD -m conntrack --ctstate ESTABLISHED
-A FORWARD -m conntrack --ctstate RELATED
-A FORWARD -m conntrack --ctstate INVALID
-A FORWARD -m conntrack --ctstate UNTRACKED
"""

PREFIX = "net.netfilter.nf_conntrack_"

TUNABLES = ["acct", "checksum", "events", "generic_timeout", "gre_timeout", "gre_timeout_stream", "icmp_timeout",
            "log_invalid", "sctp_timeout_closed", "sctp_timeout_cookie_echoed", "sctp_timeout_cookie_wait",
            "sctp_timeout_established", "sctp_timeout_heartbeat_sent", "sctp_timeout_shutdown_ack_sent",
            "sctp_timeout_shutdown_recd", "sctp_timeout_shutdown_sent", "tcp_be_liberal", "tcp_ignore_invalid_rst",
            "tcp_loose", "tcp_max_retrans", "tcp_timeout_close", "tcp_timeout_close_wait", "tcp_timeout_established",
            "tcp_timeout_fin_wait", "tcp_timeout_last_ack", "tcp_timeout_max_retrans", "tcp_timeout_syn_recv",
            "tcp_timeout_syn_sent", "tcp_timeout_time_wait", "tcp_timeout_unacknowledged", "timestamp", "udp_timeout",
            "udp_timeout_stream"]

WRITTEN = ["1", "0", "2", "3", "-1", "255", "256", "300", "007", "0x1", "0x", "-", "", " ", " 1 ", "1\n", "1 2", "1x", "x1", "+1",
           "1.5", "8589934", "8589935", "2147483647", "2147483648", "4294967295", "4294967296", "-8589934",
           "99999999999999999999", "1,2", "--1", "- 1", "\t1", "00000000000000000001"]


@scenario()
def tunables(lab):
    """Every tunable is there, takes what Linux takes, and shows it as Linux does."""
    for name in TUNABLES:
        path = "sys/" + (PREFIX + name).replace(".", "/")
        lab.record(name + " at first", lab.proc(path))
        for value in WRITTEN:
            lab.record("%s = %r" % (name, value), lab.sysctl(PREFIX + name, value) + "/" + lab.proc(path))


def gre(src, dst, flags=b"\0\0"):
    """A GRE packet without key."""
    return IP(src=src, dst=dst, proto=47) / Raw(flags + b"\x08\x00" + b"12345678")


@scenario(STATES)
def timeouts_live(lab):
    """A timeout that is changed counts from the next packet of each flow on."""
    def set_all(**values):
        for name, value in values.items():
            lab.sysctl(PREFIX + name, value)

    def play(name, packets):
        lab.client.send(*packets)
        lab.server.arrived(len(packets))
        lab.record(name, lab.connections())

    def back(name, packets):
        lab.server.send(*packets)
        lab.client.arrived(len(packets))
        lab.record(name, lab.connections())

    first = [udp(), echo(), gre(VC, VS), IP(src=VC, dst=VS, proto=50) / Raw(b"12345678"), tcp()]
    set_all(udp_timeout=1001, icmp_timeout=1002, gre_timeout=1003, generic_timeout=1004, tcp_timeout_syn_sent=1005)
    play("first", first)
    set_all(udp_timeout=2001, icmp_timeout=2002, gre_timeout=2003, generic_timeout=2004, tcp_timeout_syn_sent=2005)
    play("changed", first)
    set_all(udp_timeout=3001, udp_timeout_stream=3006, gre_timeout_stream=3003, tcp_timeout_syn_recv=3005)
    back("answers", [udp(src=VS, dst=VC, sport=53, dport=5000), IP(src=VS, dst=VC) / ICMP(type=0, id=7, seq=1) / Raw(b"ping"),
                     gre(VS, VC), IP(src=VS, dst=VC, proto=50) / Raw(b"12345678"),
                     tcp("SA", VS, VC, 80, 40000, 5000, 1001)])
    set_all(tcp_timeout_established=4005, gre_timeout_stream=4003)
    play("established", [tcp("A", seq=1001, ack=5001), gre(VC, VS)])
    set_all(tcp_timeout_fin_wait=5005, tcp_timeout_close_wait=6005, tcp_timeout_last_ack=7005,
            tcp_timeout_time_wait=8005, tcp_timeout_close=9005)
    play("fin", [tcp("FA", seq=1001, ack=5001)])
    back("ack of fin", [tcp("A", VS, VC, 80, 40000, 5001, 1002)])
    back("other fin", [tcp("FA", VS, VC, 80, 40000, 5001, 1002)])
    play("last ack", [tcp("A", seq=1002, ack=5002)])
    play("a new one", [tcp("S", seq=1000000)])
    back("refused", [tcp("RA", VS, VC, 80, 40000, 0, 1000001)])


@scenario(STATES)
def accounting_live(lab):
    """Counters and times come with a connection's beginning: a change counts for new ones."""
    lab.sysctl(PREFIX + "acct", 0)
    lab.client.send(udp(sport=1))
    lab.server.arrived()
    lab.sysctl(PREFIX + "acct", 1)
    lab.client.send(udp(sport=1), udp(sport=2))
    lab.server.arrived(2)
    lab.sysctl(PREFIX + "acct", 0)
    lab.client.send(udp(sport=1), udp(sport=2), udp(sport=3))
    lab.server.arrived(3)
    lab.record("three flows", lab.connections())


@scenario(STATES)
def retransmissions(lab):
    """The same segment tcp_max_retrans times and once more: from then on the short timeout."""
    lab.sysctl(PREFIX + "tcp_max_retrans", 2)
    lab.sysctl(PREFIX + "tcp_timeout_max_retrans", 99)
    lab.client.send(tcp("S", seq=1000))
    lab.server.arrived()
    lab.server.send(tcp("SA", VS, VC, 80, 40000, 5000, 1001))
    lab.client.arrived()
    lab.client.send(tcp("A", seq=1001, ack=5001))
    lab.server.arrived()
    for number in range(5):
        lab.client.send(tcp("PA", seq=1001, ack=5001, data=b"again"))
        lab.server.arrived()
        lab.record("sent %d times" % (number + 1), lab.connections())
    lab.sysctl(PREFIX + "tcp_max_retrans", 9)
    lab.client.send(tcp("PA", seq=1001, ack=5001, data=b"again"))
    lab.server.arrived()
    lab.record("more allowed", lab.connections())


@scenario(STATES)
def checksum_live(lab):
    """A wrong checksum counts as long as it is checked."""
    wrong = IP(src=VC, dst=VS) / UDP(sport=5000, dport=53, chksum=0x1111) / Raw(b"bad")
    for value in [1, 0, 1]:
        lab.sysctl(PREFIX + "checksum", value)
        lab.client.send(wrong)
        lab.server.arrived()
        lab.record("checksum=%d" % value, lab.connections())


def stat(lab):
    """The columns of net/stat/nf_conntrack that one router and several processors share, summed: [NAME VALUE]."""
    rows = [line.split() for line in lab.proc("net/stat/nf_conntrack").splitlines()]
    total = {name: sum(int(row[at], 16) for row in rows[1:]) for at, name in enumerate(rows[0])}
    total["entries"] //= len(rows) - 1
    return ["%s %d" % (name, total[name]) for name in rows[0]]


@scenario("""
*raw
:PREROUTING ACCEPT
-A PREROUTING -p udp --dport 9 -j NOTRACK
*nat
:POSTROUTING ACCEPT
-A POSTROUTING -o wan -p udp --dport 53 -j SNAT --to-source 203.0.113.254:7000
""" + STATES)
def counters(lab):
    """net/stat/nf_conntrack counts what Linux counts."""
    lab.record("at first", stat(lab))
    lab.client.send(udp(), echo(), tcp("SF"), tcp("SA"), udp(dport=9))
    answers = [answer(item) for item in lab.server.arrived(5) if UDP in item and item[UDP].dport == 53]
    lab.server.send(*answers)
    lab.client.arrived()
    lab.client.send(udp(), udp(sport=5001), IP(src=VC, dst=VS) / ICMP(type=0, id=3),
                    IP(src=VC, dst=VS) / ICMP(type=3, code=3, unused=0) / Raw(b"quoted nothing useful"),
                    IP(src=VC, dst=VS) / UDP(sport=5000, dport=53, chksum=0x1111) / Raw(b"bad"))
    lab.server.arrived()
    lab.settle()
    lab.record("then", stat(lab))


ZONES = """
*raw
:PREROUTING ACCEPT
-A PREROUTING -i lan -s 10.1.0.50/32 -j CT --zone-orig 1
-A PREROUTING -i lan -s 10.1.0.51/32 -j CT --zone-orig 2
*nat
:POSTROUTING ACCEPT
-A POSTROUTING -o wan -j SNAT --to-source 203.0.113.254
""" + STATES


@scenario(ZONES, mask="sport dport")
def zones_by_origin(lab):
    """Clients in zones of their own share the translated side, where their ports must not clash."""
    lab.client.send(udp(), udp(src=VC2))
    seen = lab.server.arrived(2)
    lab.server.send(*[answer(item) for item in seen if item[UDP].sport == 5000])
    lab.client.arrived()
    lab.record("ports", sorted(item[UDP].sport == 5000 for item in seen))


@scenario("""
*raw
:PREROUTING ACCEPT
-A PREROUTING -i wan -j CT --zone-reply 9
-A PREROUTING -i lan -p udp --sport 5000 -j CT --zone-reply 9
-A PREROUTING -i lan -p udp --sport 5001 -j CT --zone 9
-A PREROUTING -i lan -p udp --sport 5002 -j CT --zone-orig 9
""" + STATES)
def zones_of_replies(lab):
    """A zone that counts for answers only: they must come with it, and only there."""
    lab.client.send(udp(), udp(sport=5001), udp(sport=5002), echo())
    for item in lab.server.arrived(4):
        lab.server.send(answer(item))
    lab.client.arrived(4)
    lab.record("answered", lab.connections())
    lab.client.send(udp(), udp(sport=5001), udp(sport=5002), echo())
    lab.server.arrived(4)


@scenario("""
*raw
:PREROUTING ACCEPT
-A PREROUTING -i lan -p udp --sport 5000 -j MARK --set-mark 0x12345
-A PREROUTING -i lan -j CT --zone mark
-A PREROUTING -i wan -j CT --zone-orig mark
""" + STATES)
def zone_from_mark(lab):
    """The zone is the low half of the packet's mark."""
    lab.client.send(udp(), udp(sport=5001))
    for item in lab.server.arrived(2):
        lab.server.send(answer(item))
    lab.client.arrived(2)
