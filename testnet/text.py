"""Turns what a laboratory saw into lines of text that can be compared.

A number that may differ a little between two runs (the seconds left of a
timeout) is written `~N`; `compare` knows what that means.  Everything else must
be equal, so whatever is random by nature is masked here, and only where the
scenario says so.
"""

import re
import struct

from scapy.layers.inet import IP
from scapy.layers.l2 import ARP, Ether
from scapy.utils import checksum

from .topology import LINKS

ROUTER_ADDRESSES = {link.router_address for link in LINKS}
ICMP_ERRORS = (3, 4, 5, 11, 12)


# -- rules ------------------------------------------------------------------

def complete_rules(rules):
    """Scenario shorthand to full iptables-restore input.

    Comments, indentation and blank lines go, `[0:0]` is added to chain lines,
    COMMIT to tables.
    """
    lines, open_table = [], False
    for line in (raw.strip() for raw in rules.splitlines()):
        if not line or line.startswith("#"):
            continue
        if line.startswith("*") and open_table:
            lines.append("COMMIT")
        if line.startswith("*"):
            open_table = True
        if line == "COMMIT":
            open_table = False
        if line.startswith(":") and "[" not in line:
            line += " [0:0]" if len(line.split()) > 1 else " - [0:0]"
        lines.append(line)
    if open_table:
        lines.append("COMMIT")
    return "\n".join(lines) + "\n"


def tables_of(rules):
    """Names of the tables a rules text mentions."""
    return {line.strip()[1:] for line in rules.splitlines() if line.strip().startswith("*")}


def saved_rules(output, tables, fuzzy=False):
    """iptables-save -c output as sorted lines `TABLE LINE`, only the named tables.

    @fuzzy: counters become [0:0] or [+], for traffic of real TCP stacks whose
            number of pure ACKs is a matter of timing.
    Chain lines are sorted by name, rules keep their order.
    """
    result = []
    table = None
    chains, rules = [], []
    for line in output.splitlines():
        if line.startswith("*"):
            table, chains, rules = line[1:], [], []
        elif line.startswith(":"):
            chains.append(line)
        elif line.startswith("COMMIT"):
            if table in tables:
                result.append((table, ["%s %s" % (table, item) for item in sorted(chains) + rules]))
        elif line and not line.startswith("#"):
            rules.append(line)
    lines = [line for _table, part in sorted(result) for line in part]
    if fuzzy:
        lines = [re.sub(r"\[(\d+):\d+\]", lambda m: "[0:0]" if m[1] == "0" else "[+]", line)
                 for line in lines]
    return lines


# -- connections --------------------------------------------------------------

def connections(output, fuzzy=False, mask=()):
    """conntrack -L (or /proc/net/nf_conntrack) lines, sorted, seconds as ~N, use= dropped.

    @fuzzy: packets= and bytes= become `+` unless zero.
    @mask: names of fields whose values are replaced by `*`, such as sport.
    """
    lines = []
    for line in output.splitlines():
        if not line.strip():
            continue
        line = re.sub(r"^((?:ipv4\s+\d+ )?\s*\S+\s+\d+ )(\d+) ", r"\1~\2 ", line.rstrip())
        line = re.sub(r"^(\d+) proto=", r"~\1 proto=", line)
        line = re.sub(r" use=\d+", "", line)
        line = re.sub(r"delta-time=\d+", "delta-time=*", line)
        if fuzzy:
            line = re.sub(r"(packets|bytes)=[1-9]\d*", r"\1=+", line)
        for name in mask:
            line = re.sub(r"\b%s=\S+" % name, name + "=*", line)
        lines.append(re.sub(r"\s+", " ", line).strip())
    return sorted(lines, key=lambda item: re.sub(r"~\d+", "~", item))


# -- packets ------------------------------------------------------------------

def packet(item, mask=()):
    """One packet as a line: all that matters of its headers, and its payload.

    @item: a scapy packet, with or without Ethernet.
    @mask: any of id, icmpid, ttl, seq, ack, sport, dport, win, csum, opts, data, mac.  The
           identification of what the router itself sends is always masked.
    """
    if ARP in item:
        return _arp(item)
    parts = []
    if Ether in item and "mac" not in mask:
        ether = item[Ether]
        if ether.dst in ("ff:ff:ff:ff:ff:ff",):
            parts.append("broadcast")
    if IP not in item:
        return " ".join(parts + ["not IPv4", bytes(item).hex()])
    return " ".join(parts + [_ip(bytes(item[IP]), mask, False)])


def _arp(item):
    """An ARP packet with its Ethernet addresses."""
    arp = item[ARP]
    kind = {1: "request", 2: "reply"}.get(arp.op, str(arp.op))
    return "ARP %s %s is-at %s asks %s (%s) eth %s > %s" % (
        kind, arp.psrc, arp.hwsrc, arp.pdst, arp.hwdst, item.src, item.dst)


def _ip(data, mask, quoted):
    """An IPv4 packet from its first byte; quoted: may be cut short."""
    (first, tos, length, ident, frag, ttl, proto, check) = struct.unpack("!BBHHHBBH", data[:12])
    source = ".".join(map(str, data[12:16]))
    dest = ".".join(map(str, data[16:20]))
    size = (first & 15) * 4
    header, body = data[:size], data[size:length]
    parts = ["%s > %s" % (source, dest), "ttl %s" % ("*" if "ttl" in mask else ttl)]
    if tos:
        parts.append("tos 0x%02x" % tos)
    parts.append("len %d" % length)
    if "id" not in mask and source not in ROUTER_ADDRESSES:
        parts.append("id %d" % ident)
    if frag & 0x4000:
        parts.append("DF")
    if frag & 0x3fff:
        parts.append("frag %d%s" % ((frag & 0x1fff) * 8, "+" if frag & 0x2000 else ""))
    if size > 20:
        parts.append("options " + header[20:].hex())
    if checksum(header) != 0:
        parts.append("BAD-IP-CHECKSUM")
    if quoted and len(data) < length:
        parts.append("quoted %d" % len(data))
    if frag & 0x1fff:
        parts.append("proto %d: %s" % (proto, _data(body, mask)))
    else:
        layer = {1: _icmp, 6: _tcp, 17: _udp}.get(proto)
        whole = not (frag & 0x2000) and len(data) >= length
        pseudo = data[12:20] + struct.pack("!HH", proto, len(body))
        if layer:
            parts.append(": " + layer(body, mask, whole, pseudo))
        else:
            parts.append("proto %d: %s" % (proto, _data(body, mask)))
    return " ".join(parts).replace(" : ", ": ")


def _sum(ok, whole, raw, mask):
    """A word for a checksum: nothing if good, its value where it cannot be verified."""
    if "csum" in mask:
        return ""
    if not whole:
        return " csum 0x%04x" % raw
    return "" if ok else " BAD-CHECKSUM"


def _icmp(body, mask, whole, _pseudo):
    """ICMP: type, code, the rest word, and what an error quotes."""
    if len(body) < 8:
        return "icmp short " + body.hex()
    kind, code, check = struct.unpack("!BBH", body[:4])
    rest = struct.unpack("!HH", body[4:8])
    text = "icmp %d/%d" % (kind, code)
    if kind in ICMP_ERRORS:
        if any(rest):
            text += " rest %s" % body[4:8].hex()
        text += _sum(checksum(body) == 0, whole, check, mask)
        return text + " quoting {%s}" % (_ip(body[8:], mask, True) if len(body) >= 28 else body[8:].hex())
    text += " id %s seq %d" % ("*" if "icmpid" in mask else rest[0], rest[1])
    return text + _sum(checksum(body) == 0, whole, check, mask) + " " + _data(body[8:], mask)


def _udp(body, mask, whole, pseudo):
    """UDP: ports, length where it is not the real one, payload."""
    if len(body) < 8:
        return "udp short " + body.hex()
    sport, dport, length, check = struct.unpack("!HHHH", body[:8])
    text = "udp %s > %s" % ("*" if "sport" in mask else sport, "*" if "dport" in mask else dport)
    if whole and length != len(body):
        text += " length %d" % length
    if check == 0:
        text += " no-checksum"
    else:
        text += _sum(checksum(pseudo + body) == 0, whole, check, mask)
    return text + " " + _data(body[8:], mask)


def _tcp(body, mask, whole, pseudo):
    """TCP: ports, flags, numbers, options, payload."""
    if len(body) < 20:
        if len(body) < 8:
            return "tcp short " + body.hex()
        sport, dport, seq = struct.unpack("!HHI", body[:8])
        return "tcp %s > %s seq %s rest %s" % (
            "*" if "sport" in mask else sport, "*" if "dport" in mask else dport,
            "*" if "seq" in mask else seq, "*" if "data" in mask else body[8:].hex())
    sport, dport, seq, ack, offset, flags, win, check = struct.unpack("!HHIIBBHH", body[:18])
    names = "".join(name for bit, name in zip(range(8), "FSRPAUEC") if flags >> bit & 1)
    text = "tcp %s > %s [%s] seq %s ack %s win %s" % (
        "*" if "sport" in mask else sport, "*" if "dport" in mask else dport, names,
        "*" if "seq" in mask else seq, "*" if "ack" in mask else ack, "*" if "win" in mask else win)
    size = (offset >> 4) * 4
    if size > 20 and "opts" not in mask:
        text += " options " + body[20:size].hex()
    text += _sum(checksum(pseudo + body) == 0, whole, check, mask)
    return text + " " + _data(body[max(size, 20):], mask)


def _data(data, mask):
    """Payload: printable if short, length and a digest otherwise."""
    if "data" in mask:
        return "data *"
    if not data:
        return "empty"
    if len(data) <= 64 and all(32 <= byte < 127 or byte in b"\r\n" for byte in data):
        return repr(data.decode())
    if len(data) <= 24:
        return "data " + data.hex()
    import zlib
    return "data %d crc32 %08x" % (len(data), zlib.crc32(data))


def lines(value):
    """Any recorded value as a list of lines."""
    if value is None:
        return ["nothing"]
    if isinstance(value, str):
        return value.splitlines() or ["(empty)"]
    if isinstance(value, dict):
        return ["%s: %s" % (key, item) for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [line for item in value for line in (
            [" ".join(map(str, item))] if isinstance(item, tuple) else lines(item))] or ["(none)"]
    return [str(value)]
