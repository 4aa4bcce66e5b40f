"""Names of labels: conntrack(8) and the conntrack command with the same /etc/xtables/connlabel.conf.

Both sides see a copy of /etc with that file in it, in a mount namespace of their own. To add a case: one more line in ROWS,
which are played in their order.
"""

import os
import re
import shlex
import subprocess

import pytest

from testnet.kernel_lab import KernelLab
from testnet.tapgate_lab import TapgateLab, binary

RULES = "*filter\n:FORWARD ACCEPT\n-A FORWARD -m connlabel --label 5\n*nat\n:PREROUTING ACCEPT\n"

NAMES = """# labels
0 zero
5 five
7 two words
7 other
8 five
0x10 hex
9 bad_name
 11 blank
12
13   spaces behind   
127 last
128 toofar
129 too far too
1023 end
1024 behind
"""

INSIDE = 'mount --bind "$0" /etc && exec "$@"'

T = "-s 1.1.1.1 -d 2.2.2.2 -p tcp --sport 1 --dport 2"
ONE = "-s 1.1.1.1 -d 2.2.2.2 -p tcp --sport 1"

ROWS = """
-I {T} --state ESTABLISHED -t 100
-I -s 1.1.1.1 -d 2.2.2.2 -p udp --sport 3 --dport 2 -t 100 --label-add zero
-L
-L -o labels
-U {ONE} --label-add five
-L -o labels
-U {ONE} --label-add 'two words'
-U {ONE} --label-add zero
-L -p tcp -o labels
-L -p tcp -o labels,extended,id
-L -p tcp -o xml,labels
-L -p tcp -o xml
-L -p tcp -o save,labels
-L -p tcp -o labels,ktimestamp
-L -l five
-L -l five -o labels
-L --label five,zero -o labels
-L -l five,hex
-L -l hex
-L -l 'two words'
-L -l other
-L -l nope
-L -l bad_name
-L -l 5
-L -l ''
-L -l ,
-L -l five,
-L -l toofar
-L -l blank
-L -l 'spaces behind'
-G {T} -o labels
-G {T}
-U {ONE} --label-del five
-L -p tcp -o labels
-U {ONE} --label-del hex
-L -p tcp -o labels
-U {ONE} --label-add nope
-U {ONE} --label-add hex --label-del zero
-L -p tcp -o labels
-U {ONE} --label-add five,hex
-L -p tcp -o labels
-U {ONE} --label-add=blank --label-add=zero
-L -p tcp -o labels
-U {ONE} --label-del
-L -p tcp -o labels
-L -o labels -l five
-U -f ipv4 -l five --label-add zero
-U {ONE} --label-add zero
-L -l end
-L -l behind
-L -l last
-L -l zero,toofar
-U {ONE} --label-add last
-L -l last
-U {ONE} --label-add toofar
-L -o labels
-U {ONE} --label-del toofar
-L -o labels
-U {ONE} --label-add end
-U {ONE} --label-add 'too far too'
-U {ONE} --label-del 'too far too'
-U {ONE} --label-del end
-U {ONE} --label-del end,zero
-L -o labels
-I {A} -p udp --sport 4 --dport 2 -t 100 --label-add toofar
-I {A} -p udp --sport 5 --dport 2 -t 100 --label-add last
-I {A} -p udp --sport 6 --dport 2 -t 100 --label-add end
-I {A} -p udp --sport 7 --dport 2 -t 100 --label-add five --label-add hex,end
-I {A} -p udp --sport 8 --dport 2 -t 100 --label-add five --label-add hex -l zero
-I {A} -p udp --sport 9 --dport 2 -t 100 -o labels
-U {ONE} -m 7 -o labels
-D -p udp --sport 5 -o labels
-L -o labels
-D -l zero -o labels
-L
""".replace("{T}", T).replace("{ONE}", ONE).replace("{A}", "-s 1.1.1.1 -d 2.2.2.2").strip().splitlines()


@pytest.fixture(scope="module")
def labs(tmp_path_factory):
    """(kernel, Tapgate, how to run a program that sees NAMES)."""
    folder = tmp_path_factory.mktemp("labels")
    etc = folder / "etc"
    subprocess.run(["cp", "-a", "/etc", str(etc)], check=True)
    (etc / "xtables").mkdir(exist_ok=True)
    (etc / "xtables" / "connlabel.conf").write_text(NAMES)
    inside = ["unshare", "-m", "sh", "-c", INSIDE, str(etc)]
    program = folder / "tapgate"
    program.write_text("#!/bin/sh\nexec %s \"$@\"\n" % shlex.join(inside + [binary()]))
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        with KernelLab(RULES) as kernel:
            patch.setitem(os.environ, "TAPGATE", str(program))
            with TapgateLab(RULES) as tapgate:
                yield kernel, tapgate, inside


def shape(done):
    """What must be equal: seconds and numbers of entries hidden; the order of the lines does not count."""
    status, out, error = done
    out = re.sub(r"(?m)^((?:ipv4 +2 )?\w+ +\d+ )\d+ ", r"\1SECONDS ", out)
    out = re.sub(r"(?m)^(-[AUD] -t )\d+", r"\1SECONDS", re.sub(r"<timeout>\d+", "<timeout>SECONDS", out))
    return status, sorted(re.sub(r"<id>\d+|\bid=\d{4,}", "id", out).splitlines()), error


@pytest.mark.parametrize("row", enumerate(ROWS), ids=lambda row: "%d: %s" % (row[0], row[1].replace("/", "_")))
def test_same(labs, row):
    """Each row on both."""
    kernel, tapgate, inside = labs
    words = ["conntrack"] + shlex.split(row[1])
    theirs = shape(kernel.router.call("run", inside + words))
    ours = shape(tapgate.process.command(*words, check=False))
    assert ours == theirs
