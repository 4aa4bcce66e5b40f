"""One small process per namespace, reached by remote calls over a pipe.

The laboratory forks it, so scapy is imported once for all; it enters its
namespace and then serves calls, each in a thread of its own, so that a call
may wait for another.  The parent side is `Resident`: call() waits for the answer,
start() gives a `Call` to wait for later.  Values cross as pickles; packets
cross as bytes.
"""

import multiprocessing
import os
import signal
import threading
import time
import traceback

from . import namespaces


class ResidentError(RuntimeError):
    """A call failed inside the namespace; the text carries its traceback."""


class Call:
    """An answer to come."""

    def __init__(self, resident, number):
        self.resident = resident
        self.number = number

    def result(self, timeout=15):
        """Wait for the answer; ResidentError if the call raised or time ran out."""
        return self.resident.wait(self.number, timeout)


class Resident:
    """The parent's handle of one namespace process."""

    def __init__(self, netns, make_service):
        """Fork into namespace `netns` and serve the methods of make_service()."""
        self.netns = netns
        self._pipe, child = multiprocessing.Pipe()
        self._answers = {}
        self._next = 0
        self.pid = os.fork()
        if self.pid == 0:
            self._pipe.close()
            _serve(netns, make_service, child)
        child.close()

    def start(self, method, *args, **kwargs):
        """Begin a call."""
        self._next += 1
        self._pipe.send((self._next, method, args, kwargs))
        return Call(self, self._next)

    def call(self, method, *args, timeout=15, **kwargs):
        """Call and wait."""
        return self.start(method, *args, **kwargs).result(timeout)

    def wait(self, number, timeout):
        """Read answers until the one with `number` is there."""
        until = time.monotonic() + timeout
        while number not in self._answers:
            if not self._pipe.poll(max(0, until - time.monotonic())):
                raise ResidentError("%s: no answer in %s s" % (self.netns, timeout))
            try:
                key, good, value = self._pipe.recv()
            except EOFError:
                raise ResidentError("%s: the process is gone" % self.netns) from None
            self._answers[key] = (good, value)
        good, value = self._answers.pop(number)
        if not good:
            raise ResidentError(value)
        return value

    def close(self):
        """End the process and all it started."""
        if self.pid is None:
            return
        try:
            self.call("shutdown", timeout=3)
        except (ResidentError, OSError):
            pass
        pid, self.pid = self.pid, None
        self._pipe.close()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _serve(netns, make_service, pipe):
    """The child's life: enter, serve until the pipe closes.  Never returns."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        namespaces.die_with_parent()
        namespaces.enter(netns)
        service = make_service()
        lock = threading.Lock()
        while True:
            number, method, args, kwargs = pipe.recv()
            threading.Thread(target=_answer, daemon=True,
                             args=(service, pipe, lock, number, method, args, kwargs)).start()
    except (EOFError, OSError):
        pass
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(0)


def _answer(service, pipe, lock, number, method, args, kwargs):
    """Do one call and send what came of it."""
    try:
        answer = (number, True, getattr(service, method)(*args, **kwargs))
    except BaseException:
        answer = (number, False, traceback.format_exc())
    with lock:
        try:
            pipe.send(answer)
        except OSError:
            pass
