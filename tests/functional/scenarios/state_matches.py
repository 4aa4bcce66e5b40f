"""Matches that remember, and those about what a router has little of. Rules only count unless they say more.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

import re
import time

from testnet.packets import IP, VC, VC2, VS, VS2, Ether, Raw, answer, echo, tcp, udp
from testnet.scenario import scenario
from testnet.topology import LAN


def counting(*matches, chain="FORWARD", table="filter"):
    """Rules without a target, one per match text."""
    return "*%s\n:%s ACCEPT\n" % (table, chain) + "".join(
        "-A %s %s\n" % (chain, match) for match in matches)


def dccp(kind, sport=1000, dport=80, rest=b"", options=b"", long=True, doff=None):
    """A DCCP packet of type @kind with the fixed part that follows by type and @options."""
    head = 16 if long else 12
    size = head + len(rest) + len(options)
    doff = size // 4 if doff is None else doff
    bytes_ = (sport.to_bytes(2, "big") + dport.to_bytes(2, "big") + bytes([doff, 0, 0, 0])
              + bytes([kind << 1 | (1 if long else 0), 0, 0, 1]) + (b"\0\0\0\1" if long else b""))
    return IP(src=VC, dst=VS, proto=33) / Raw(bytes_ + rest + options)


@scenario(counting(
    "-p dccp -m dccp --sport 1000", "-p dccp -m dccp --sport 1000:1001 --dport 80",
    "-p dccp -m dccp ! --sport 1001:1002 ! --dport 80", "-p dccp -m dccp --dccp-types REQUEST,RESPONSE",
    "-p dccp -m dccp ! --dccp-types DATA", "-p dccp -m dccp --dccp-types INVALID",
    "-p dccp -m dccp --dccp-option 37", "-p dccp -m dccp ! --dccp-option 37", "-p dccp -m dccp"), end="rules")
def dccp_packets(lab):
    """Ports, types and options; a header that cannot be is dropped by the option match alone.  Linux does not track it."""
    lab.client.send(dccp(0, rest=bytes(4)), dccp(0, rest=bytes(4), options=b"\x25\x04\x01\x02"),
                    dccp(1, rest=bytes(12), options=b"\x00\x00\x25\x02"), dccp(2, long=False),
                    dccp(2, long=False, options=b"\x00\x01\x01\x25"), dccp(3, sport=1001, rest=bytes(8)),
                    dccp(7, dport=81, rest=bytes(12)), dccp(9, sport=1002, rest=bytes(8)), dccp(12, rest=bytes(12)),
                    dccp(2, options=b"\x25\x00\x25\x02"), dccp(3, doff=4), dccp(0, rest=bytes(4), doff=15))
    lab.record("through", len(lab.server.arrived()))


@scenario(counting(
    "-p ipcomp -m ipcomp --ipcompspi 5", "-p ipcomp -m ipcomp --ipcompspi 5:10",
    "-p ipcomp -m ipcomp ! --ipcompspi 5:10", "-p ipcomp -m ipcomp --ipcompspi 0 --compres", "-p ipcomp"))
def ipcomp(lab):
    """Indices; the reserved field is not looked at; a short header is dropped."""
    def comp(cpi, reserved=0):
        return IP(src=VC, dst=VS, proto=108) / Raw(bytes([6, reserved]) + cpi.to_bytes(2, "big") + b"data")
    lab.client.send(comp(5), comp(7), comp(11), comp(0), comp(0, 1), IP(src=VC, dst=VS, proto=108) / Raw(b"abc"))
    lab.record("through", len(lab.server.arrived()))


@scenario(counting(
    "-p tcp -m ecn --ecn-tcp-cwr", "-p tcp -m ecn --ecn-tcp-ece", "-p tcp -m ecn ! --ecn-tcp-cwr --ecn-ip-ect 2",
    "-p tcp -m ecn ! --ecn-tcp-ece ! --ecn-tcp-cwr", "-p tcp -m ecn --ecn-tcp-ece --ecn-tcp-cwr",
    "-m ecn --ecn-ip-ect 0", "-m ecn --ecn-ip-ect 1", "-m ecn ! --ecn-ip-ect 3", "-m ecn --ecn-ip-ect 3"))
def ecn(lab):
    """Bits of both headers."""
    lab.client.send(tcp("S"), tcp("SEC", sport=40001), tcp("SE", sport=40002), tcp("SC", sport=40003, tos=2),
                    tcp("S", sport=40004, tos=2), tcp("S", sport=40005, tos=3), udp(tos=1), udp(tos=0xb8))
    lab.record("through", len(lab.server.arrived(8)))


@scenario(counting(
    "-m devgroup --src-group default", "-m devgroup ! --src-group default", "-m devgroup --dst-group 0x1/0x1",
    "-m devgroup ! --dst-group 0x1/0x1 --src-group 0x0/0xff", "-m devgroup --src-group 0x0 --dst-group 0x1",
    "-m realm --realm cosmos", "-m realm ! --realm cosmos", "-m realm --realm 0x10", "-m realm --realm 0x0/0xff",
    "-m realm ! --realm 0x10/0xf0", "-m cpu ! --cpu 4000", "-m cpu --cpu 4000"))
def groups(lab):
    """Ports and routes to which nobody gave a group or a realm."""
    lab.client.send(udp(), echo())
    lab.record("through", len(lab.server.arrived(2)))


@scenario("""
*filter
:FORWARD ACCEPT
-A FORWARD -s 10.1.0.50/32 -m quota --quota 100
-A FORWARD -s 10.1.0.50/32 -m quota ! --quota 100
-A FORWARD -s 10.1.0.50/32 -m quota --quota 0
-A FORWARD -s 10.1.0.51/32 -m quota --quota 110 -j ACCEPT
-A FORWARD -s 10.1.0.51/32 -j DROP
""")
def quota(lab):
    """Bytes are taken while there are enough; the first packet that is too long ends it."""
    for size in (12, 12, 30, 1, 1):
        lab.client.send(udp(data=b"x" * size))
    for size in (30, 50, 1):
        lab.client.send(udp(src=VC2, data=b"x" * size))
    lab.record("through", lab.server.packets())


@scenario("""
*filter
:FORWARD ACCEPT
-A FORWARD -m recent --rcheck --name all --mask 255.255.255.255 --rsource
-A FORWARD -m recent --update --hitcount 3 --name all --mask 255.255.255.255 --rsource
-A FORWARD -m recent --update --seconds 1 --hitcount 2 --name all --mask 255.255.255.255 --rsource
-A FORWARD -m recent ! --rcheck --rttl --name all --mask 255.255.255.255 --rsource
-A FORWARD -m recent --set --name all --mask 255.255.255.255 --rsource
-A FORWARD -m recent --set --name dest --mask 255.255.255.0 --rdest
-A FORWARD -m recent --rcheck --hitcount 40 --name dest --mask 255.255.255.255 --rdest
-A FORWARD -p icmp -m recent --remove --name all --mask 255.255.255.255 --rsource
""")
def recent(lab):
    """Lists shared by rules: hits, times, TTLs, masks, removal."""
    lab.client.send(*[udp()] * 4, udp(src=VC2), udp(ttl=9), udp(src=VC2, dst=VS2))
    lab.record("first", len(lab.server.arrived(7)))
    lab.client.send(echo(src=VC2), udp(src=VC2))
    lab.record("second", len(lab.server.arrived(2)))
    begin = time.monotonic()
    lab.wait(lambda: time.monotonic() - begin > 1.2)
    lab.client.send(udp(), udp(), udp(dst=VS2))
    lab.record("third", len(lab.server.arrived(3)))


@scenario("""
*filter
:FORWARD DROP
-A FORWARD -s 10.1.0.50/32 -m recent --update --seconds 60 --reap --hitcount 4 --name ssh --mask 255.255.255.255 --rsource -j DROP
-A FORWARD -m recent --set --name ssh --mask 255.255.255.255 --rsource -j ACCEPT
""")
def recent_ssh(lab):
    """The rule everybody has: the fifth attempt in a minute is dropped."""
    for port in range(41000, 41007):
        lab.client.send(tcp(sport=port))
    lab.client.send(tcp(src=VC2, sport=41000))
    lab.record("through", lab.server.packets())


DAY = time.strftime("%a", time.gmtime())
MONTHDAY = time.gmtime().tm_mday
HOUR = time.gmtime().tm_hour
TIME_SAVE = " --datestop 2038-01-19T03:14:07"


@scenario(counting(
    "-m time --timestart 00:00:00 --timestop 23:59:58" + TIME_SAVE,
    "-m time --timestart %02d:00:00 --timestop %02d:59:59" % ((HOUR + 3) % 22, (HOUR + 3) % 22) + TIME_SAVE,
    "-m time --timestart %02d:00:00 --timestop %02d:00:00" % ((HOUR + 3) % 24, (HOUR + 2) % 24) + TIME_SAVE,
    "-m time --weekdays %s" % DAY + TIME_SAVE, "-m time ! --weekdays %s" % DAY + TIME_SAVE,
    "-m time --monthdays %d" % MONTHDAY + TIME_SAVE, "-m time ! --monthdays %d" % MONTHDAY + TIME_SAVE,
    "-m time --datestart 2020-01-01T00:00:00" + TIME_SAVE, "-m time --datestop 2020-01-01T00:00:00",
    "-m time" + TIME_SAVE + " --kerneltz"))
def time_of_day(lab):
    """Days and hours that are now, and others."""
    lab.client.send(udp(), udp(src=VC2))
    lab.record("through", len(lab.server.arrived(2)))


@scenario("""
*filter
:FORWARD ACCEPT
-A FORWARD -m hashlimit --hashlimit-upto 2/min --hashlimit-burst 3 --hashlimit-mode srcip --hashlimit-name src
-A FORWARD -m hashlimit --hashlimit-above 2/min --hashlimit-burst 3 --hashlimit-mode srcip --hashlimit-name src
-A FORWARD -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-mode srcport,dstip --hashlimit-name dst
-A FORWARD -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 2 --hashlimit-mode srcip --hashlimit-name net --hashlimit-srcmask 24
-A FORWARD -m hashlimit --hashlimit-upto 1kb/s --hashlimit-mode srcip --hashlimit-name bytes
-A FORWARD -m hashlimit --hashlimit-upto 1kb/s --hashlimit-burst 2kb --hashlimit-mode srcip --hashlimit-name refills
-A FORWARD -m hashlimit --hashlimit-above 3/min --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name rate --hashlimit-htable-expire 60000 --hashlimit-rate-match --hashlimit-rate-interval 60
-A FORWARD -m hashlimit --hashlimit-above 100kb/s --hashlimit-mode srcip --hashlimit-name brate --hashlimit-rate-match
""")
def hashlimit(lab):
    """Buckets by key: packets, bytes with and without refills, rates that are only measured."""
    lab.client.send(*[udp()] * 4, udp(sport=5001), udp(src=VC2), udp(src=VC2, dst=VS2), echo(), echo(), echo(src=VC2))
    lab.client.send(*[udp(data=b"x" * 472)] * 3, *[udp(src=VC2, data=b"x" * 972)] * 4)
    lab.record("through", len(lab.server.arrived(17)))


@scenario("""
*filter
:FORWARD ACCEPT
-A FORWARD -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 1 --hashlimit-mode srcip --hashlimit-name few --hashlimit-htable-size 1 --hashlimit-htable-max 2
-A FORWARD -p tcp -m hashlimit --hashlimit-upto 1/hour --hashlimit-mode dstport --hashlimit-name ports
""")
def hashlimit_full(lab):
    """A new key for which there is no room, and a packet too short for one, are dropped."""
    lab.client.send(udp(), udp(src=VC2), udp(src="10.1.0.52"), udp(), udp(src=VC2, dst=VS2),
                    IP(src=VC, dst=VS, proto=6) / Raw(b"abc"))
    lab.record("through", lab.server.packets())


@scenario("""
*filter
:FORWARD ACCEPT
-A FORWARD -p icmp -m connlimit --connlimit-above 0 --connlimit-mask 32 --connlimit-saddr
-A FORWARD -p udp -m connlimit --connlimit-upto 2 --connlimit-mask 24 --connlimit-saddr
-A FORWARD -p udp -m connlimit --connlimit-above 1 --connlimit-mask 32 --connlimit-daddr
-A FORWARD -p tcp -m tcp --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -m connlimit --connlimit-above 2 --connlimit-mask 32 --connlimit-saddr -j DROP
""")
def connlimit(lab):
    """The third connection of an address is dropped; one that was closed makes room."""
    def pause():
        begin = time.monotonic()  # what was dropped is forgotten some 8 ms later
        lab.wait(lambda: time.monotonic() - begin > 0.05)
    lab.client.send(tcp(sport=41000), tcp(sport=41001))
    lab.record("two", lab.server.packets(2))
    lab.client.send(tcp(sport=41002), tcp(sport=41003), tcp(src=VC2, sport=41000))
    lab.record("more", lab.server.packets())
    pause()
    lab.client.send(tcp(sport=41000))
    lab.record("again", lab.server.packets())
    pause()
    lab.server.send(tcp("RA", src=VS, dst=VC, sport=80, dport=41000, seq=0, ack=1001))
    lab.record("reset", lab.client.packets(1))
    lab.client.send(tcp(sport=41004))
    lab.record("room", lab.server.packets(1))
    lab.client.send(tcp(sport=41005))
    lab.client.send(udp(), udp(), udp(sport=5001), udp(sport=5002), udp(src=VC2, dst=VS2), echo(), echo(dst=VS2))
    lab.record("udp", len(lab.server.arrived(7)))


@scenario("""
*filter
:FORWARD ACCEPT
-A FORWARD -m connlabel --label "5"
-A FORWARD -m connlabel ! --label "5"
-A FORWARD -s 10.1.0.50/32 -m connlabel --label "5" --set
-A FORWARD -m connlabel --label "5"
-A FORWARD -p udp -m connlabel --label "127" --set
-A FORWARD -p icmp -m connlabel ! --label "0" --set
-A FORWARD -m connlabel ! --label "127"
""")
def connlabel(lab):
    """Bits of connections, asked for and set."""
    lab.client.send(udp(), udp(), udp(src=VC2), udp(src=VC2), echo(), echo())
    lab.record("through", len(lab.server.arrived(6)))


@scenario("""
*filter
:FORWARD ACCEPT
-A FORWARD -m recent --set --name seen --mask 255.255.255.255 --rsource
-A FORWARD -m hashlimit --hashlimit-upto 1/hour --hashlimit-burst 3 --hashlimit-mode srcip,dstport --hashlimit-name keys
-A FORWARD -m hashlimit --hashlimit-upto 3/min --hashlimit-burst 1 --hashlimit-mode dstip --hashlimit-name rate --hashlimit-htable-expire 60000 --hashlimit-rate-match --hashlimit-rate-interval 60
""")
def shared_files(lab):
    """What /proc shows of lists and tables, times left out."""
    lab.client.send(udp(), udp(), udp(ttl=9), udp(src=VC2, dport=54))
    lab.record("through", len(lab.server.arrived(4)))
    lab.record("recent", sorted(re.sub(r"\b\d{9,10}\b", "JIFFIES", lab.proc("net/xt_recent/seen")).splitlines()))
    lab.record("keys", sorted(re.sub(r"^\d+ |\d+ (?=\d+ \d+$)", "", line)
                              for line in lab.proc("net/ipt_hashlimit/keys").splitlines()))
    lab.record("rate", sorted(re.sub(r"^\d+ ", "", line) for line in lab.proc("net/ipt_hashlimit/rate").splitlines()))


@scenario("""
*filter
:FORWARD ACCEPT
-A FORWARD -s 10.1.0.50/32 -j RATEEST --rateest-name one --rateest-interval 250.0ms --rateest-ewmalog 500.0ms
-A FORWARD -s 10.1.0.51/32 -j RATEEST --rateest-name two --rateest-interval 250.0ms --rateest-ewmalog 500.0ms
-A FORWARD -p icmp -m rateest --rateest one --rateest-gt --rateest-pps 0
-A FORWARD -p icmp -m rateest --rateest one --rateest-lt --rateest-bps 8000Mbit
-A FORWARD -p icmp -m rateest --rateest one --rateest-gt --rateest-bps 8000Mbit
-A FORWARD -p icmp -m rateest --rateest two --rateest-eq --rateest-pps 0
-A FORWARD -p icmp -m rateest --rateest1 one --rateest-gt --rateest-bps --rateest2 two
-A FORWARD -p icmp -m rateest --rateest-delta --rateest one --rateest-pps1 1000 --rateest-gt --rateest-pps2 10
-A FORWARD -p icmp -m rateest --rateest-delta --rateest two --rateest-bps1 8000bit ! --rateest-eq --rateest-bps2 8000bit
""")
def rates(lab):
    """Rates that packets had a moment ago, asked for by others: against figures, each other, as distances."""
    lab.client.send(*[udp(data=b"x" * 472)] * 60)
    lab.record("first", len(lab.server.arrived(60)))
    begin = time.monotonic()
    lab.wait(lambda: time.monotonic() - begin > 0.3)
    lab.client.send(echo(), echo(src=VC2))
    lab.record("then", len(lab.server.arrived(2)))


def nodes(chain, seed):
    """Rules of a chain: which of three nodes takes a packet, and two groups of nodes."""
    use = "-A %s -m cluster --cluster-total-nodes 3 %%s --cluster-hash-seed %s\n" % (chain, seed)
    return "".join(use % which for which in [
        "--cluster-local-node 1", "--cluster-local-node 2", "--cluster-local-node 3",
        "--cluster-local-nodemask 3", "! --cluster-local-nodemask 2"])


@scenario("*raw\n:PREROUTING ACCEPT\n-A PREROUTING -p udp --dport 1 -j NOTRACK\n-A PREROUTING -p udp --dport 2 -j CT --zone 5\n"
          + nodes("PREROUTING", 7) + "*filter\n:FORWARD ACCEPT\n" + nodes("FORWARD", "0xdeadbeef") + nodes("FORWARD", 1))
def cluster(lab):
    """The address that began a connection chooses the node, for answers too; what is not tracked falls to none."""
    lab.client.send(*[udp(src="10.1.0.%d" % host, sport=1000 + host) for host in range(50, 80)])
    seen = lab.server.arrived(30)
    lab.server.send(*[answer(item) for item in seen if item[IP].src == VC])
    lab.client.send(udp(dport=1), udp(dport=2), echo())
    lab.record("through", len(lab.server.arrived(3)))


@scenario("*mangle\n:PREROUTING ACCEPT\n-A PREROUTING -p udp --dport 54 -m cluster --cluster-total-nodes 1 --cluster-local-node 1 "
          "--cluster-hash-seed 0\n-A PREROUTING -m pkttype --pkt-type multicast\n-A PREROUTING -m pkttype --pkt-type unicast\n")
def cluster_frames(lab):
    """Frames to all nodes' multicast address become the node's own, where the match sees them."""
    lab.client.send(*[Ether(src=LAN.host_mac, dst="01:00:5e:00:00:01") / udp(dport=port) for port in (53, 54, 54)])
    lab.record("through", lab.server.packets(2))
