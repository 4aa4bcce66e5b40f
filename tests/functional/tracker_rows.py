"""The rows of the trackers' unit tests as packets through a real router.

A row is a conversation: packets from both ends, and after each one how connection tracking sees it.  The unit tests
(tests/unit/conntrack) play them with a virtual clock; `test_tcp rows` and the others print them.  Here every row has
two addresses and a port of its own in one laboratory, so that step N of all rows goes out at once.

    virtual clients 10.1.0.50-59 --lan-- router --wan-- 203.0.113.50-59 virtual servers

How the router saw a packet is told by the DSCP that it arrives with; state and timeout by /proc/net/nf_conntrack.
"""

import collections
import re
import struct
import subprocess
import time

import pytest
from scapy.layers.inet import IP
from scapy.packet import Raw

from testnet.kernel_lab import KernelLab
from testnet.tapgate_lab import binary

LARGEST = 1400         # bytes of payload that fit the links

# DSCP 1..4: ctstate; 8 more: in the reply direction.
RULES = """
*mangle
:PREROUTING ACCEPT
-A PREROUTING -m conntrack --ctstate NEW -j DSCP --set-dscp 1
-A PREROUTING -m conntrack --ctstate ESTABLISHED --ctdir ORIGINAL -j DSCP --set-dscp 2
-A PREROUTING -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j DSCP --set-dscp 10
-A PREROUTING -m conntrack --ctstate RELATED --ctdir ORIGINAL -j DSCP --set-dscp 3
-A PREROUTING -m conntrack --ctstate RELATED --ctdir REPLY -j DSCP --set-dscp 11
-A PREROUTING -m conntrack --ctstate INVALID -j DSCP --set-dscp 4
"""
SEEN = {1: "NEW", 2: "ESTABLISHED", 10: "ESTABLISHED/R", 3: "RELATED", 11: "RELATED/R", 4: "INVALID"}
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "gre": 47, "sctp": 132, "udplite": 136}
CHUNKS = ["data", "init", "initack", "sack", "hb", "hback", "abort", "shutdown", "shutack", "error", "echo",
          "cookieack", "", "", "complete"]

Step = collections.namedtuple("Step", "at line want")
Row = collections.namedtuple("Row", "name sysctl steps")


def read_rows(program):
    """The rows that a unit test prints."""
    folder = binary().rsplit("/", 1)[0]
    try:
        done = subprocess.run(["%s/tests/unit/conntrack/%s" % (folder, program), "rows"], capture_output=True,
                              text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.fail("%s does not print its rows (run `make unit` first): %s" % (program, error), pytrace=False)
    rows = []
    for line in done.stdout.splitlines():
        fields = line.split("\t")
        if fields[0] == "row":
            rows.append(Row(fields[1], fields[2], []))
        else:
            before = rows[-1].steps[-1].at if rows[-1].steps else 0
            rows[-1].steps.append(Step(before + float(fields[0]), fields[1], fields[2]))
    return rows


def can_play(row):
    """Whether the kernel can play it: packets that fit, of protocols that it tracks."""
    if any(not re.match(r"[OR] ", step.line) for step in row.steps):
        return False
    if any(int(n) > LARGEST for step in row.steps for n in re.findall(r" l=(\d+)", step.line)):
        return False
    if any(" dccp" in step.line for step in row.steps):
        return False    # gone from Linux 6.18
    # Linux computes the checksum of UDPLITE with UDP's pseudo header: see docs/semantics.md.
    return "checksum=0" in row.sysctl or not any(" udplite" in step.line for step in row.steps)


def number(line, key, default=0):
    """The number behind ` key=`."""
    found = re.search(r" %s=(\d+)" % key, line)
    return int(found.group(1)) if found else default


def checksum(data):
    """The Internet checksum."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def crc32c(data):
    """SCTP's checksum."""
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def tcp_options(text):
    """Bytes of `SW7K<edge>B<left>:<right>`: SACK permitted, window scale, a block up to an edge, blocks."""
    out = b""
    for kind, value in re.findall(r"([SWKB])([\d:]*)", text):
        if kind == "S":
            out += b"\4\2"
        elif kind == "B":
            edges = [int(edge) for edge in value.split(":")]
            out += struct.pack("!BB%dI" % len(edges), 5, 2 + 4 * len(edges), *edges)
        elif kind == "W":
            out += bytes([3, 3, int(value)])
        else:
            out += struct.pack("!BBII", 5, 10, 0, int(value))
    return out + b"\1" * (-len(out) % 4)


def tcp(line, ports, pseudo):
    """A segment."""
    flags = sum(1 << "FSRPAU".index(c) for c in re.match(r"tcp ([A-Z]*)", line).group(1))
    found = re.search(r" o=([\w:]+)", line)
    options = tcp_options(found.group(1)) if found else b""
    body = struct.pack("!HHIIBBHHH", *ports, number(line, "s"), number(line, "a"), (20 + len(options)) // 4 << 4,
                       flags, number(line, "w", 5840), 0, 0) + options + b"x" * number(line, "l")
    return body[:16] + struct.pack("!H", checksum(pseudo(len(body)) + body)) + body[18:]


def udp(line, ports, pseudo):
    """A datagram; UDPLITE: `c=` is its coverage."""
    lite = line.startswith("udplite")
    data = bytes(4) if lite else b""
    head = struct.pack("!HHH", *ports, number(line, "c") if lite else 8)
    covered = 8 if lite and number(line, "c") == 8 else None
    body = head + b"\0\0" + data
    return head + struct.pack("!H", checksum(pseudo(len(body)) + body[:covered]) or 0xffff) + data


def sctp(line, ports):
    """Chunks by name, joined by +."""
    body = b""
    for name in line.split()[1].split("+") if len(line.split()) > 1 else []:
        kind = CHUNKS.index(name)
        body += (struct.pack("!BBHIIHHI", kind, 0, 20, number(line, "itag"), 0, 0, 0, 0) if kind in (1, 2) else
                 struct.pack("!BBH", kind, " T" in line, 4))
    head = struct.pack("!HHI", *ports, number(line, "tag"))
    return head + struct.pack("<I", crc32c(head + bytes(4) + body)) + body


def packet(index, line, ident=1):
    """(side, packet, what identifies it): the packet of a step for the row's own hosts and port.

    @ident: the IP identification is this much more than the row's number.
    """
    side, line = line.split(" ", 1)
    ends = [("10.1.0.%d" % (50 + index % 10), 10000 + index), ("203.0.113.%d" % (50 + index // 10 % 10), 80)]
    if side == "R":
        ends.reverse()
    (source, sport), (target, dport) = ends
    name = line.split()[0]
    proto = NUMBERS.get(name) or int(line.split()[1])
    ports = (number(line, "sp") if " sp=" in line else sport, dport)
    keys = ["sport=%d" % ports[0], "dport=%d" % ports[1]]

    def pseudo(length):
        return bytes(map(int, source.split(".") + target.split("."))) + struct.pack("!HH", proto, length)

    if name == "tcp":
        body = tcp(line, ports, pseudo)
    elif name in ("udp", "udplite"):
        body = udp(line, ports, pseudo)
    elif name == "sctp":
        body = sctp(line, ports)
    elif name == "icmp":
        kind, code = map(int, re.match(r"icmp (\d+)\.(\d+)", line).groups())
        body = struct.pack("!BBHHH", kind, code, 0, 77 + index, 0)
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        keys = ["type=%d" % kind, "code=%d" % code, "id=%d" % (77 + index)]
    elif name == "gre" and len(line.split()) > 2:
        version, call = map(int, line.split()[1:3])
        body = struct.pack("!BBHHH", 0x30, 1, 0x880b if version == 1 else 0x080b, 0, call) + bytes(4)
        keys = ["dstkey=0x%x" % call]
    else:
        body, keys = bytes(12), ["srckey=0x0", "dstkey=0x0"] if name == "gre" else []
    if " badsum" in line:
        at = {6: 16, 17: 6, 1: 2, 136: 6, 132: 8}[proto]
        body = body[:at] + bytes([body[at] ^ 0x55]) + body[at + 1:]
    return ("client" if side == "O" else "server", IP(src=source, dst=target, proto=proto, id=ident + index) / Raw(body),
            ["src=" + source, "dst=" + target] + keys)


def entry_of(table, proto, keys):
    """(state, timeout, assured) of the connection that has @keys in one direction; None without."""
    for line in table.splitlines():
        fields = line.split()
        if fields[3] != str(proto):
            continue
        at = [i for i, field in enumerate(fields) if field.startswith("src=")]
        for begin, end in ((at[0], at[1]), (at[1], len(fields))):
            if all(key in fields[begin:end] for key in keys):
                state = "" if "=" in fields[5] or proto not in (6, 132) else fields[5]
                return state, int(fields[4]), "[ASSURED]" in fields
    return None


def sysctls(row):
    """A row's sysctls, as a laboratory takes them."""
    return {"net.netfilter.nf_conntrack_" + text.split("=")[0]: text.split("=")[1] for text in row.sysctl.split()}


def send_all(lab, packets):
    """Send the packets {row: (side, packet, keys)} and wait for them: {row: DSCP} of those that arrived."""
    arrived = {}
    for host, other in (("client", "server"), ("server", "client")):
        batch = [item for side, item, _ in packets.values() if side == host]
        if batch:
            getattr(lab, host).send(*batch)
    for host, other in (("client", "server"), ("server", "client")):
        idents = {item.id: index for index, (side, item, _) in packets.items() if side == host}
        for item in getattr(lab, other).arrived(len(idents)):
            arrived[idents.get(item[IP].id)] = item[IP].tos >> 2
    return arrived


def play(rows):
    """Play @rows, which share their sysctls, on the kernel.

    Return: {(row, step): (what became of it, as the rows word it; how many seconds later than meant it was)}.
    """
    moments = collections.defaultdict(list)
    for index, row in enumerate(rows):
        for n, step in enumerate(row.steps):
            moments[step.at, n].append(index)
    outcome = {}
    with KernelLab(RULES, sysctl=sysctls(rows[0])) as lab:
        began = time.monotonic()
        for at, n in sorted(moments):
            lab.wait(lambda at=at: time.monotonic() - began >= at)
            sent = {index: packet(index, rows[index].steps[n].line) for index in moments[at, n]}
            arrived = send_all(lab, sent)
            table = lab.proc("net/nf_conntrack")
            late = time.monotonic() - began - at
            for index, (_, item, keys) in sent.items():
                seen = SEEN.get(arrived.get(index), "lost")
                entry = entry_of(table, item.proto, keys)
                if seen in ("INVALID", "lost"):
                    outcome[index, n] = seen, late
                else:
                    state, left, assured = entry or ("", 0, False)
                    words = [seen, state, str(left), assured and "assured", not entry and "gone"]
                    outcome[index, n] = " ".join(filter(None, words)), late
    return outcome


def agrees(want, got, late=0):
    """Whether an outcome is the expected one.  A timeout is whole seconds, and less by what the laboratory was late."""
    if want.endswith(" gone"):
        return got.endswith(" gone") and want.split()[0] == got.split()[0]
    want, got = want.split(), got.split()
    seconds = [(int(w), int(g)) for w, g in zip(want, got) if w.isdigit() and g.isdigit()]
    return (len(want) == len(got) and all(w == g for w, g in zip(want, got) if not (w.isdigit() and g.isdigit()))
            and all(g <= w <= g + 2 + late for w, g in seconds))
