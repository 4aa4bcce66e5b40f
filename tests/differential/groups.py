"""What sequences are played under: rules and tunables, and which kinds of sequences."""

from typing import NamedTuple

from . import datagrams, ftp, nat, sctp, tcp
from .nat import Choice
from .play import Player
from .translate import TranslatedPlayer

KINDS = {"tcp": tcp.generate, "wild": tcp.wild, "offloaded": tcp.offloaded, "offloaded-udp": datagrams.offloaded,
         "udp": datagrams.udp, "udplite": datagrams.udplite, "icmp": datagrams.icmp,
         "errors": datagrams.errors, "gre": datagrams.gre, "generic": datagrams.generic, "fragments": datagrams.fragments,
         "router": datagrams.router, "sctp": sctp.generate, "ftp": ftp.generate, "meeting": nat.meeting, "crowd": nat.crowd,
         "nat-ftp": nat.ftp}
ALL = {"tcp": 10, "wild": 3, "udp": 3, "icmp": 2, "errors": 1, "gre": 1, "generic": 1, "fragments": 1, "router": 1, "sctp": 4}
WITH_UDPLITE = dict(ALL, udplite=2)  # docs/semantics.md: with checksums on Linux calls every UDP-Lite packet INVALID
MOSTLY_TCP = {"tcp": 10, "wild": 4, "udp": 1, "sctp": 2}
TRANSLATED = dict(ALL, tcp=4, sctp=2, errors=2, fragments=2, meeting=8)

CT = "net/netfilter/nf_conntrack_"
DROP_INVALID = "*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"
FIREWALL = """*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID -j REJECT --reject-with icmp-admin-prohibited
-A FORWARD -i lan -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
-A FORWARD -i lan -p tcp -j REJECT --reject-with tcp-reset
-A FORWARD -i lan -j ACCEPT
-A FORWARD -p tcp -j REJECT --reject-with tcp-reset
-A FORWARD -j REJECT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p tcp -j REJECT --reject-with tcp-reset
COMMIT
"""
UNTRACKED = """*raw
-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack
-A PREROUTING -i wan -p tcp -m tcp --tcp-flags RST RST -j NOTRACK
COMMIT
*filter
-A FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT
-A FORWARD -m conntrack ! --ctstate NEW,ESTABLISHED,RELATED -j DROP
COMMIT
"""
# Says of every packet what it was taken for: in its DSCP field.
TOLD = "*mangle\n" + "".join(
    "-A %s -m conntrack --ctstate %s%s -j DSCP --set-dscp %d\n" % (chain, state, direction, number + 16 * bool(direction))
    for chain in ("FORWARD", "OUTPUT") for direction in ("", " --ctdir REPLY")
    for number, state in enumerate(("NEW", "ESTABLISHED", "RELATED", "INVALID"), 1)
    if state != "INVALID" or not direction) + "COMMIT\n"
ZONES = """*raw
-A PREROUTING -p udp -m udp --dport 53 -j CT --zone-orig 5
-A PREROUTING -p icmp -j CT --zone 5
-A PREROUTING -s 10.64.0.0/16 -j CT --zone 5
-A PREROUTING -d 10.64.0.0/16 -j CT --zone 5
-A OUTPUT -d 10.64.0.0/16 -j CT --zone 5
COMMIT
"""
MARKS = """*mangle
-A PREROUTING -j CONNMARK --restore-mark
-A PREROUTING -i lan -m conntrack --ctstate NEW -j MARK --set-mark 1
-A PREROUTING -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j MARK --or-mark 2
-A PREROUTING -m conntrack --ctstatus ASSURED -j CONNMARK --or-mark 4
-A FORWARD -m conntrack --ctexpire 0:31 -j MARK --or-mark 8
-A FORWARD -m conntrack --ctexpire 100:301 -j MARK --or-mark 16
-A FORWARD -m connbytes --connbytes 3:6 --connbytes-dir both --connbytes-mode packets -j MARK --or-mark 32
-A FORWARD -m connmark --mark 4/4 -j DSCP --set-dscp 1
-A POSTROUTING -j CONNMARK --save-mark
COMMIT
"""
HELPED = "*raw\n-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"
# As those do who serve networks with the same addresses: one has a zone for what it says; answers are told by their address.
TENANTS = """*raw
-A PREROUTING -s 10.64.0.0/16 -j CT --zone-orig 5
COMMIT
"""


class Group(NamedTuple):
    """@share: how many of the sequences, relative to the others; @pauses: seconds that sequences may wait between packets;
    @player: TranslatedPlayer where there is NAT, then with @choice; @uncounted: counters that chance has a part in;
    @zone: of the connections to ask for; @expects: whether expectations are compared."""

    name: str
    rules: str = ""
    sysctls: dict = {}
    kinds: dict = ALL
    pauses: tuple = ()
    share: int = 1
    player: type = Player
    choice: Choice = None
    uncounted: tuple = ()
    zone: int = 0
    expects: bool = False


def _nat(name, rules, kinds=None, choice=Choice(), uncounted=("found",), **words):
    """A group with NAT. How often a tuple was found taken is a matter of chance where ports are sought."""
    return Group("nat-" + name, rules, kinds=kinds or TRANSLATED, player=TranslatedPlayer, choice=choice,
                 uncounted=uncounted, **words)


GROUPS = (
    Group("plain", share=4),
    Group("drop-invalid", DROP_INVALID, share=3),
    Group("firewall", FIREWALL, share=2),
    Group("not-loose", DROP_INVALID, {CT + "tcp_loose": 0}, MOSTLY_TCP),
    Group("liberal", DROP_INVALID, {CT + "tcp_be_liberal": 1}, MOSTLY_TCP),
    Group("ignore-rst", DROP_INVALID, {CT + "tcp_ignore_invalid_rst": 1}, MOSTLY_TCP),
    Group("no-checksum", DROP_INVALID, {CT + "checksum": 0}, WITH_UDPLITE),
    Group("accounting", "", {CT + "acct": 1, CT + "timestamp": 1}),
    Group("retrans", "", {CT + "tcp_max_retrans": 1, CT + "tcp_timeout_max_retrans": 77, CT + "tcp_timeout_unacknowledged": 99},
          MOSTLY_TCP),
    Group("untracked", UNTRACKED),
    Group("told", TOLD, share=2),
    Group("marks", MARKS, {CT + "acct": 1}),
    Group("zones", ZONES + TOLD, zone=5, uncounted=("found",)),
    # When an expired connection goes, and its expectations with it, is not the same: docs/semantics.md.
    Group("ftp", HELPED + TOLD, kinds={"ftp": 1}, expects=True, uncounted=("expect_delete",)),
    Group("offloaded", DROP_INVALID, kinds={"offloaded": 4, "offloaded-udp": 1}),
    Group("waiting", DROP_INVALID, kinds={"tcp": 2, "udp": 8, "icmp": 1, "sctp": 1, "gre": 1}, pauses=(2.1,)),
    Group("short-lived", "", {CT + name: seconds for name, seconds in {
        "tcp_timeout_syn_sent": 2, "tcp_timeout_syn_recv": 3, "tcp_timeout_established": 4, "tcp_timeout_fin_wait": 2,
        "tcp_timeout_close_wait": 3, "tcp_timeout_last_ack": 2, "tcp_timeout_time_wait": 4, "tcp_timeout_close": 1,
        "tcp_timeout_max_retrans": 2, "tcp_timeout_unacknowledged": 3, "udp_timeout": 1, "udp_timeout_stream": 4,
        "icmp_timeout": 1, "generic_timeout": 2, "gre_timeout": 1, "gre_timeout_stream": 4, "sctp_timeout_closed": 1,
        "sctp_timeout_cookie_wait": 2, "sctp_timeout_cookie_echoed": 1, "sctp_timeout_established": 3,
        "sctp_timeout_shutdown_sent": 1, "sctp_timeout_shutdown_recd": 2, "sctp_timeout_shutdown_ack_sent": 1,
        "sctp_timeout_heartbeat_sent": 2}.items()}, pauses=(1.4,)),
    _nat("one-address", nat.ONE_ADDRESS, share=2),
    _nat("masquerade", nat.MASQUERADE, share=2),
    _nat("random", nat.RANDOM, choice=Choice(random=True)),
    _nat("ranges", nat.RANGES, choice=Choice(ranges=((30000, 30999),))),
    _nat("destination", nat.DESTINATION, share=2),
    _nat("both", nat.BOTH, share=2),
    _nat("networks", nat.NETWORKS),
    _nat("redirect", nat.REDIRECT, dict(TRANSLATED, router=4)),
    _nat("hairpin", nat.HAIRPIN),
    _nat("firewall", nat.BOTH + FIREWALL),
    _nat("no-checksum", nat.BOTH, dict(TRANSLATED, udplite=6), sysctls={CT + "checksum": 0}),
    _nat("zones", ZONES + nat.BOTH, zone=5),
    _nat("tenants", TENANTS + nat.ONE_ADDRESS, zone=5),
    _nat("offloaded", nat.BOTH, {"offloaded": 4, "offloaded-udp": 1}),
    _nat("ftp", HELPED + nat.MASQUERADE, {"nat-ftp": 1}, expects=True,
         uncounted=("found", "expect_delete")),  # when Linux finds that a connection has expired is its own affair
    _nat("narrow", nat.NARROW, {"crowd": 1}, Choice(ranges=(nat.NARROW_PORTS,)), share=2),
)
