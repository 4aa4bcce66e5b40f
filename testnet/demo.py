"""The demonstration: real programs cross Tapgate between three namespaces.

    client 10.1.0.1 --lan-- tapgate --wan-- 203.0.113.1 server

Policy DROP in FORWARD, MASQUERADE towards the wan, a port forward from the wan to
the client, the FTP helper on port 21.  Each check prints one line; the exit
status is 0 if all are ok.  `--kernel` shows the same with a kernel router.
"""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys

from . import ftp_server
from .kernel_lab import KernelLab
from .packets import CLIENT, ROUTER_WAN, SERVER
from .tapgate_lab import TapgateLab, binary

RULES = """
*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT ACCEPT
-A INPUT -p icmp -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan -o wan -p icmp -j ACCEPT
-A FORWARD -i lan -o wan -p tcp -m multiport --dports 21,80 -j ACCEPT
-A FORWARD -i wan -o lan -m conntrack --ctstate DNAT -j ACCEPT
*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -i wan -d 203.0.113.254/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.1.0.1:80
-A POSTROUTING -o wan -j MASQUERADE
"""
SIZE = 100 * 1000 * 1000
FTP_SIZE = 5 * 1000 * 1000


class Checks:
    """Counts and prints the checks."""

    def __init__(self):
        self.failed = 0
        self.passed = 0

    def say(self, good, what):
        """One line for one check."""
        self.passed += bool(good)
        self.failed += not good
        print("%-4s %s" % ("ok" if good else "FAIL", what), flush=True)


def random_file(path, size):
    """Write `size` random bytes; their sha256."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        left = size
        while left:
            piece = os.urandom(min(left, 1 << 20))
            digest.update(piece)
            file.write(piece)
            left -= len(piece)
    os.chmod(path, 0o644)
    return digest.hexdigest()


def sha256(path):
    """sha256 of a file, or why there is none."""
    if not os.path.exists(path):
        return "no file"
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def serve_http(host, root, address):
    """A web server for the files of `root` on port 80 of a host."""
    host.start("/usr/bin/python3", "-m", "http.server", "80", "--bind", address, "--directory", root)
    host.listening(80)


def fetch(host, url, path, *options, limit=60):
    """Fetch with curl; (sha256, seconds and speed, or the error)."""
    status, out, error = host.run("curl", "-s", "-S", "--max-time", str(limit), "-o", path,
                                  "-w", "%{time_total} s, %{speed_download} B/s", *options, url,
                                  limit=limit + 5)
    return (sha256(path), out) if status == 0 else ("curl: exit %d" % status, error.strip())


def files(lab):
    """Make the files to fetch: {name: (directory, sha256)}."""
    made = {}
    for name, size in (("server", SIZE), ("client", 200000)):
        root = os.path.join(lab.directory, name)
        os.mkdir(root)
        made[name] = (root, random_file(os.path.join(root, "file"), size))
    os.chmod(lab.directory, 0o755)
    return made


def show_table(lab):
    """Print the connection table as a user reads it; its text."""
    point = getattr(lab, "mount_point", "none")
    path = os.path.join(point, "net/nf_conntrack")
    if point != "none" and os.path.ismount(point):
        print("\n# cat %s" % path)
        table = subprocess.run(["cat", path], capture_output=True, text=True, timeout=10).stdout
    else:
        print("\n# tapgate cat net/nf_conntrack      (FUSE is not available)"
              if lab.kind == "tapgate" else "\n# cat /proc/net/nf_conntrack")
        table = lab.proc("net/nf_conntrack")
    print(table)
    return table


def demonstrate(lab, checks):
    """All the checks on a running laboratory."""
    made = files(lab)
    got = os.path.join(lab.directory, "got")
    status = lab.client.run("ping", "-n", "-c", "3", "-i", "0.2", "-e", "4711", SERVER)[0]
    checks.say(status == 0, "ping  client -> server")
    status = lab.server.run("ping", "-n", "-c", "1", "-W", "1", CLIENT)[0]
    checks.say(status != 0, "ping  server -> client is refused by policy DROP")

    serve_http(lab.server, made["server"][0], SERVER)
    digest, how = fetch(lab.client, "http://%s/file" % SERVER, got)
    checks.say(digest == made["server"][1], "http  100 MB, sha256 compared (%s)" % how)

    content = os.urandom(FTP_SIZE)
    ftp_server.start(lab.server, lab.directory, content)
    wanted = hashlib.sha256(content).hexdigest()
    for name, options in (("passive", ["--ftp-pasv"]), ("active", ["--ftp-port", "-"])):
        os.path.exists(got) and os.unlink(got)
        digest, how = fetch(lab.client, "ftp://%s/file" % SERVER, got, *options, limit=15)
        checks.say(digest == wanted, "ftp   %s, 5 MB, sha256 compared (%s)" % (name, how))
    status, out, error = lab.client.run(
        "lftp", "-c", "set net:timeout 5; set net:max-retries 1; open %s; cls -1; bye" % SERVER)
    checks.say(status == 0 and "file" in out, "ftp   lftp lists the directory" + error.strip()[:60])

    serve_http(lab.client, made["client"][0], CLIENT)
    os.path.exists(got) and os.unlink(got)
    digest, how = fetch(lab.server, "http://%s:8080/file" % ROUTER_WAN, got)
    checks.say(digest == made["client"][1], "dnat  server -> router:8080 -> client:80 (%s)" % how)
    check_table(show_table(lab), checks)


def check_table(table, checks):
    """The connection table must have an entry for each thing shown."""
    lines = table.splitlines()

    def entry(*parts):
        return any(all(part in line for part in parts) for line in lines)
    back = "dst=" + ROUTER_WAN
    checks.say(entry("icmp", "src=" + CLIENT, "id=4711", back), "entry ping, masqueraded")
    checks.say(entry("tcp", "src=%s dst=%s" % (CLIENT, SERVER), "dport=80 ", back), "entry http, masqueraded")
    checks.say(entry("tcp", "src=%s dst=%s" % (CLIENT, SERVER), "dport=21 ", back), "entry ftp control")
    checks.say(entry("tcp", "src=%s dst=%s" % (CLIENT, SERVER), "dport=500"), "entry ftp data, passive")
    checks.say(entry("tcp", "src=%s dst=%s" % (SERVER, ROUTER_WAN), "sport=20 "), "entry ftp data, active")
    checks.say(entry("tcp", "src=%s dst=%s" % (SERVER, ROUTER_WAN), "dport=8080", "src=" + CLIENT),
               "entry port forward")


def main(argv=None):
    """Entry point; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kernel", action="store_true", help="a kernel router instead of Tapgate")
    args = parser.parse_args(argv)
    checks = Checks()
    if os.geteuid() != 0:
        print("FAIL the demo makes network namespaces: run it as root (sudo make demo)")
        return 1
    try:
        if args.kernel:
            lab = KernelLab(RULES, offload=True, helpers={"ftp": "21"})
        else:
            binary()
            lab = TapgateLab(RULES, offload=True, helpers={"ftp": "21"},
                             mount=pathlib.Path("/dev/fuse").exists())
        print("building three namespaces and the router ...", flush=True)
        with lab:
            demonstrate(lab, checks)
        checks.say(True, "stop  the router ends cleanly, everything is removed")
    except (RuntimeError, AssertionError, OSError) as error:
        checks.say(False, "demo: %s" % error)
    print("%d ok, %d failed" % (checks.passed, checks.failed))
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
