"""conntrack -I -A -G -U -D -R and their options against conntrack(8): the same words, the same text, status and table.

The rows are played in their order on both; what they leave behind is there for the next. To add a case: one more line.
-U stands with an address or -f, fits one entry and has not both -m and -u: docs/semantics.md says what the tool does otherwise.
"""

import re
import shlex

import pytest

from testnet.kernel_lab import KernelLab
from testnet.tapgate_lab import TapgateLab

RULES = "*filter\n:FORWARD ACCEPT\n-A FORWARD -m connlabel --label 5\n*nat\n:PREROUTING ACCEPT\n"

A = "-s 1.1.1.1 -d 2.2.2.2 "
T = A + "-p tcp --sport 1 --dport 2 "
X = "--tuple-src 2.2.2.2 --tuple-dst 1.1.1.1 --tuple-port-src 20 --tuple-port-dst 5000 " \
    "--mask-port-src 0 --mask-port-dst 65535 "

ROWS = ("""
-I {T} --state ESTABLISHED -t 100
-I {T} --state ESTABLISHED -t 100
-A {T} --state ESTABLISHED -t 200
-A {A} -p tcp --sport 61 --dport 2 --state NONE -t 200
-I -s 2.2.2.2 -d 1.1.1.1 -p tcp --sport 2 --dport 1 --state NONE -t 100
-L
-I {A} -p udp --sport 1 --dport 2 -t 100 -u SEEN_REPLY,ASSURED -m 7 -n 3.3.3.3
-I {A} -p udp --sport 2 --dport 2 -t 100 -u SEEN_REPLY -m 7/1 -g 3.3.3.3:80 -w 5
-I {A} -p udp --sport 4 --dport 2 -t 100 -n 3.3.3.3:99 -g 4.4.4.4
-I {A} -p udp --sport 5 --dport 2 -t 100 -n
-I {A} -p udp --sport 3 --dport 2 -t 100 -r 5.5.5.5 -q 6.6.6.6
-I {A} -p udp --sport 3 --dport 2 -t 100 -r 5.5.5.5 -q 6.6.6.6 --reply-port-src 7 --reply-port-dst 8
-I -r 1.1.1.1 -q 2.2.2.2 -p udp --reply-port-src 7 --reply-port-dst 8 -t 100
-I -r 1.1.1.1 -q 2.2.2.2 -p icmp --icmp-type 8 --icmp-code 0 -t 100
-I -r 8.8.8.8 -q 9.9.9.9 -p esp -t 100
-I -s 8.8.8.8 -d 9.9.9.9 -r 8.8.8.8 -q 9.9.9.9 -p ah -t 100
-I {A} -p icmp --icmp-type 8 --icmp-code 0 -t 100
-I {A} -p icmp --icmp-type 3 --icmp-code 0 -t 100
-I {A} -p icmp --icmp-type 0 --icmp-code 0 --icmp-id 5 -t 100
-I {A} -p icmp --icmp-type 17 --icmp-code 0 --icmp-id 6 -t 100 -n 7.7.7.7
-I {A} -p gre --srckey 0x10 --dstkey 20 -t 100
-I {A} -p gre --srckey 0x10 --dstkey 21 -t 100 -n 7.7.7.8:5
-I {A} -p sctp --sport 1 --dport 2 --state ESTABLISHED -t 100
-I {A} -p sctp --sport 1 --dport 2 --state ESTABLISHED --orig-vtag 5 --reply-vtag 6 -t 100
-I {A} -p sctp --sport 1 --dport 2 --state SHUTDOWN_RECD --orig-vtag 5 --reply-vtag 6
-I {A} -p udplite --sport 1 --dport 2 -t 100
-I {A} -p esp -t 100
-I {A} -p 51 -t 100 -m 0x10
-I {A} -p tcp --sport 11 --dport 2 --state SYN_SENT2 -t 100 -u EXPECTED
-I {A} -p tcp --sport 11 --dport 2 --state LISTEN -t 100 -u FIXED_TIMEOUT
-I {A} -p tcp --sport 12 --dport 2 --state NONE -t 0
-I {A} -p tcp --sport 13 --dport 2 --state NONE -t x
-I {A} -p tcp --sport 14 --dport 2 --state NONE -t 99999999999
-I {A} -p tcp --sport 15 --dport 2 --state NONE -t 500 --orig-zone 7
-I {A} -p tcp --sport 15 --dport 2 --state NONE -t 500 --orig-zone 7
-I {A} -p tcp --sport 15 --dport 2 --state NONE -t 500 --orig-zone 8
-I {A} -p tcp --sport 16 --dport 2 --state NONE -t 500 --reply-zone 8
-I {A} -p tcp --sport 17 --dport 2 --state NONE -t 500 --reply-zone 8 --orig-zone 9
-I {A} -p tcp --sport 17 --dport 2 --state NONE -t 500 --reply-zone 9 --orig-zone 9
-I {A} -p tcp --sport 18 --dport 2 --state NONE -t 500 -w 9 --orig-zone 9
-I {A} -p tcp --sport 18 --dport 2 --state NONE -t 500 -w 0 --orig-zone 9
-I -s 1.1.1.0/24 -d 2.2.2.2 -p tcp --sport 19 --dport 2 --state NONE -t 50
-I -s 1.1.1.1 -p tcp --sport 19 --dport 2 --state NONE -t 50
-I {A} -p tcp --sport 19 --state NONE -t 50
-I {A} -p tcp --sport 19 --dport 3 -t 50
-I {A} -p tcp --sport 19 --dport 3 --state NOPE -t 50
-I -d 2.2.2.2 -p tcp --sport 19 --dport 3 -t 50
-I -r 2.2.2.2 -p tcp --sport 19 --dport 3 --state NONE -t 50
-I -r 2.2.2.2 -q 3.3.3.3 -p gre --reply-key-src 5 -t 50
-I -r 2.2.2.2 -q 3.3.3.3 -p sctp --reply-port-src 5 --state NONE --orig-vtag 1 --reply-vtag 1 -t 50
-I {A} -p icmp --icmp-type 8 -t 50
-I {A} -p icmp --icmp-code 0 -t 50
-I {A} -p udp --sport 70 --dport 2
-I {A} -p udp --sport 70 --dport 2 -t 50 -z
-I {A} -p udp --sport 70 --dport 2 -t 50 -j 3.3.3.3
-I {A} -p udp --sport 70 --dport 2 -t 50 -i 5
-I {A} -p udp --sport 70 --dport 2 -t 50 -l x
-I {A} -p udp --sport 70 --dport 2 -t 50 -o id
-I {A} -p udp --sport 70 --dport 2 -t 50 -f ipv4
-I {A} -p udp --sport 71 --dport 2 -t 50 -c 5
-I {A} -p udp --sport 70 --dport 2 -t 50 -n 3.3.3.3:
-I
-I -s ::1 -d 1.2.3.4 -p tcp --sport 19 --dport 3 --state NONE -t 50
-L
-L -o save
-L -o xml
-L -o xml,extended
-L -o extended
-L -p tcp -o xml --state SYN_SENT2
-L -p gre --srckey 1
-L -p gre --orig-key-src 16
-L -w 5
-L -w 0
-L -w 7
-L --orig-zone 7
-L --orig-zone 0
-L --reply-zone 8
-L --reply-zone 7
-L -n
-L -g
-L -j
-L -n 3.3.3.3
-L -n 3.3.3.3:99
-L -n 3.3.3.3:98
-L -g :80
-L -g 3.3.3.3:80
-L -j 3.3.3.3:80
-L -j 3.3.3.3
-L -j 3.3.3.3:x
-L -j 3.3.3.3:
-L -j 3.3.3.3:70000
-L -j [::1]:5
-L -j [::1
-L -j []
-L -n -j
-L -n -g
-L -u ASSURED -o save
-L -u !ASSURED
-L -u !SEEN_REPLY,FIXED_TIMEOUT
-L -u FIXED_TIMEOUT
-L -m 7
-L -m 0x10/0x30
-L -r 5.5.5.5
-L -q 3.3.3.3
-L -s 1.1.1.1 -d 2.2.2.2 -r 2.2.2.2 -q 1.1.1.1 -p udp
-L -p sctp --state ESTABLISHED
-L -p sctp --sport 1
-L -p udplite --dport 2
-L -p tcp --reply-port-src 2 --reply-port-dst 16
-G {A} -p udp --sport 1 --dport 2
-G {A} -p udp --sport 1 --dport 9
-G {A} -p udp --sport 1 --dport 2 -o extended
-G {A} -p udp --sport 1 --dport 2 -o xml
-G {A} -p udp --sport 1 --dport 2 -o save
-G -r 2.2.2.2 -q 1.1.1.1 -p tcp --reply-port-src 2 --reply-port-dst 1
-G {A} -p icmp --icmp-type 8 --icmp-code 0
-G {A} -p icmp --icmp-type 8
-G {A} -p icmp --icmp-type 3 --icmp-code 0
-G {A} -p icmp --icmp-type 0 --icmp-code 0
-G {A} -p gre --srckey 0x10 --dstkey 20 -o xml
-G -s 2.2.2.2 -d 1.1.1.1 -p tcp --sport 2 --dport 1
-G {T} --state NONE
-G {T} --state ESTABLISHED
-G {A} -p udp --sport 2 --dport 2
-G {A} -p udp --sport 2 --dport 2 -w 5
-G -p esp {A}
-G -i 5 -p esp {A}
-G -p esp -s 1.1.1.1
-G {A}
-G
-U -f ipv4 {T} -m 9
-U -f ipv4 {T} -m 9
-U -f ipv4 {T} -m 6/6
-U -f ipv4 {T} -m 0/2
-U -f ipv4 {T} --state CLOSE
-U -f ipv4 {T} --state CLOSE
-U -f ipv4 {T} -u SEEN_REPLY
-U -f ipv4 {T} -u ASSURED
-U -f ipv4 {T} -u UNSET
-U -f ipv4 {T} -t 300
-U -f ipv4 {T} -t 310 -o extended
-U -f ipv4 {T} -t 320 -o xml
-U -f ipv4 {T} -t 330 -o save
-U -f ipv4 {T} -t 340 -m 3 --state TIME_WAIT
-U -f ipv4 {T} -u EXPECTED
-U -f ipv4 {T} -i 5 -m 1
-U -f ipv4 {T} -w 5 -m 1
-U -f ipv4 {T} -z
-U -r 5.5.5.5 -t 307
-U -q 6.6.6.6 -t 308
-U -s 1.1.1.1 -p udp --sport 1 -n 3.3.3.3
-U -s 1.1.1.1 -p udp --sport 1 -n -m 12
-U -s 1.1.1.1 -p tcp --sport 11 -t 50
-U -s 1.1.1.1 -p tcp --sport 11 -m 50
-U -s 1.1.1.1 -p tcp --sport 15 -m 50
-U -s 1.1.1.1 -p tcp --sport 16 -m 50
-U -s 1.1.1.1 -p udp --sport 2 -m 50
-U -s 1.1.1.1 -p sctp --sport 1 --state COOKIE_WAIT --orig-vtag 1 --reply-vtag 2
-U -s 1.1.1.1 -p sctp -m 9
-U -s 1.1.1.1 -p esp -t 200
-U -s 9.9.9.9 -m 1
-U expect
-A expect
-U dying
-L -o save
-D -p udp --sport 1 -o xml
-D -p udp --sport 2 -o save
-D -p udp --sport 4 -o id -n 3.3.3.3
-D -p gre --srckey 16 -o extended
-D -p tcp -t 1
-D -s 9.9.9.9 -t 1
-D -i 7
-D -w 9
-D --orig-zone 9
-D -u EXPECTED
-D -u FIXED_TIMEOUT
-D -u UNSET -p sctp
-D --reply-zone 8
-D --orig-zone 7
-D -p icmp --icmp-type 0
-D -r 5.5.5.5
-D -s 1.1.1.0/25 -d 2.0.0.0/8 -p esp
-D -m 0x10
-D -o labels -p 77
-L
-I expect
-I expect -s 1.1.1.1
-I expect {T} -t 60
-I expect {T} {X} -t 60
-I expect {T} {X} -t 60 --mask-src 255.255.255.255
-I expect {T} {X} -t 60 --mask-src 255.255.255.255 --mask-dst 255.255.255.255
-I expect {A} -p tcp --sport 9 --dport 2 {X} -t 60 --mask-src 255.255.255.255 --mask-dst 255.255.255.255
-I expect {A} -p tcp --sport 1 --dport 2 --tuple-src 2.2.2.2/24 --tuple-dst 1.1.1.1/32 --tuple-port-src 1 --tuple-port-dst 2 -t 5
-I expect {A} -p icmp --tuple-src 2.2.2.2 --tuple-dst 1.1.1.1 --mask-src 255.0.0.0 --mask-dst 255.0.0.0 -t 5
-I expect {A} -p gre --srckey 1 --dstkey 2 --tuple-src 2.2.2.2/24 --tuple-dst 1.1.1.1/24 -t 5
-I expect {A} -p dccp --sport 1 --dport 2 --tuple-src 2.2.2.2/24 --tuple-dst 1.1.1.1/24 -t 5
-L expect -o xml
-L expect -o save,id
-L expect -f ipv6
-L expect -f ipv4 -o timestamp
-G expect {A} -p tcp --sport 1 --dport 2
-G expect {A} -p tcp --sport 1 --dport 2 --reply-port-src 1 --reply-port-dst 2
-G expect {A} -p icmp
-G expect {A} -p icmp --icmp-type 8
-G expect -s 1.1.1.1 -p tcp
-D expect {A} -p tcp --sport 1 --dport 2 --reply-port-src 1 --reply-port-dst 2
-D expect {A} -p esp
-D expect
-F expect -f ipv4
-E expect -e NEW
-E expect -z
-S expect -z
-L dying -p tcp -z
-L dying -o xml
-C dying
-S dying
-V dying
-V conntrack
-V -p tcp
-V -h
-Vh
-h expect
-h -p tcp
-h -p udp
-h -p udplite
-h -p icmp
-h -p icmpv6
-h -p sctp
-h -p dccp
-h -p gre
-h -p esp
-h -p 50
-h -p icmp -p tcp
-h -s 1.1.1.1
-p tcp
-s 1.1.1.1
foo
-L exp
-L unconf
-L dy
-Lexpect
-L ''
-L conntrack foo
conntrack -L
-L -
-L -- -s
-Lp tcp
-zL
-L -Lq
-L -p 256
-L -p 255
-L -p 0x6
-L -p -1
-L -p ''
-L -p ip
-L -p icmpv6
-L -p icmpv6 --icmpv6-type 1
-L -p ICMP
-L -p Esp
-L -p tcp -p udp --dport 1
-L -p udp -p tcp --state ESTABLISHED
-L -p tcp --state ESTABLISHED -p udp
-L -p dccp --state FOO
-L -p dccp --role client
-L -p dccp --role foo
-L -p sctp --orig-vtag 5
-D -p sctp --orig-vtag 5
-L -p tcp --mask-port-src 5
-L -p gre --tuple-key-src 5
-L -r 1.1.1.1/24
-L -n 1.1.1.1/24
-L --any-nat 1.1.1.1/24
-L -n ::1 -s 1.1.1.1
-L -n1.2.3.4
-L --src-nat=1.2.3.4
-L -s 1.2.3.4/
-L -s 1.2.3.4/-1
-L -s 1.2.3.4/x
-L -s 1.2.3.4/255.0.0.0
-L -s 1.2.3.4/0
-L -s /24
-L -s ''
-L -s 1
-L -s 0x1
-L -s ::1/129
-L -s ::1/0
-L -d ::1/64 -f ipv4
-L -f ipv4x
-L -i
-D --id=5
-L -b
-L -m
-L -w x
-L -c x
-L -o ext
-L -o EXT
-L -o e,x
-L -o s
-L -o SRC_NAT
-L -o save,id
-L -o xml,save
-L -o extended,
-E -e DST -z
-E -e NEW, -z
-E -b x -z
-L -u src_nat
-L -u S
-L -u UN
-L -u UNREPLIEDx
-L -u unreplied
-L -u UNREPLIED,foo
-L -u !
-L -u !,ASSURED
-L -u ,
-L -u ASSURED,
-L -u HW,OFF
-D -u UNSET -p 99
-L -o labels
-L -l foo
-L -l foo -o labels
-L --label-add foo
-U --label-del
-U --label-del foo
-U --label-add=foo --label-del
-L --foo
-L --sr 1.1.1.1
-L --src= 1.1.1.1
-L --proto udp
-L --protonum
-L -p tcp --sport
-L -tx
-L -x
-C -p tcp
--counter
--count
--stat
-a 5 -L -p 99
-R
-R /nonexistent
-D --mask-src 255.0.0.0
-U --mask-dst 255.0.0.0
-D -s 1.1.1.1 --mask-src 255.255.0.0 --mask-src 255.0.0.0 -p 99
-F -f ipv6
-F -f ipv4
-L
""".replace("{T}", T).replace("{A}", A).replace("{X}", X).strip().splitlines())


@pytest.fixture(scope="module")
def labs():
    """(kernel, Tapgate) with nothing in their tables."""
    options = {"sysctl": {"net.netfilter.nf_conntrack_acct": "1"}}
    with KernelLab(RULES, **options) as kernel, TapgateLab(RULES, **options) as tapgate:
        yield kernel, tapgate


def run(lab, *args, text=None):
    """(status, stdout, stderr) of conntrack ARGS."""
    if lab.kind == "tapgate":
        return lab.process.command("conntrack", *args, check=False, text=text)
    return tuple(lab.router.call("run", ["conntrack", *args], text=text))


def shape(done):
    """What must be equal: seconds and numbers of entries hidden; the order of the lines does not count."""
    status, out, error = done
    out = re.sub(r"(?m)^((?:ipv4 +2 )?\w+ +\d+ )\d+ ", r"\1SECONDS ", out)
    out = re.sub(r"(?m)^(-[AUD] -t )\d+", r"\1SECONDS", re.sub(r"<timeout>\d+", "<timeout>SECONDS", out))
    out = re.sub(r"<id>\d+|\bid=\d{4,}", "id", re.sub(r"\[\d+\.\d+ *\]", "[time]", out))
    return status, sorted(out.splitlines()), error


@pytest.mark.parametrize("row", enumerate(ROWS), ids=lambda row: "%d: %s" % (row[0], row[1].replace("/", "_")))
def test_same(labs, row):
    """Each row on both."""
    theirs, ours = (shape(run(lab, *shlex.split(row[1]))) for lab in labs)
    assert ours == theirs


FILES = [
    # What -o save writes makes the same entries again.
    "-A -t 500 -u SEEN_REPLY,ASSURED %s -r 2.2.2.2 -n 3.3.3.3 -p udp --sport 1 --dport 2 --reply-port-src 2 --reply-port-dst 1\n"
    "# a comment\n\n  \t-A -t 500 -u UNSET -w 5 %s -r 2.2.2.2 -q 1.1.1.1 -p tcp --sport 4 --dport 2 --reply-port-src 2 "
    "--reply-port-dst 4 --state CLOSE" % (A, A),
    "-I -t 500 %s -p udp --sport 1 --dport 2\n" % A,
    "-I -t 500 %s -p udp --sport 8 --dport 2\n-I -t 500 %s -p udp --sport 1 --dport 2\n-I -t 500 %s -p udp --sport 9 --dport 2\n"
    % (A, A, A),
    "-A -t 500 %s -p udp --sport \"1\"0 --dport 2\n-A -t 500 %s -p udp --sport \"11\" --dport '2'\n" % (A, A),
    "-D -p tcp\n-D -p udp --sport 9\n", "-U -s 1.1.1.1 -p udp --sport 8 -m 5\n",
    "-A -t 500 %s -p udp --sport 20 --dport 2\n-L\n" % A,
    "-E\n", "-S expect\n", "-I expect\n", "-p tcp\n", "-V\n", "nonsense\n", "-I -x\n", "-A " + "x" * 2000 + "\n",
    "-a 5 -D -p 99\n", "-D -p udp\n-F\n-A -t 50 %s -p udp --sport 30 --dport 2\n" % A, "", "\n\n", "-D -s '\n", "-D -s \"1.1.1.1\n",
]


@pytest.mark.parametrize("text", FILES, ids=range(len(FILES)))
def test_load_file(labs, text):
    """-R: what it says, and the table afterwards."""
    (theirs, their_table), (ours, our_table) = [
        (shape(run(lab, "-R", "-", text=text)), shape(run(lab, "-L"))) for lab in labs]
    assert ours == theirs and our_table == their_table


def test_a_file_by_name(labs, tmp_path):
    """The client opens the file."""
    path = tmp_path / "entries"
    path.write_text("-I -t 500 %s -p udp --sport 40 --dport 2\n" % A)
    theirs, ours = ([shape(run(lab, "--load-file", str(path))), shape(run(lab, "-L"))] for lab in labs)
    assert ours == theirs and ours[0][0] == 0


def test_an_entry_made_by_hand_translates(labs):
    """Packets of an entry that -I made with NAT go where it says, as on the kernel."""
    from testnet.packets import ROUTER_WAN, VC, VS, VS2, udp, answer
    got = []
    for lab in labs:
        run(lab, "-F")
        run(lab, "-I", "-s", VC, "-d", VS, "-p", "udp", "--sport", "5000", "--dport", "53", "-t", "100", "-g",
            VS2 + ":54", "-n", ROUTER_WAN)
        lab.client.send(udp())
        there = lab.server.arrived(1)
        lab.server.send(answer(there[0]))
        back = lab.client.arrived(1)
        got.append([bytes(item) for item in there + back] + [shape(run(lab, "-L"))])
    assert got[0] == got[1]


def test_ids(labs):
    """An entry keeps its id through changes; all commands show the same, in text and XML; another entry has another; -D -i finds
    it by that alone."""
    got = []
    for lab in labs:
        run(lab, "-F")
        for port in ("1", "2"):
            run(lab, "-I", *shlex.split(A), "-p", "udp", "--sport", port, "--dport", "9", "-t", "100")
        one = shlex.split(A) + ["-p", "udp", "--sport", "1", "--dport", "9"]

        def number(*args):
            out = run(lab, *args)[1]
            return re.findall(r"\bid=(\d+)|<id>(\d+)", out)

        first = number("-L", "-o", "id", "-p", "udp", "--sport", "1")
        run(lab, "-U", *one[:-2], "-m", "7", "-t", "200")
        same = [number("-L", "-o", "id", "-p", "udp", "--sport", "1"), number("-G", *one, "-o", "id")]
        assert same == [first, first] and len(first) == 1
        assert number("-L", "-o", "xml,id", "-p", "udp", "--sport", "1") == [("", first[0][0])]
        other = number("-L", "-o", "id", "-p", "udp", "--sport", "2")
        assert other != first
        got.append([shape(run(lab, "-D", "-i", first[0][0])), shape(run(lab, "-D", "-i", first[0][0])), shape(run(lab, "-L"))])
    assert got[0] == got[1]
