"""Sequence numbers behind a rewritten PORT: SACK, wrapped numbers, options that are cut off.

    virtual client 10.1.0.50 --lan-- router --wan-- 203.0.113.50 virtual server
"""

import struct

from ftp_streams import HELPER, MASQUERADE, Talk
from scapy.utils import checksum

from testnet.packets import IP, VS, Raw
from testnet.scenario import scenario


def from_server(talk, ack, options):
    """An acknowledgement of the server whose header ends in these options, as they are."""
    item = IP(src=VS, dst=talk.peer, proto=6)
    head = struct.pack("!HHIIBBHHH", 21, talk.port, talk.s_seq, ack % 2**32, (5 + len(options) // 4) << 4, 0x10, 8192,
                       0, 0) + options
    pseudo = bytes(item)[12:20] + struct.pack("!HH", 6, len(head))
    return item / Raw(head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:])


def block(left, right):
    """One SACK block behind two NOPs."""
    return b"\1\1\5\x0a" + (left & 0xffffffff).to_bytes(4, "big") + (right & 0xffffffff).to_bytes(4, "big")


@scenario(HELPER + MASQUERADE, params=[1000, 0xffffffd0])
def selective(lab, first):
    """SACK edges before and behind the place of the rewriting."""
    talk = Talk(lab, client_seq=first)
    talk.say_client(b"PORT 10,1,0,50,200,10\r\n")
    before, after = talk.s_ack - 27, talk.s_ack
    talk.say_client(b"STAT\r\n", quiet=True)
    lab.server.send(from_server(talk, before, block(after, after + 6)), from_server(talk, before, block(before, after)))
    lab.record("blocks", lab.client.packets(2))


@scenario(HELPER + MASQUERADE)
def broken_options(lab):
    """Options of a length that cannot be: such a segment ends where its numbers would be shifted."""
    talk = Talk(lab)
    lab.server.send(from_server(talk, talk.s_ack, b"\5\x0d\1\1"))
    lab.record("before", lab.client.packets(1))
    talk.say_client(b"PORT 10,1,0,50,200,10\r\n", quiet=True)
    for options in (b"\5\x0d\1\1", b"\5\1\1\1", b"\1\1\1\5", b"\1\5\2\1", b"\0\5\0\0"):
        lab.server.send(from_server(talk, talk.s_ack, options))
    lab.record("shifted", lab.client.packets(2))
