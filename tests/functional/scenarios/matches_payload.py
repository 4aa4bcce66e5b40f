"""Matches that read the payload: sctp, u32, bpf, string, codes and options. Every rule only counts.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

import struct

from testnet.packets import ICMP, IP, VC, VS, Raw, echo, tcp, udp
from testnet.scenario import scenario


def counting(*matches, chain="FORWARD", table="filter"):
    """Rules without a target, one per match text."""
    return "*%s\n:%s ACCEPT\n" % (table, chain) + "".join(
        "-A %s %s\n" % (chain, match) for match in matches)


def chunk(kind, flags=0, body=b"", length=None):
    """An SCTP chunk, padded."""
    size = len(body) + 4 if length is None else length
    return struct.pack("!BBH", kind, flags, size) + body + bytes(-len(body) % 4)


def sctp(*chunks, sport=5000, dport=5001):
    """A packet of these chunks."""
    return IP(src=VC, dst=VS, proto=132, id=1) / Raw(struct.pack("!HHII", sport, dport, 0, 0) + b"".join(chunks))


DATA = bytes(12) + b"data"


@scenario(counting(
    "-p sctp -m sctp --sport 5000", "-p sctp -m sctp ! --dport 5001", "-p sctp -m sctp --sport 80:90 --dport 443",
    "-p sctp -m sctp --chunk-types any DATA", "-p sctp -m sctp --chunk-types all DATA,SACK",
    "-p sctp -m sctp --chunk-types only DATA,SACK", "-p sctp -m sctp ! --chunk-types only INIT",
    "-p sctp -m sctp --chunk-types any DATA:Be", "-p sctp -m sctp --chunk-types only DATA:B",
    "-p sctp -m sctp --chunk-types any ABORT:T", "-p sctp -m sctp --chunk-types any ALL",
    "-p sctp -m sctp --chunk-types all NONE", "-p sctp -m sctp --dport 443 --chunk-types any ABORT:t"))
def sctp_chunks(lab):
    """Ports; any, all or only the chunks named, with their flags. Cut chunks drop the packet."""
    lab.client.send(sctp(chunk(1, 0, struct.pack("!IIHHI", 1, 1000, 1, 1, 1))),
                    sctp(chunk(0, 3, DATA)), sctp(chunk(0, 2, DATA)), sctp(chunk(3, 0, bytes(12)), chunk(0, 3, DATA)),
                    sctp(chunk(6, 1), sport=85, dport=443), sctp(chunk(6), sport=85, dport=443),
                    sctp(chunk(0, 3, DATA, length=0)), sctp(chunk(3), b"\0\3"), sctp())
    lab.record("through", lab.server.packets(6))


@scenario(counting(
    '-m u32 --u32 "0x6&0xff=0x11"', '-m u32 ! --u32 "0x6&0xff=0x6,0x11"', '-m u32 --u32 "0x0&0xffff=0x1d:0x24"',
    '-m u32 --u32 "0x6&0xff=0x6&&0x0>>0x16&0x3c@0x0&0xffff=0x50"',
    '-m u32 --u32 "0x6&0xff=0x11&&0x0>>0x16&0x3c@0x8=0x71756573"',
    '-m u32 --u32 "0x0>>0x16&0x3c@0xc>>0x1a&0x3c@0x0=0x47455420"', '-m u32 --u32 "0xc=0xa010032"',
    '-m u32 --u32 "0x5&0xff=0x0:0x3f"', '-m u32 --u32 "0x1c=0x0:0xffffffff"'))
def u32(lab):
    """Words at fixed and computed offsets, masked, shifted, in ranges."""
    lab.client.send(udp(data=b"question"), udp(data=b"x"), tcp("PA", data=b"GET / HTTP/1.0\r\n\r\n"), tcp(), echo())
    lab.record("through", len(lab.server.arrived(5)))


@scenario(counting(
    '-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0"',
    '-m bpf --bytecode "4,48 0 0 9,21 0 1 17,6 0 0 65535,6 0 0 0"',
    '-m bpf --bytecode "7,48 0 0 9,21 0 4 17,177 0 0 0,72 0 0 2,21 0 1 53,6 0 0 65535,6 0 0 0"',
    '-m bpf --bytecode "4,128 0 0 0,37 0 1 40,6 0 0 1,6 0 0 0"', '-m bpf --bytecode "2,32 0 0 25,22 0 0 0"',
    '-m bpf --bytecode "1,6 0 0 0"', '-m bpf --bytecode "4,48 0 0 8,21 0 1 63,6 0 0 1,6 0 0 0"'))
def bpf(lab):
    """Programs as tcpdump makes them: protocol, port, length, and one that looks beyond the end."""
    lab.client.send(udp(), udp(dport=54), tcp("PA", data=b"GET / HTTP/1.0\r\n\r\n"), tcp(), echo())
    lab.record("through", len(lab.server.arrived(5)))


@scenario(counting(
    '-m string --string "question" --algo bm', '-m string --string "question" --algo kmp',
    '-m string ! --string "question" --algo bm', '-m string --string "QUEstion" --algo bm',
    '-m string --string "QUEstion" --algo kmp --icase', '-m string --string "question" --algo bm --from 28',
    '-m string --string "question" --algo bm --from 29', '-m string --string "question" --algo kmp --to 36',
    '-m string --string "question" --algo kmp --to 35', '-m string --string "question" --algo bm --from 28 --to 36',
    '-m string --hex-string "|0d0a0d0a|" --algo bm', '-m string --string "GET /" --algo bm --to 100',
    '-m string --hex-string "|0a010032|" --algo kmp --from 12 --to 16'))
def string(lab):
    """Text and bytes, either algorithm, with and without regard to case, between two offsets."""
    lab.client.send(udp(data=b"question"), udp(data=b"a question"), udp(data=b"questio"), udp(data=b"n" * 1400 + b"question"),
                    tcp("PA", data=b"GET / HTTP/1.0\r\n\r\n"), echo(data=b"QuEsTiOn"))
    lab.record("through", len(lab.server.arrived(6)))


@scenario(counting(
    "-p icmp -m icmp --icmp-type 3/1", "-p icmp -m icmp --icmp-type 8/0", "-p icmp -m icmp ! --icmp-type 8/3",
    "-p icmp -m icmp --icmp-type 13", "-p icmp -m icmp ! --icmp-type any",
    "-p tcp -m tcp --tcp-option 8", "-p tcp -m tcp ! --tcp-option 8", "-p tcp -m tcp --tcp-option 5",
    "-p tcp -m tcp --tcp-option 34", "-p tcp -m tcpmss --mss 1400:1460", "-p tcp -m tcpmss ! --mss 1460"))
def options_and_codes(lab):
    """ICMP codes; TCP options wherever they stand; a size that is or is not there."""
    lab.client.send(IP(src=VC, dst=VS) / ICMP(code=3, id=3), IP(src=VC, dst=VS) / ICMP(code=0, id=4),
                    IP(src=VC, dst=VS) / ICMP(type=13, id=5),
                    tcp(options=[("MSS", 1460), ("NOP", None), ("NOP", None), ("Timestamp", (1, 0))]),
                    tcp(sport=40001, options=[("MSS", 1400)]), tcp(sport=40002),
                    tcp(sport=40003, options=[("NOP", None), ("NOP", None), ("SAck", (1, 2))]),
                    tcp(sport=40004, options=[(34, b"cookie12"), ("MSS", 500), ("NOP", None), ("NOP", None)]))
    lab.record("through", lab.server.packets(8))
