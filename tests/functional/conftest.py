"""Puts the repository on the import path, so that tests find the package `testnet`."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
collect_ignore_glob = ["scenarios/*"]
