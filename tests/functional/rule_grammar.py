"""What can be written in a rule: for each match and target its options, and makers of legal, boundary and illegal values.

    EXTENSION = (protocols, shapes, options)
        protocols   what -p must say, "" = nothing special
        shapes      option sets that make sense, separated by "|"; "x?" = half of the time
        options     {"name": maker or None for a flag}; "!name": may stand behind `!`

A maker is a function of a random.Random that returns the text of a value. Rule(rng).line() is one random rule.
To add a match or target: one more row in MATCHES or TARGETS; it is used once Tapgate's own list has it.
"""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_HERE = {"ipvs", "LED"}  # the kernel that is asked lacks them
OBJECTS = ["web", "a-b_c.d", "two words"]  # accounting objects that are there
NAT_TARGETS = ["DNAT", "MASQUERADE", "NETMAP", "REDIRECT", "SNAT"]
WRONG = 0.1  # of the values; most are legal, so that whole rules are

U8, U16, U32, U64 = 255, 65535, 2**32 - 1, 2**64 - 1
JUNK = ["", "x", "-1", "5x", "0x", "1 2", "!", "08", "+1", "99999999999999999999999", " 1", "1,", ",", ":", "/", "1/", "0x1g", "1:2:3"]


def number(low=0, high=U32):
    """A number, at the bounds or just beyond."""
    def make(rng):
        if rng.random() < WRONG:
            return rng.choice(JUNK + [str(high + 1), str(max(low - 1, 0)), hex(high + 1)])
        value = rng.choice([low, high, rng.randint(low, high), rng.randint(low, min(high, low + 300))])
        return rng.choice(["{}", "{}", "{}", "0x{:x}", "0{:o}"]).format(value)
    return make


def span(low=0, high=U32, sep=":"):
    """A range of numbers, open or backwards now and then."""
    one = number(low, high)

    def make(rng):
        if rng.random() < 0.4:
            return one(rng)
        pair = [rng.randint(low, high), rng.randint(low, high)]
        if rng.random() > WRONG / 2:
            pair.sort()
        first, last = (str(v) for v in pair)
        return rng.choice([first + sep + last] * 5 + [sep + last, first + sep, sep, f"{low}{sep}{high}", first + sep + last + sep + "1",
                                                      f"{low}{sep}", f"{first}{sep}{first}"])
    return make


def words(*good, bad=()):
    """One of a list; abbreviated, in the other case, or wrong now and then."""
    def make(rng):
        word = rng.choice(good)
        dice = rng.random()
        if dice < 0.05:
            return word[:rng.randint(1, len(word))] if word else word
        if dice < 0.09:
            return word.swapcase()
        if dice < 0.09 + WRONG / 2:
            return rng.choice(list(bad) + ["", "foo", word + "x", "5"])
        return word
    return make


def several(make_one, most=4, sep=","):
    """A list of values; with an empty one now and then."""
    def make(rng):
        items = [make_one(rng) for _ in range(rng.randint(1, most))]
        if rng.random() < WRONG / 3:
            items.insert(rng.randint(0, len(items)), "")
        return sep.join(items)
    return make


def either(*makers):
    """What one of several makers makes."""
    return lambda rng: rng.choice(makers)(rng)


def text(most):
    """Free text of up to @most characters, sometimes one longer."""
    def make(rng):
        length = rng.choice([1, 3, rng.randint(1, most), most] + [most + 1] * (rng.random() < WRONG * 2))
        return "".join(rng.choice("abcXYZ019-_. :'\"\\|!%/$,") for _ in range(length)) if rng.random() > 0.05 else ""
    return make


def name(most):
    """A word of letters of up to @most characters, sometimes one longer."""
    def make(rng):
        length = rng.choice([1, 3, rng.randint(1, most), most] + [most + 1, 0] * (rng.random() < WRONG * 2))
        return "".join(rng.choice("abcdefXYZ019-_.") for _ in range(length))
    return make


def label(rng):
    """A name that no other rule has: labels of timers are the whole kernel's."""
    return f"{rng.randint(0, U64):x}"[:rng.choice([16, 16, 14])] + name(rng.choice([1, 11]))(rng)


def marked(high=U32):
    """VALUE[/MASK]"""
    one = number(0, high)
    return lambda rng: one(rng) + (rng.choice(["/" + one(rng), "/0xff", "/0", "/0xffffffff"]) if rng.random() < 0.5 else "")


def address(rng):
    """One address."""
    if rng.random() < WRONG / 2:
        return rng.choice(["1.2.3.4.5", "1.2.3.256", "", "::1", "1.2.3.4x", "1..2", "1.2.3.4/24", "-"])
    return rng.choice(["10.0.0.1", "0.0.0.0", "255.255.255.255", "192.168.1.77", "1.2.3.4", "127.0.0.1", "224.0.0.5"])


def network(rng):
    """ADDRESS[/LENGTH or /MASK]"""
    length = rng.choice(["8", "24", "32", "0", "31", "1", "255.255.0.0", "255.0.255.0", "255.255.255.255", "0.0.0.0", "16"])
    if rng.random() < WRONG / 2:
        length = rng.choice(["", "33", "-1", "x", "255.255", "256.0.0.0", "24x"])
    return address(rng) + ("/" + length if rng.random() < 0.6 else "")


def address_range(rng):
    """A[-B]"""
    return rng.choice(["1.1.1.1-1.1.1.9", "10.0.0.0-10.255.255.255", "5.5.5.5-5.5.5.5", "0.0.0.0-255.255.255.255", address(rng),
                       address(rng) + "-" + address(rng)])


def rate(rng):
    """N/UNIT"""
    count = number(1, 10000)(rng)
    return count + rng.choice(["", "/s", "/sec", "/second", "/m", "/min", "/minute", "/h", "/hour", "/d", "/day"] * 2 +
                              ["/x", "/", "/secx", "/se", "s", "/SEC", "/hou"])


def rate_of(rng):
    """A bit rate."""
    return rng.choice(["250kbit", "1mbit", "8", "10mibps", "1x", ""])


PORT = either(number(0, U16), words("http", "ssh", "domain", "ftp", "https", bad=["nosuchport"]))
PORTS = either(span(0, U16), span(0, U16), PORT, lambda r: r.choice(["ssh:http", "domain:", ":ftp", "20:ssh", "ssh-http"]))
MANY_PORTS = either(several(PORT, 5), several(PORTS, 4), several(PORT, 16))
PORT_DASH = either(span(1, U16, "-"), PORT)
MARKS = marked()
NAME_LIST = ["abc", "A-b", "eth0", "x" * 15]
CT_STATES = several(words("NEW", "ESTABLISHED", "RELATED", "INVALID", "UNTRACKED", "SNAT", "DNAT"))
TCP_FLAGS = several(words("SYN", "ACK", "FIN", "RST", "URG", "PSH", "ALL", "NONE"))
CHUNKS = several(either(
    words("DATA", "INIT", "INIT_ACK", "SACK", "ABORT", "SHUTDOWN", "ERROR", "COOKIE_ECHO", "SHUTDOWN_COMPLETE", "ASCONF", "FORWARD_TSN",
          "I_DATA", "RE_CONFIG", "PAD", "ASCONF_ACK", "HEARTBEAT"),
    words("DATA:IUBE", "DATA:ube", "ABORT:T", "SHUTDOWN_COMPLETE:t", "DATA:Be", "DATA:", "INIT:T", "I_DATA:B", bad=["DATA:q", "ALL:T"]),
    words("ALL", "NONE", "DATA")))
DSCP_CLASS = words("BE", "CS0", "CS1", "CS7", "AF11", "AF43", "EF", "AF22", bad=["AF44", "CS8"])
TOS_NAME = words("Minimize-Delay", "Maximize-Throughput", "Maximize-Reliability", "Minimize-Cost", "Normal-Service")
TOS = either(marked(U8), number(0, U8), TOS_NAME)
ICMP = either(number(0, U8), lambda r: f"{r.randint(0, 256)}/{r.randint(0, 256)}", words(
    "any", "echo-reply", "pong", "destination-unreachable", "network-unreachable", "host-unreachable", "port-unreachable",
    "fragmentation-needed", "source-route-failed", "communication-prohibited", "precedence-cutoff", "source-quench", "redirect",
    "TOS-host-redirect", "echo-request", "ping", "router-advertisement", "time-exceeded", "ttl-exceeded", "ttl-zero-during-transit",
    "parameter-problem", "ip-header-bad", "timestamp-request", "address-mask-reply", "TOS-network-unreachable"))
CLOCK = words("08:00", "17:30", "23:59:59", "00:00", "24:00", "8:0", "12:00:01", bad=["25:00", "12:60", "1:2:3:4", "12", "12:00:60"])
DATE = words("2026-11-20", "1970", "2038-01-19T03:14:07", "2026-11-20T10:00", "2000-02", "1970-01-01T00:00:00",
             bad=["2026-13-01", "1969", "2039", "2026-01-32", "2026-11-20 10:00", "2026-1-1T1"])
ADDR_TYPES = several(words("UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE", "UNREACHABLE", "PROHIBIT",
                           "THROW", "NAT", "XRESOLVE"), 3)
CODE = ["1,6 0 0 1", "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0", "1,6 0 0 65535"]
U32_TEST = words("6&0xFF=1", "4&0x3FFF=0", "0>>22&0x3C@4=0", "0=1:2,5", "6&0xFF=6&&4&0x1FFF=0&&0>>22&0x3C@12>>26&0x3C@0>>24=0:255", "0 = 1",
                 "0x10=0xffffffff", "0<<2=4", bad=["0", "0=", "=1", "0==1", "0=1&", "0=2:1", "0>>33=1", "0@=1"])
MAC = words("00:11:22:33:44:55", "aa:BB:cc:DD:ee:FF", "0:1:2:3:4:5", "ff:ff:ff:ff:ff:ff",
            bad=["00:11:22:33:44", "00:11:22:33:44:55:66", "gg:11:22:33:44:55", "001122334455", "00-11-22-33-44-55"])
HOST_RATE = either(rate, rate, words("10kb/s", "1mb/s", "512b/s", "100kb/day", bad=["0kb/s", "5gb/s", "kb/s"]))
LOG_LEVEL = either(number(0, 7), words("debug", "info", "notice", "warning", "err", "error", "crit", "alert", "emerg", "warn", "panic"))
TO_DEST = either(address, address_range, lambda r: address(r) + ":" + PORT_DASH(r), lambda r: address_range(r) + ":" + PORT_DASH(r),
                 lambda r: ":" + PORT_DASH(r), lambda r: address(r) + ":80-90/85")
L4 = ["tcp", "udp", "udplite", "sctp", "dccp", "6", "17"]
MODE_PORTS = {"!sport": PORTS, "!dport": PORTS, "!source-port": PORTS, "!destination-port": PORTS}
REPEAT_RATES = words("linear", "x")

MATCHES = {
    "addrtype": ("", "src-type|dst-type|src-type dst-type limit-iface-in?|dst-type limit-iface-out?", {
        "!src-type": ADDR_TYPES, "!dst-type": ADDR_TYPES, "limit-iface-in": None, "limit-iface-out": None}),
    "ah": ("ah 51", "ahspi?", {"!ahspi": span()}),
    "bpf": ("", "bytecode", {"bytecode": words(*CODE, bad=["0,", "2,6 0 0 1", "x", "1,6 0 0", "1,999 0 0 0", "1,6 0 0 1,", "1,6 300 0 1"])}),
    "cluster": ("", "cluster-total-nodes cluster-local-node cluster-hash-seed|cluster-total-nodes cluster-local-nodemask cluster-hash-seed", {
        "cluster-total-nodes": number(1, 32), "!cluster-local-node": number(1, 32), "!cluster-local-nodemask": number(1, 255),
        "cluster-hash-seed": number()}),
    "cgroup": ("", "cgroup|path", {"!cgroup": number(), "!path": words("/", "a/b")}),
    "comment": ("", "comment", {"comment": text(255)}),
    "connbytes": ("", "connbytes connbytes-dir connbytes-mode", {
        "!connbytes": span(0, 2**40), "connbytes-dir": words("original", "reply", "both"),
        "connbytes-mode": words("packets", "bytes", "avgpkt")}),
    "connlimit": ("", "connlimit-above|connlimit-upto connlimit-mask?|connlimit-above connlimit-mask connlimit-saddr?|"
                  "connlimit-above connlimit-daddr|", {
                      "!connlimit-above": number(), "!connlimit-upto": number(), "connlimit-mask": number(0, 32),
                      "connlimit-saddr": None, "connlimit-daddr": None}),
    "connmark": ("", "mark", {"!mark": MARKS}),
    "connlabel": ("", "label set?", {"!label": number(0, 127), "set": None}),
    "conntrack": ("", "ctstate|ctstate ctproto?|ctorigsrc ctorigdst?|ctreplsrc|ctreplsrc ctrepldst|ctstatus|ctexpire|ctorigsrcport "
                  "ctproto|ctrepldstport ctproto|ctdir ctstate?|ctorigdstport ctproto|ctreplsrcport ctproto", {
                      "!ctstate": CT_STATES, "!ctproto": either(words(*L4, "icmp", "gre"), number(1, 255)), "!ctorigsrc": network,
                      "!ctorigdst": network, "!ctreplsrc": network, "!ctrepldst": network,
                      "!ctstatus": several(words("NONE", "EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED")), "!ctexpire": span(),
                      "!ctorigsrcport": span(0, U16), "!ctorigdstport": span(0, U16), "!ctreplsrcport": span(0, U16),
                      "!ctrepldstport": span(0, U16), "ctdir": words("ORIGINAL", "REPLY")}),
    "cpu": ("", "cpu", {"!cpu": number()}),
    "dccp": ("dccp 33", "sport?|dport sport?|dccp-types|dccp-option dport?", {
        **MODE_PORTS, "!dccp-types": several(words("REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC",
                                                   "SYNCACK", "INVALID")), "!dccp-option": number(0, 255)}),
    "devgroup": ("", "src-group|dst-group|src-group dst-group", {"!src-group": MARKS, "!dst-group": MARKS}),
    "dscp": ("", "dscp|dscp-class", {"!dscp": number(0, 63), "!dscp-class": DSCP_CLASS}),
    "ecn": ("tcp 6", "ecn-tcp-cwr ecn-tcp-ece?|ecn-ip-ect|ecn-ip-ect ecn-tcp-ece", {
        "!ecn-tcp-cwr": None, "!ecn-tcp-ece": None, "!ecn-ip-ect": number(0, 3)}),
    "esp": ("esp 50", "espspi?", {"!espspi": span()}),
    "hashlimit": ("", "hashlimit-upto hashlimit-name hashlimit-mode?|hashlimit-above hashlimit-name hashlimit-burst?|hashlimit-upto "
                  "hashlimit-mode hashlimit-srcmask? hashlimit-dstmask? hashlimit-name|hashlimit-above hashlimit-name "
                  "hashlimit-htable-size? hashlimit-htable-max? hashlimit-htable-expire? hashlimit-htable-gcinterval?|hashlimit "
                  "hashlimit-mode hashlimit-name|hashlimit-upto hashlimit-name hashlimit-rate-match hashlimit-rate-interval?", {
                      "!hashlimit-upto": HOST_RATE, "!hashlimit-above": HOST_RATE, "hashlimit": rate, "hashlimit-burst": number(1, 10000),
                      "hashlimit-mode": several(words("srcip", "dstip", "srcport", "dstport"), 3), "hashlimit-name": name(15),
                      "hashlimit-srcmask": number(0, 32), "hashlimit-dstmask": number(0, 32), "hashlimit-htable-size": number(1, 5000),
                      "hashlimit-htable-max": number(1, 5000), "hashlimit-htable-expire": number(1, 99999),
                      "hashlimit-htable-gcinterval": number(1, 99999), "hashlimit-rate-match": None, "hashlimit-rate-interval": number(1, 9)}),
    "helper": ("", "helper", {"!helper": either(words("ftp", "ftp-2121", "tftp", "any", ""), text(29))}),
    "icmp": ("icmp 1", "icmp-type?", {"!icmp-type": ICMP}),
    "ipcomp": ("ipcomp 108", "ipcompspi? compres?", {"!ipcompspi": span(), "compres": None}),
    "iprange": ("", "src-range|dst-range|src-range dst-range", {"!src-range": address_range, "!dst-range": address_range}),
    "length": ("", "length", {"!length": span(0, U16)}),
    "limit": ("", "limit|limit limit-burst|limit-burst|", {"limit": rate, "limit-burst": number(1, 10000)}),
    "mac": ("", "mac-source", {"!mac-source": MAC}),
    "mark": ("", "mark", {"!mark": MARKS}),
    "multiport": ("tcp udp sctp dccp 6", "sports|dports|ports", {
        "!sports": MANY_PORTS, "!dports": MANY_PORTS, "!ports": MANY_PORTS, "!source-ports": MANY_PORTS, "!destination-ports": MANY_PORTS}),
    "nfacct": ("", "nfacct-name", {"nfacct-name": either(lambda r: r.choice(OBJECTS), words(*OBJECTS, "x" * 31), name(31))}),
    "osf": ("tcp 6", "genre|genre ttl? log?", {
        "!genre": words("Linux", "Windows", "x" * 31), "ttl": number(0, 2), "log": number(0, 2)}),
    "owner": ("", "uid-owner|gid-owner|uid-owner gid-owner suppl-groups?|socket-exists", {
        "!uid-owner": span(0, U32 - 1, "-"), "!gid-owner": span(0, U32 - 1, "-"), "!socket-exists": None, "suppl-groups": None}),
    "physdev": ("", "physdev-in physdev-is-bridged?|physdev-out physdev-is-bridged|physdev-is-in", {
        "!physdev-in": name(15), "!physdev-out": name(15), "!physdev-is-in": None, "!physdev-is-out": None, "!physdev-is-bridged": None}),
    "pkttype": ("", "pkt-type", {"!pkt-type": words("unicast", "broadcast", "multicast", "host", "bcast", "mcast", bad=["otherhost"])}),
    "policy": ("", "dir pol|dir pol strict reqid mode?", {
        "dir": words("in", "out"), "pol": words("none", "ipsec"), "strict": None, "!reqid": number(), "!spi": number(),
        "!proto": words("esp", "ah", "ipcomp"), "!mode": words("transport", "tunnel"), "!tunnel-src": network, "!tunnel-dst": network,
        "next": None}),
    "quota": ("", "quota", {"!quota": number(0, U64)}),
    "realm": ("", "realm", {"!realm": MARKS}),
    "rateest": ("", "rateest rateest-gt rateest-bps|rateest rateest-lt rateest-pps", {
        "rateest": name(15), "!rateest-gt": None, "!rateest-lt": None, "!rateest-eq": None, "rateest-bps": rate_of, "rateest-pps": number(),
        "rateest-delta": None}),
    "recent": ("", "set name?|rcheck seconds? hitcount? name?|update seconds hitcount? rttl? name?|remove name? rsource?|rcheck seconds reap?"
               " rdest? mask?|set rdest mask?", {
                   "!set": None, "!rcheck": None, "!update": None, "!remove": None, "seconds": number(1, 99999), "hitcount": number(1, 255),
                   "rttl": None, "reap": None, "name": name(20), "rsource": None, "rdest": None, "mask": words("255.255.0.0", "255.0.255.0",
                                                                                                             "32", "24")}),
    "rpfilter": ("", "loose?|validmark? accept-local?|invert loose?", {"loose": None, "validmark": None, "accept-local": None, "invert": None}),
    "sctp": ("sctp 132", "sport? dport?|chunk-types dport?", {
        **MODE_PORTS, "!chunk-types": lambda r: words("any", "all", "only")(r) + "\0" + CHUNKS(r)}),
    "set": ("", "match-set", {"!match-set": lambda r: "nosuchset\0" + several(words("src", "dst"))(r)}),
    "socket": ("", "transparent? nowildcard? restore-skmark?", {"transparent": None, "nowildcard": None, "restore-skmark": None}),
    "state": ("", "state", {"!state": CT_STATES}),
    "statistic": ("", "mode probability|mode every packet?", {
        "mode": words("random", "nth"), "!probability": words("0.5", "0", "1", "0.33333", "1e-3", "0.000001", ".25",
                                                              bad=["1.1", "-0.1", "x", "0.5x"]), "!every": number(1, 9), "packet": number(0, 8)}),
    "string": ("", "algo string|algo hex-string|algo string from? to? icase?|string algo", {
        "algo": words("bm", "kmp"), "!string": text(128), "!hex-string": words("|00 01 ff|", "ab|0d0a|c", "abc", "|de ad|\\|", "|41|",
                                                                              bad=["|0", "|zz|", "|", "||", "|0 1|"]),
        "from": number(0, U16), "to": number(0, U16), "icase": None}),
    "tcp": ("tcp 6", "sport? dport?|dport|sport|tcp-flags dport?|syn|tcp-option|destination-port source-port?", {
        **MODE_PORTS, "!tcp-flags": lambda r: TCP_FLAGS(r) + "\0" + TCP_FLAGS(r), "!syn": None, "!tcp-option": number(1, 255)}),
    "tcpmss": ("tcp 6", "mss", {"!mss": span(0, U16)}),
    "time": ("", "timestart timestop?|datestart datestop?|weekdays timestart? timestop?|monthdays|utc? timestart timestop contiguous?|kerneltz"
             " weekdays|", {
                 "timestart": CLOCK, "timestop": CLOCK, "datestart": DATE, "datestop": DATE, "kerneltz": None, "utc": None, "localtz": None,
                 "contiguous": None, "!weekdays": several(words("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "1", "7", "Monday", bad=["8", "0"])),
                 "!monthdays": several(number(1, 31), 6)}),
    "tos": ("", "tos", {"!tos": TOS}),
    "ttl": ("", "ttl-eq|ttl-lt|ttl-gt", {"!ttl-eq": number(0, 255), "ttl-lt": number(0, 255), "ttl-gt": number(0, 255), "!ttl": number(0, 255)}),
    "u32": ("", "u32", {"!u32": U32_TEST}),
    "udp": ("udp 17", "sport? dport?|dport|source-port destination-port?", MODE_PORTS),
}

# (protocols, shapes, options, "TABLE CHAIN|..." where it may stand)
ANY = "filter FORWARD|filter INPUT|filter OUTPUT|mangle FORWARD|mangle PREROUTING|mangle POSTROUTING|raw PREROUTING|security FORWARD|nat PREROUTING"
MANGLE = "mangle PREROUTING|mangle FORWARD|mangle POSTROUTING|mangle INPUT|mangle OUTPUT"
MARKING = {"set-xmark": MARKS, "set-mark": MARKS, "and-mark": number(), "or-mark": number(), "xor-mark": number()}
PREFIX = either(text(20), text(29), words("IN: ", "drop "))
TARGETS = {
    "AUDIT": ("", "type", {"type": words("accept", "drop", "reject")}, ANY),
    "CHECKSUM": ("", "checksum-fill", {"checksum-fill": None}, MANGLE),
    "CLASSIFY": ("", "set-class", {"set-class": words("1:2", "0:0", "ffff:ffff", "1:", "0x1:2", bad=["1", ":1", "10000:1", "g:1"])},
                 "mangle POSTROUTING|mangle FORWARD|mangle OUTPUT"),
    "CLUSTERIP": ("", "new hashmode clustermac total-nodes local-node|", {
        "new": None, "hashmode": words("sourceip", "sourceip-sourceport"), "clustermac": words("01:00:5e:00:00:20"),
        "total-nodes": number(1, 16), "local-node": number(1, 16), "hash-init": number()}, "filter INPUT"),
    "CONNMARK": ("", "set-xmark|set-mark|and-mark|or-mark|xor-mark|save-mark nfmask? ctmask?|restore-mark mask?|save-mark mask|"
                 "restore-mark nfmask? ctmask?|restore-mark", {
                     **MARKING, "save-mark": None, "restore-mark": None, "mask": number(), "nfmask": number(), "ctmask": number(),
                     "left-shift-mark": number(0, 32), "right-shift-mark": number(0, 32)}, ANY),
    "CONNSECMARK": ("", "save|restore", {"save": None, "restore": None}, "mangle FORWARD|security FORWARD"),
    "CT": ("tcp udp 6", "notrack|zone|zone-orig|zone-reply|ctevents|expevents|helper|timeout|zone ctevents?", {
        "notrack": None, "zone": either(number(0, U16), words("mark")), "zone-orig": either(number(0, U16), words("mark")),
        "zone-reply": number(0, U16), "ctevents": several(words("new", "related", "destroy", "reply", "assured", "protoinfo", "helper", "mark",
                                                                "natseqinfo", "secmark")), "expevents": several(words("new"), 2),
        "helper": words("ftp", bad=["nosuch"]), "timeout": words("nosuch")}, "raw PREROUTING|raw OUTPUT"),
    "DNAT": ("tcp udp 6", "to-destination random? persistent?", {"to-destination": TO_DEST, "random": None, "persistent": None},
             "nat PREROUTING|nat OUTPUT"),
    "DSCP": ("", "set-dscp|set-dscp-class", {"set-dscp": number(0, 63), "set-dscp-class": DSCP_CLASS}, MANGLE),
    "ECN": ("tcp 6", "ecn-tcp-remove|ecn-tcp-remove", {"ecn-tcp-remove": None, "ecn-tcp-cwr": number(0, 1), "ecn-tcp-ece": number(0, 1),
                                                      "ecn-ip-ect": number(0, 3)}, MANGLE),
    "HMARK": ("", "hmark-tuple hmark-mod hmark-offset? hmark-rnd|hmark-tuple hmark-src-prefix? hmark-mod hmark-rnd|hmark-tuple hmark-mod "
              "hmark-rnd hmark-sport-mask? hmark-dport-mask?|hmark-tuple hmark-mod", {
                  "hmark-tuple": several(words("src", "dst", "sport", "dport", "spi", "ct", "proto", bad=["x"]), 4), "hmark-mod": number(1),
                  "hmark-offset": number(), "hmark-src-prefix": number(0, 32), "hmark-dst-prefix": number(0, 32),
                  "hmark-sport": number(0, U16), "hmark-dport": number(0, U16), "hmark-spi": number(),
                  "hmark-sport-mask": number(0, U16), "hmark-dport-mask": number(0, U16), "hmark-spi-mask": number(),
                  "hmark-proto-mask": number(0, 255), "hmark-rnd": number()}, "mangle PREROUTING|mangle FORWARD|filter FORWARD"),
    "IDLETIMER": ("", "timeout label|timeout label alarm?", {"timeout": number(1, 9999), "label": label, "alarm": None},
                  "filter FORWARD|mangle FORWARD"),
    "LOG": ("", "log-prefix? log-level?|log-level|log-tcp-sequence? log-tcp-options? log-ip-options? log-uid? log-macdecode?", {
        "log-prefix": PREFIX, "log-level": LOG_LEVEL, "log-tcp-sequence": None, "log-tcp-options": None, "log-ip-options": None,
        "log-uid": None, "log-macdecode": None}, ANY),
    "MARK": ("", "set-xmark|set-mark|and-mark|or-mark|xor-mark", MARKING, MANGLE + "|filter FORWARD|raw PREROUTING"),
    "MASQUERADE": ("tcp udp 6", "to-ports? random?|random-fully?", {"to-ports": PORT_DASH, "random": None, "random-fully": None},
                   "nat POSTROUTING"),
    "NETMAP": ("", "to", {"to": network}, "nat PREROUTING|nat POSTROUTING|nat OUTPUT|nat INPUT"),
    "NFLOG": ("", "nflog-prefix? nflog-group?|nflog-size? nflog-threshold?|nflog-group nflog-range?", {
        "nflog-prefix": either(PREFIX, text(63)), "nflog-group": number(0, U16), "nflog-range": number(), "nflog-size": number(),
        "nflog-threshold": number(0, U16)}, ANY),
    "NFQUEUE": ("", "queue-num? queue-bypass?|queue-balance queue-bypass? queue-cpu-fanout?", {
        "queue-num": number(0, U16), "queue-balance": span(0, U16), "queue-bypass": None, "queue-cpu-fanout": None}, ANY),
    "NOTRACK": ("", "", {}, "raw PREROUTING|raw OUTPUT"),
    "RATEEST": ("", "rateest-name rateest-interval rateest-ewmalog", {
        "rateest-name": name(15), "rateest-interval": words("250ms", "0.5s", "1s"), "rateest-ewmalog": words("0.5s", "1s", "2s")}, ANY),
    "REDIRECT": ("tcp udp 6", "to-ports? random?", {"to-ports": either(PORT_DASH, PORT), "random": None}, "nat PREROUTING|nat OUTPUT"),
    "REJECT": ("tcp 6", "reject-with?", {"reject-with": words(
        "icmp-net-unreachable", "icmp-host-unreachable", "icmp-proto-unreachable", "icmp-port-unreachable", "icmp-net-prohibited",
        "icmp-host-prohibited", "icmp-admin-prohibited", "tcp-reset", "net-unreach", "port-unreach", "tcp-rst", "admin-prohib", "echo-reply")},
               "filter INPUT|filter FORWARD|filter OUTPUT"),
    "SECMARK": ("", "selctx", {"selctx": words("system_u:object_r:x_t:s0")}, "mangle FORWARD|security FORWARD"),
    "SET": ("", "add-set|del-set|map-set", {
        "add-set": lambda r: "nosuchset\0" + several(words("src", "dst"))(r), "del-set": lambda r: "nosuchset\0" + words("src", "dst")(r),
        "map-set": lambda r: "nosuchset\0src", "exist": None, "timeout": number(), "map-mark": None, "map-prio": None,
        "map-queue": None}, "filter FORWARD|mangle FORWARD"),
    "SNAT": ("tcp udp 6", "to-source random? persistent?|to-source random-fully?", {
        "to-source": TO_DEST, "random": None, "random-fully": None, "persistent": None}, "nat POSTROUTING|nat INPUT"),
    "SYNPROXY": ("tcp 6", "mss? wscale? sack-perm? timestamp? ecn?", {
        "mss": number(0, U16), "wscale": number(0, 14), "sack-perm": None, "timestamp": None, "ecn": None}, "filter FORWARD|filter INPUT"),
    "TCPMSS": ("tcp 6", "set-mss|clamp-mss-to-pmtu", {"set-mss": number(0, U16), "clamp-mss-to-pmtu": None},
               "mangle FORWARD|mangle POSTROUTING|filter FORWARD"),
    "TCPOPTSTRIP": ("tcp 6", "strip-options", {"strip-options": several(either(words("wscale", "mss", "sack", "sack-permitted", "timestamp", "md5"),
                                                                              number(2, 255)))}, MANGLE),
    "TEE": ("", "gateway|gateway oif", {"gateway": address, "oif": name(15)}, "mangle PREROUTING|mangle FORWARD|filter FORWARD"),
    "TOS": ("", "set-tos|and-tos|or-tos|xor-tos", {"set-tos": TOS, "and-tos": number(0, 255), "or-tos": number(0, 255), "xor-tos": number(0, 255)},
            MANGLE),
    "TPROXY": ("tcp udp 6", "on-port on-ip? tproxy-mark?", {"on-port": number(0, U16), "on-ip": address, "tproxy-mark": MARKS},
               "mangle PREROUTING"),
    "TRACE": ("", "", {}, "raw PREROUTING|raw OUTPUT"),
    "TTL": ("", "ttl-set|ttl-dec|ttl-inc", {"ttl-set": number(0, 255), "ttl-dec": number(1, 255), "ttl-inc": number(1, 255)}, MANGLE),
}

PROTOCOLS = ["tcp", "udp", "icmp", "sctp", "gre", "esp", "ah", "all", "TCP", "6", "0", "255", "udplite", "0x11", "ipencap", "ospf", "47"]
INTERFACES = ["eth0", "eth+", "+", "br-lan", "abcdefghijklmno", "ppp0.1", "abcdefghijklmn+", "wlan0"]
PLACES = [f"{t} {c}" for t, chains in {"filter": "INPUT FORWARD OUTPUT", "mangle": "PREROUTING INPUT FORWARD OUTPUT POSTROUTING",
                                      "nat": "PREROUTING INPUT OUTPUT POSTROUTING", "raw": "PREROUTING OUTPUT",
                                      "security": "INPUT FORWARD OUTPUT"}.items() for c in chains.split()]


def known():
    """Names of the matches and targets that Tapgate has and that have a row here; and those without one."""
    listed = re.findall(r"^(MATCH|TARGET)\((\w+)\)", (ROOT / "tables/extensions.def").read_text(), re.M)
    listed = [row for row in listed if row[1] not in NOT_HERE]
    matches = [n for kind, n in listed if kind == "MATCH"]
    targets = [n for kind, n in listed if kind == "TARGET"] + NAT_TARGETS
    missing = [n for n in matches if n not in MATCHES] + [n for n in targets if n not in TARGETS]
    return [n for n in matches if n in MATCHES], [n for n in targets if n in TARGETS], missing


def quote(word):
    """A word as iptables-restore reads it back."""
    if word and re.fullmatch(r"[\w.,:/=+@%-]+", word):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Joined:
    """An option of iptables itself with its value: "-ptcp", "--protocol=tcp", or two words. (1.8.9 takes only two.)"""

    def __init__(self, option, value, between):
        self.option, self.value, self.between = option, value, between

    def text(self, plain):
        if plain or self.between is None:
            return self.option + " " + quote(self.value)
        return quote(self.option + self.between + self.value)


class Rule:
    """One random rule; most are legal."""

    def __init__(self, rng, matches, targets):
        self.rng, self.matches, self.targets = rng, matches, targets
        self.protocol = None

    def chance(self, p):
        return self.rng.random() < p

    def option(self, key, maker):
        """The words of one option: `[!] --name [value]`, in one of the ways to write it."""
        rng, out = self.rng, []
        word = "--" + key.lstrip("!")
        if self.chance(0.15 if key[0] == "!" else 0.02):
            out.append("!")
        if self.chance(0.04):
            word = word[:max(3, len(word) - rng.randint(1, 6))]
        if maker is None:
            return out + [word + "=5" if self.chance(0.01) else word]
        values = maker(rng).split("\0")
        if self.chance(0.01):
            return out + [word]
        if self.chance(0.06):
            return out + [word + "=" + values[0]] + values[1:]
        return out + [word] + values

    def use(self, row):
        """The options of one match or target."""
        shape = self.rng.choice(row[1].split("|"))
        keys = {k.lstrip("!"): k for k in row[2]}
        if self.chance(0.06):
            chosen = self.rng.sample(sorted(keys), min(len(keys), self.rng.randint(0, 3)))
        else:
            chosen = [w.rstrip("?") for w in shape.split() if not w.endswith("?") or self.chance(0.5)]
        if chosen and self.chance(0.02):
            chosen.append(self.rng.choice(chosen))
        if self.chance(0.1):
            self.rng.shuffle(chosen)
        out = []
        for n in chosen:
            out += self.option(keys[n], row[2][keys[n]])
        if row[0] and self.protocol is None and self.chance(0.95):
            self.protocol = self.rng.choice(row[0].split())
        return out

    def spelled(self, short, value, long):
        """One word that holds an option of iptables itself and its value, in one of four ways."""
        dice = self.rng.random()
        if dice < 0.08 and value:
            return Joined(short, value, "")
        if dice < 0.16:
            return Joined(long, value, "=")
        return Joined(self.rng.choice([short, short, short, long]), value, None)

    def own(self):
        """-s -d -i -o -f -c"""
        rng, out = self.rng, []
        for word, p, maker in (("-s", 0.12, network), ("-d", 0.12, network), ("-i", 0.05, None), ("-o", 0.05, None)):
            if self.chance(p):
                value = maker(rng) if maker else rng.choice(INTERFACES if self.chance(0.95) else ["", "abcdefghijklmnop", "a b", "a/b"])
                if word in ("-s", "-d") and self.chance(0.05):
                    value += "," + maker(rng)
                out += ["!"] * self.chance(0.2) + [self.spelled(word, value, {
                    "-s": "--source", "-d": "--dst", "-i": "--in-interface", "-o": "--out-i"}[word])]
        if self.chance(0.03):
            out += rng.choice([["-f"], ["!", "-f"], ["--fragments"]])
        if self.chance(0.03):
            out += ["-c"] + rng.choice([["5", "6"], ["5,6"], ["0", "0"], ["99999999999", "1"], ["x", "1"], ["1"]])
        return out

    def line(self):
        """(table, "-A CHAIN ...", the same with each of iptables' own options in two words)"""
        rng = self.rng
        target, words_of_target, place = None, [], rng.choice(PLACES)
        parts = []
        if self.chance(0.6):
            target = rng.choice(self.targets)
            row = TARGETS[target]
            words_of_target = ["-j", target] + self.use(row)
            if self.chance(0.93):
                place = rng.choice(row[3].split("|"))
        elif self.chance(0.7):
            words_of_target = [rng.choice(["-j", "--jump"]), rng.choice(["ACCEPT", "DROP", "RETURN"] * 5 + ["NOSUCH", "accept", ""])]
        for n in rng.sample(self.matches, rng.choice([0, 1, 1, 1, 1, 2, 2, 3] if target else [1, 1, 1, 2])):
            row = MATCHES[n]
            had = self.protocol
            taken = self.use(row)
            implied = had is None and self.protocol and row[0].startswith(self.protocol) and n == row[0].split()[0]
            parts.append(([] if implied and self.chance(0.5) else ["-m", n]) + taken)
        if self.protocol is None and self.chance(0.15):
            self.protocol = rng.choice(PROTOCOLS)
        if self.protocol is not None and self.chance(0.01):
            self.protocol = rng.choice(["foo", "256", "", "udp", "tcp"])
        head = [] if self.protocol is None else ["!"] * self.chance(0.03) + [self.spelled("-p", self.protocol, "--protocol")]
        if self.chance(0.3):
            rng.shuffle(parts)
        parts.insert(rng.choice([0, len(parts), len(parts)]), words_of_target)
        first = self.own() + head if self.chance(0.7) else head + self.own()
        table, chain = place.split()
        everything = first + sum(parts, [])
        return (table, *(" ".join(["-A", chain] + [w.text(plain) if isinstance(w, Joined) else quote(w) for w in everything])
                         for plain in (False, True)))
