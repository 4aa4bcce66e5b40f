"""Random packet sequences through the kernel and through Tapgate's core: after every packet the same frames have left and the
same connections are there. tests/differential is the player; SEQUENCES=N and SEED=N choose how many and which."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("BUILD", "build")
SEQUENCES = os.environ.get("SEQUENCES", "600")

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("iptables-legacy"),
                                reason="needs root and iptables-legacy")


def test_sequences_agree():
    subprocess.run(["make", "-s", "BUILD=" + BUILD, BUILD + "/tests/tools/core_server"], cwd=ROOT, check=True)
    done = subprocess.run([sys.executable, "-m", "tests.differential", "--sequences", SEQUENCES], cwd=ROOT, text=True,
                          capture_output=True, timeout=1100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
