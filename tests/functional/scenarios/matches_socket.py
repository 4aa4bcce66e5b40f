"""Matches about sockets, bridges, IPsec and the way back: what they say of packets that have none of it.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import IP, ROUTER_LAN, VC, VS, echo, tcp, udp
from testnet.scenario import scenario


def counting(*matches, chain="FORWARD", table="filter"):
    """Rules without a target, one per match text."""
    return "*%s\n:%s ACCEPT\n" % (table, chain) + "".join(
        "-A %s %s\n" % (chain, match) for match in matches)


OWNED = ("-m owner --socket-exists", "-m owner ! --socket-exists", "-m owner --uid-owner 0",
         "-m owner ! --uid-owner 0", "-m owner --gid-owner 0", "-m owner ! --uid-owner 1-5 ! --gid-owner 7",
         "-m owner ! --socket-exists ! --uid-owner 0", "-m owner --socket-exists ! --uid-owner 0",
         "-m owner --gid-owner 0 --suppl-groups",
         "-m cgroup --cgroup 0", "-m cgroup --cgroup 1", "-m cgroup ! --cgroup 1",
         '-m cgroup --path "/"', '-m cgroup ! --path "/"')


@scenario(counting(*OWNED, chain="POSTROUTING", table="mangle"))
def owner_forwarded(lab):
    """A forwarded packet has no socket: only what is wholly negated fits it."""
    lab.client.send(udp(), tcp(), echo())
    lab.record("through", len(lab.server.arrived(3)))


@scenario(counting(*OWNED, chain="OUTPUT") + "-A FORWARD -p udp -j REJECT --reject-with icmp-host-prohibited\n"
          "-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\n")
def owner_local(lab):
    """What the router itself sends: answers, errors, resets, of its own and of REJECT."""
    for name, packet in (("echo reply", echo(dst=ROUTER_LAN)), ("port unreachable", udp(dst=ROUTER_LAN)),
                         ("reset", tcp(dst=ROUTER_LAN)), ("time exceeded", echo(ttl=1)),
                         ("rejected with an error", udp()), ("rejected with a reset", tcp())):
        lab.client.send(packet)
        lab.record(name, len(lab.client.arrived(1)))
        lab.record_router("after " + name)


@scenario(counting(
    "-m policy --dir in --pol none", "-m policy --dir in --pol ipsec", "-m policy --dir out --pol none",
    "-m policy --dir out --pol ipsec --strict --reqid 1 --proto esp --mode tunnel --tunnel-dst 10.2.0.0/16",
    "-m physdev --physdev-in lan", "-m physdev ! --physdev-in lan", "-m physdev ! --physdev-is-bridged",
    "-m physdev --physdev-is-bridged", "-m physdev ! --physdev-is-in ! --physdev-in lan --physdev-out wan",
    "-p tcp -m osf --genre Linux", "-p tcp -m osf ! --genre Linux --ttl 2")
    + "*mangle\n:PREROUTING ACCEPT\n-A PREROUTING -m socket\n-A PREROUTING -m socket --transparent --nowildcard\n"
    "-A PREROUTING -p tcp -m socket --restore-skmark\n")
def nothing_of_it(lab):
    """A routed packet saw no IPsec and no bridge, is for no socket here, and its sender's system is unknown."""
    lab.client.send(udp(), tcp(), echo(), udp(dst=ROUTER_LAN), tcp(dst=ROUTER_LAN))
    lab.record("through", len(lab.server.arrived(3)))
    lab.record("answers", len(lab.client.arrived(2)))


@scenario(counting(
    "-m rpfilter", "-m rpfilter --invert", "-m rpfilter --loose", "-m rpfilter --loose --invert",
    "-m rpfilter --accept-local", "-m rpfilter --accept-local --loose", "-m rpfilter --validmark",
    chain="PREROUTING", table="raw"), routes={"10.9.0.0/16": "unreachable", "10.8.0.0/16": "via 10.1.0.52"},
    sysctl={"net.ipv4.conf.lan.rp_filter": "0", "net.ipv4.conf.all.rp_filter": "0"})
def rpfilter(lab):
    """The way back: over the same port, another one, a gateway, none; the router's own address; no address."""
    for source in (VC, VS, "192.0.2.77", "10.8.1.1", "10.9.1.1", "172.16.1.1", ROUTER_LAN, "203.0.113.254", "10.1.0.255",
                   "127.0.0.1", "224.0.0.9"):
        lab.client.send(udp(src=source))
    lab.client.send(IP(src="0.0.0.0", dst="255.255.255.255", proto=99), IP(src="0.0.0.0", dst="224.0.0.5", proto=99),
                    IP(src="0.0.0.0", dst=ROUTER_LAN, proto=99))
    lab.record("through", len(lab.server.arrived(3)))
