"""What a host can do inside its namespace: sockets, programs, frames, /proc.

An instance lives in the resident of one namespace.  Every method is a remote call
of that host; all waits are bounded.  Servers stay until shutdown and keep what
they saw, for seen().
"""

import errno
import os
import signal
import socket
import struct
import subprocess
import threading
import time

from . import namespaces
from .frames import Frames

ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/nonexistent"}


def error_name(error):
    """ECONNREFUSED and the like; TIMEOUT for a wait that ended."""
    if isinstance(error, socket.timeout):
        return "TIMEOUT"
    return errno.errorcode.get(error.errno, str(error))


class Services:
    """Remote calls of one namespace."""

    def __init__(self):
        self._frames = None
        self._seen = {}
        self._children = {}
        self._sockets = []
        self._tcp_clients = {}

    # -- frames ---------------------------------------------------------------

    def attach(self, device, link, only_arp):
        """Capture on the host end of a link; see Frames."""
        self._frames = Frames(device, link, only_arp)

    def send_frames(self, frames):
        """Send raw Ethernet frames."""
        self._frames.send(frames)

    def frames_since(self, index):
        """[(outgoing, bytes)] after the index-th frame."""
        return self._frames.since(index)

    def frame_count(self):
        """Number of frames seen so far."""
        return self._frames.count()

    def barrier(self, source):
        """See Frames.barrier."""
        return self._frames.barrier(source)

    # -- files and programs -----------------------------------------------------

    def read(self, path):
        """Content of a file, /proc/net and /proc/sys/net as this namespace has them."""
        with open(path) as file:
            return file.read()

    def write(self, pairs):
        """Write [(path, value)]; returns the errno name of each failure, '' where fine."""
        results = []
        for path, value in pairs:
            try:
                with open(path, "w") as file:
                    file.write(str(value))
                results.append("")
            except OSError as error:
                results.append(error_name(error))
        return results

    def run(self, argv, text=None, limit=10):
        """Run a program to its end: (exit status, stdout, stderr); 124 when it took too long."""
        try:
            done = subprocess.run(argv, input=text, capture_output=True, text=True,
                                  timeout=limit, env=ENVIRONMENT, errors="replace")
        except subprocess.TimeoutExpired:
            return 124, "", "%s: longer than %s s" % (argv[0], limit)
        return done.returncode, done.stdout, done.stderr

    def spawn(self, argv):
        """Start a program that stays; its pid.  shutdown() or stop() ends it."""
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL, env=ENVIRONMENT,
                                 start_new_session=True)
        self._children[child.pid] = child
        return child.pid

    def stop(self, pid):
        """End a spawned program and the process group it leads."""
        child = self._children.pop(pid, None)
        if child is None:
            return
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()

    def shutdown(self):
        """End everything this host started."""
        for pid in list(self._children):
            self.stop(pid)
        for item in self._sockets:
            item.close()

    def wait_listening(self, port, limit=5):
        """Wait until some TCP socket of the namespace listens on `port`."""
        wanted = ":%04X" % port
        until = time.monotonic() + limit
        while time.monotonic() < until:
            for path in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
                if not os.path.exists(path):
                    continue
                for line in self.read(path).splitlines()[1:]:
                    fields = line.split()
                    if fields[1].endswith(wanted) and fields[3] == "0A":
                        return True
            time.sleep(0.01)
        return False

    # -- UDP --------------------------------------------------------------------

    def udp_echo(self, port, address="0.0.0.0"):
        """Echo datagrams for ever; seen(port) lists (peer, text)."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, port))
        self._sockets.append(sock)
        seen = self._seen.setdefault(("udp", port), [])

        def serve():
            while True:
                try:
                    data, peer = sock.recvfrom(70000)
                except OSError:
                    return
                seen.append(("%s:%d" % peer, _short(data)))
                sock.sendto(data, peer)
        threading.Thread(target=serve, daemon=True).start()

    def udp_ask(self, address, port, data, sport, limit, flags):
        """Send one datagram, wait for one: its text, or the name of the error."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(limit)
            if "df" in flags:
                sock.setsockopt(socket.IPPROTO_IP, 10, 2)      # IP_MTU_DISCOVER, DO
            if "nodf" in flags:
                sock.setsockopt(socket.IPPROTO_IP, 10, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("0.0.0.0", sport))
            try:
                sock.connect((address, port))
                sock.send(data)
                return _short(sock.recv(70000))
            except OSError as error:
                return error_name(error)

    # -- TCP --------------------------------------------------------------------

    def tcp_serve(self, port, mode="echo", address="0.0.0.0"):
        """Serve TCP for ever; seen(port) lists (peer, what).

        @mode: echo (until the peer closes, then close), reset (abort after the
               first data), greet (send 'hello' at once, then as echo), late
               (answer only after the peer's half close), hold (read only).
        """
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, port))
        sock.listen(16)
        self._sockets.append(sock)
        seen = self._seen.setdefault(("tcp", port), [])

        def accept():
            while True:
                try:
                    peer, where = sock.accept()
                except OSError:
                    return
                self._sockets.append(peer)
                threading.Thread(target=_tcp_peer, daemon=True,
                                 args=(peer, "%s:%d" % where, mode, seen)).start()
        threading.Thread(target=accept, daemon=True).start()

    def tcp_exchange(self, address, port, data, sport, close, limit):
        """Connect, send, read, close: (what was read, how it ended).

        @close: full (half close, read to the end), reset (abort after the
                answer), hold (leave it open under the name `sport`).
        """
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(limit)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("0.0.0.0", sport))
        received = b""
        try:
            sock.connect((address, port))
            if data:
                sock.sendall(data)
            if close == "full":
                sock.shutdown(socket.SHUT_WR)
            while close == "full" or len(received) < len(data):
                piece = sock.recv(65536)
                if not piece:
                    break
                received += piece
            if close == "hold":
                self._tcp_clients[sport] = sock
                return _short(received), "open"
            if close == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            return _short(received), "closed"
        except OSError as error:
            sock.close()
            return _short(received), error_name(error)

    def tcp_more(self, sport, data, limit=5):
        """Send more on a held connection and read as much back."""
        sock = self._tcp_clients[sport]
        sock.settimeout(limit)
        received = b""
        try:
            sock.sendall(data)
            while len(received) < len(data):
                piece = sock.recv(65536)
                if not piece:
                    return _short(received) + " (end)"
                received += piece
        except OSError as error:
            return _short(received) + " (%s)" % error_name(error)
        return _short(received)

    def seen(self, proto, port):
        """What a server of this host saw so far."""
        return list(self._seen.get((proto, port), []))


def _tcp_peer(peer, name, mode, seen):
    """Serve one accepted connection; appends (peer, what) to seen when it ends."""
    received = b""
    try:
        peer.settimeout(20)
        if mode == "greet":
            peer.sendall(b"hello")
        while True:
            piece = peer.recv(65536)
            if not piece:
                break
            received += piece
            if mode == "reset":
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
            if mode in ("echo", "greet"):
                peer.sendall(piece)
        if mode == "late":
            peer.sendall(received[::-1])
        end = "reset" if mode == "reset" else "closed"
    except OSError as error:
        end = error_name(error)
    seen.append((name, _short(received), end))
    peer.close()


def _short(data):
    """Bytes as readable text: all of a short one, length and checksum of a long one."""
    if len(data) <= 64:
        return data.decode("latin-1")
    import zlib
    return "%d bytes, crc32 %08x" % (len(data), zlib.crc32(data))


def make():
    """A fresh service, for an Resident."""
    namespaces.die_with_parent()
    return Services()
