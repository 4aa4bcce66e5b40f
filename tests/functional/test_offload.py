"""Bulk TCP crosses as super-packets, and is right where the out port cannot take them.

    client 10.1.0.1 --lan-- tapgate --wan-- 203.0.113.1 server

The host ends keep their segmentation and checksum offload here.
"""

import hashlib
import json
import os
import re

import pytest

from testnet.packets import SERVER
from testnet.tapgate_lab import TapgateLab

NAT = "*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j MASQUERADE\n*filter\n:FORWARD DROP\n" \
      "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n-A FORWARD -i lan -j ACCEPT\n"
SIZE = 100 * 1000 * 1000


def gso_counters(text):
    """Numbers of every line or JSON key of a port's file whose name contains gso."""
    found = {}
    for match in re.finditer(r"\"?([\w.-]*gso[\w.-]*)\"?\s*[:=\s]\s*(\d+)", text, re.I):
        found[match[1]] = int(match[2])
    return found


def transfer(lab, sender, receiver, size, address=SERVER):
    """Send a file by TCP with socat; asserts that it arrived unchanged; seconds do not matter."""
    content = os.urandom(1 << 20) * (size >> 20)
    source, target = (os.path.join(lab.directory, name) for name in ("sent", "got"))
    with open(source, "wb") as file:
        file.write(content)
    receiver.start("socat", "-u", "TCP-LISTEN:5001,reuseaddr", "CREATE:" + target)
    receiver.listening(5001)
    status, _out, error = sender.run("socat", "-u", "OPEN:" + source, "TCP:%s:5001" % address, limit=60)
    assert status == 0, error

    def whole():
        return os.path.exists(target) and os.path.getsize(target) == len(content)
    assert lab.wait(whole, limit=20), "%d of %d bytes" % (os.path.getsize(target), len(content))
    with open(target, "rb") as file:
        got = hashlib.sha256(file.read()).hexdigest()
    assert got == hashlib.sha256(content).hexdigest()


def test_super_packets():
    """A bulk stream is read from the TAP in packets far above the MTU."""
    with TapgateLab(NAT, offload=True) as lab:
        lab.server.start("iperf3", "-s", "-1")
        lab.server.listening(5201)
        status, out, error = lab.client.run("iperf3", "-c", SERVER, "-n", "200M", "-J", limit=60)
        assert status == 0, out + error
        sent = json.loads(out)["end"]["sum_received"]["bytes"]
        assert sent >= 200 * 1000 * 1000
        port = lab.proc("tapgate/ports/lan")
        counters = gso_counters(port)
        assert counters, "no counter with gso in its name:\n" + port
        assert max(counters.values()) > 1000, port


@pytest.mark.parametrize("direction", ["up", "down"])
def test_all_offloads(direction):
    """100 MB through NAT with everything on, checksummed at the end."""
    with TapgateLab(NAT.replace(":FORWARD DROP", ":FORWARD ACCEPT"), offload=True) as lab:
        if direction == "up":
            transfer(lab, lab.client, lab.server, SIZE)
        else:
            transfer(lab, lab.server, lab.client, SIZE, address="10.1.0.1")


def test_narrow_out_port_with_df():
    """The out port's MTU is smaller than the segments: the sender learns it, all arrives."""
    with TapgateLab(NAT, offload=True, mtu={"wan": 1400}) as lab:
        widen(lab)
        transfer(lab, lab.client, lab.server, SIZE)


def test_narrow_out_port_without_df():
    """Super-packets without DF into a narrow port: segmented, then fragmented, all arrives."""
    with TapgateLab(NAT, offload=True, mtu={"wan": 1400}) as lab:
        widen(lab)
        lab.client.resident.call("write", [("/proc/sys/net/ipv4/ip_no_pmtu_disc", 1)])
        transfer(lab, lab.client, lab.server, 20 * 1000 * 1000)


def widen(lab):
    """Let the server announce a full MSS, although the router's port is narrow."""
    status, _out, error = lab.server.run("ip", "route", "replace", "10.1.0.0/24", "via", "203.0.113.254",
                                         "dev", lab.server.device, "advmss", "1460")
    assert status == 0, error
    status, _out, error = lab.server.run("ip", "route", "replace", "203.0.113.0/24", "dev", lab.server.device,
                                         "src", SERVER, "advmss", "1460")
    assert status == 0, error


@pytest.mark.parametrize("feature", ["tso", "tx", "gro", "sg"])
def test_hosts_without(feature):
    """One offload less at both hosts: still right."""
    with TapgateLab(NAT, offload=True) as lab:
        for host in (lab.client, lab.server):
            host.run("ethtool", "-K", host.device, feature, "off")
        transfer(lab, lab.client, lab.server, 20 * 1000 * 1000)


def test_partial_checksums_and_nat():
    """UDP with a partial checksum is right after MASQUERADE: the server accepts it."""
    with TapgateLab(NAT, offload=True) as lab:
        lab.server.udp_echo(53)
        for size in (1, 2, 63, 1000, 1472):
            assert lab.client.udp_ask(SERVER, 53, b"x" * size) != "TIMEOUT"
        assert len(lab.server.seen("udp", 53)) == 5
