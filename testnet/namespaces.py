"""Network namespaces: make, enter, remove, and remove them whatever happens.

Only namespaces made by this process are ever removed.  `guard` registers an
object with a close() method; what is still registered at exit, or when SIGTERM
or SIGINT arrives, is closed then.
"""

import atexit
import ctypes
import os
import secrets
import signal
import subprocess
import sys

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)
_open = []
_owner = None


def run(argv, text=None, check=True, timeout=20):
    """Run a command and return the CompletedProcess; RuntimeError shows its output."""
    done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode != 0:
        raise RuntimeError("%s: exit %d\n%s%s" % (" ".join(argv), done.returncode,
                                                  done.stdout, done.stderr))
    return done


def ip_batch(lines, netns=None):
    """Run lines through one `ip -batch`, optionally inside a namespace."""
    argv = ["ip"] + (["-n", netns] if netns else []) + ["-batch", "-"]
    run(argv, text="\n".join(lines) + "\n")


def new_suffix():
    """A short random suffix for the names of one laboratory."""
    return secrets.token_hex(3)


def create(names):
    """Make the namespaces."""
    ip_batch(["netns add " + name for name in names])


def delete(names):
    """Remove the namespaces; those that are gone already are no error."""
    for name in names:
        if os.path.exists("/run/netns/" + name):
            run(["ip", "netns", "del", name], check=False)


def enter(name):
    """Move the calling process into a namespace (before it starts threads)."""
    handle = os.open("/run/netns/" + name, os.O_RDONLY)
    try:
        if _libc.setns(handle, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + name)
    finally:
        os.close(handle)


def die_with_parent():
    """Ask the kernel to kill this process when the thread that forked it ends."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def guard(thing):
    """Close `thing` at exit or on SIGTERM / SIGINT unless `release` comes first."""
    global _owner
    if _owner != os.getpid():
        _owner = os.getpid()
        _open.clear()
        atexit.register(close_all)
        signal.signal(signal.SIGTERM, _on_signal)
        signal.signal(signal.SIGINT, _on_signal)
    _open.append(thing)


def release(thing):
    """Forget a guarded thing that has been closed."""
    if thing in _open:
        _open.remove(thing)


def close_all():
    """Close every guarded thing, last first; only in the process that guarded them."""
    if _owner != os.getpid():
        return
    while _open:
        thing = _open.pop()
        try:
            thing.close()
        except Exception as error:  # keep on: the others must go too
            print("testnet: closing: %s" % error, file=sys.stderr)


def _on_signal(number, _frame):
    """Clean up, then die of the same signal."""
    close_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
