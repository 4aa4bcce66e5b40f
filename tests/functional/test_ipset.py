"""The same ipset commands given to the real tool, in a namespace of its own, and to Tapgate: same output, same status.

    ipset, unshare -n      --.
                              >-- stdout and stderr together, exit status, for each line of ipset_commands.txt
    build/tests/tools/sets --'

To add a case: one more line there. Not there, because they differ (docs/semantics.md): family inet6, hash:mac (this
kernel lacks it), what a restore with a wrong line leaves of the lines before it.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("BUILD", "build")
COMMANDS = pathlib.Path(__file__).with_name("ipset_commands.txt")
SECONDS = re.compile(r"(timeout |<timeout>)(\d+)")

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("ipset"), reason="needs root and ipset")


@pytest.fixture(scope="module")
def tool():
    """The program that carries out ipset commands on a Tapgate without I/O."""
    subprocess.run(["make", "-s", "BUILD=" + BUILD, BUILD + "/tests/tools/sets"], cwd=ROOT, check=True)
    return str(ROOT / BUILD / "tests/tools/sets")


def rows():
    """[(words, standard input or None)]."""
    found = []
    for line in COMMANDS.read_text().splitlines():
        if line.startswith("RESTORE "):
            words, text = line[8:].split("|", 1)
            found.append((shlex.split(words), text.encode().decode("unicode_escape")))
        elif line and not line.startswith("#"):
            found.append((shlex.split(line), None))
    return found


def of_linux(commands):
    """What the real ipset says, one text for each command."""
    script = ['r() { ipset "$@" 2>&1; echo "=$?"; }']
    for words, text in commands:
        line = " ".join(map(shlex.quote, words))
        script.append("echo @@")
        if words[:1] == ["SLEEP"]:
            script.append("sleep " + words[1])
        elif text is None:
            script.append("r %s </dev/null" % line)
        else:
            script.append("printf %%s %s | r %s" % (shlex.quote(text), line))
    done = subprocess.run(["unshare", "-n", "bash", "-c", "\n".join(script)], capture_output=True, text=True,
                          timeout=300, check=True)
    return done.stdout.split("@@\n")[1:]


def of_tapgate(tool, commands):
    """What Tapgate says."""
    lines = ["\x1f".join(words) + ("" if text is None else "\x1e" + text.replace("\n", "\x1d"))
             for words, text in commands]
    done = subprocess.run([tool], input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=300,
                          check=True)
    answers = re.findall(r"(.*?^=\d+\n)", done.stdout, re.S | re.M)
    return ["" if words[:1] == ["SLEEP"] else answers.pop(0) for words, _text in commands]


def same(one, other):
    """Equal texts, but that timeouts may be 2 seconds apart."""
    if SECONDS.sub(r"\1", one) != SECONDS.sub(r"\1", other):
        return False
    return all(abs(int(a[1]) - int(b[1])) <= 2 for a, b in zip(SECONDS.findall(one), SECONDS.findall(other)))


def test_commands(tool):
    """Every line of ipset_commands.txt."""
    commands = rows()
    wrong = ["$ ipset %s\nLinux:\n%s\nTapgate:\n%s" % (" ".join(words), linux, tapgate)
             for (words, _text), linux, tapgate
             in zip(commands, of_linux(commands), of_tapgate(tool, commands)) if not same(linux, tapgate)]
    assert len(commands) > 200
    assert not wrong, "\n".join(wrong)


def test_million(tool):
    """A million addresses, in another order than they were made, restore in seconds and none is lost."""
    text = "create m hash:ip maxelem 1000000 initval 5\n" + "".join(
        "add m %d.%d.%d.%d\n" % (10 + (i * 7919 % 1000000 >> 16), i * 7919 % 1000000 >> 8 & 255,
                                 i * 7919 % 1000000 & 255, 1) for i in range(1000000))
    answers = of_tapgate(tool, [(["restore"], text), (["list", "-t", "m"], None), (["test", "m", "10.0.3.1"], None)])
    assert answers[0] == "=0\n"
    assert "Number of entries: 1000000\n" in answers[1]
    assert answers[2] == "Warning: 10.0.3.1 is in set m.\n=0\n"
