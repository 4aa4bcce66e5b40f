"""Puts the repository on the import path, so that tests find the package `testnet`; fixtures that several files share."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
collect_ignore_glob = ["scenarios/*"]


@pytest.fixture(scope="session")
def tool():
    """The program that does with Tapgate's code what iptables does: the one RULES_TOOL names, else made."""
    given = os.environ.get("RULES_TOOL")
    if not given:
        build = os.environ.get("BUILD", "build")
        given = f"{build}/tests/tools/rules"
        done = subprocess.run(["make", "-s", f"BUILD={build}", given], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return str(ROOT / given)
