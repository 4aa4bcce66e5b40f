"""Rules that firewall front ends make: they load into a running router and print back as the kernel's do.

front_ends/NAME.rules is what the tool made of a configuration of ours, generated once (its first line says with what).
fail2ban is played by the command lines of its action.d/iptables.conf.
"""

import pathlib
import shutil
import os

import pytest

from test_iptables_live import links, sides  # noqa: F401 (fixtures)

FRONT_ENDS = sorted((pathlib.Path(__file__).parent / "front_ends").glob("*.rules"))

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("iptables-legacy"),
                                reason="needs root and iptables-legacy")

# action.d/iptables.conf with its defaults: name sshd, protocol tcp, port ssh, lockingopt -w.
JAIL = "-p tcp -m multiport --dports ssh -j f2b-sshd"
FAIL2BAN = [
    "-w -C f2b-sshd -j RETURN", "-w -N f2b-sshd", "-w -A f2b-sshd -j RETURN", "-w -C INPUT " + JAIL, "-w -I INPUT " + JAIL,
    "-w -C INPUT " + JAIL, "-w -n -L INPUT", "-w -I f2b-sshd 1 -s 192.0.2.1 -j REJECT --reject-with icmp-port-unreachable",
    "-w -I f2b-sshd 1 -s 192.0.2.2 -j REJECT --reject-with icmp-port-unreachable",
    "-w -D f2b-sshd -s 192.0.2.1 -j REJECT --reject-with icmp-port-unreachable",
    "-w -D f2b-sshd -s 192.0.2.1 -j REJECT --reject-with icmp-port-unreachable", "-S", "-w -D INPUT " + JAIL, "-w -F f2b-sshd",
    "-w -X f2b-sshd", "-w -N f2b-one", "-w -A f2b-one -j RETURN", "-w -I INPUT -p tcp --dport ssh -j f2b-one",
    "-w -I INPUT -p tcp -j f2b-one", "-w -C INPUT -p tcp --dport ssh -j f2b-one", "-w -I f2b-one 1 -s 192.0.2.9 -j DROP",
]


def compare(kernel, router, rows):
    """Run rows on both, then compare the rules."""
    for row in rows:
        assert router.line(row) == kernel.line(row), row
    want, got = kernel.rules(), router.rules()
    for how in want:
        assert got[how] == want[how]


@pytest.mark.parametrize("path", FRONT_ENDS, ids=lambda path: path.stem)
def test_ruleset(sides, path):  # noqa: F811
    """Loads, with and without --noflush on top, and reads back what it saved."""
    kernel, router = sides
    text = path.read_text()
    compare(kernel, router, [("restore", text), "save", ("restore -n", text), "save", ("restore -c", text)])
    saved = router.line("save -c")[1]
    assert router.line(("restore -c", saved)) == (0, "", "")
    assert router.line("save -c")[1] == saved


def test_fail2ban(sides):  # noqa: F811
    """A jail starts, bans, unbans and stops."""
    compare(*sides, FAIL2BAN)
