"""The laboratory with Tapgate as its router.

Writes the configuration a user would write, runs `tapgate run`, and reads its
state through the control socket.  The program is build/tapgate of this
repository, or what the environment's TAPGATE names.  finish() asks it to stop
and insists on exit status 0 and on a log without a sanitizer's report.
"""

import os
import pathlib
import re
import signal
import subprocess
import time

from . import namespaces
from .lab import Lab, sysctl_path

ROOT = pathlib.Path(__file__).resolve().parent.parent
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehavior|runtime error:")
START_LIMIT = 15      # seconds until `ready`; a sanitizer build on a busy machine is slow
STOP_LIMIT = 10


def binary():
    """Path of the program under test; RuntimeError if it is not built."""
    path = pathlib.Path(os.environ.get("TAPGATE") or ROOT / "build" / "tapgate").resolve()
    if not os.access(path, os.X_OK):
        raise RuntimeError("%s is not there: run `make` first (or set TAPGATE)" % path)
    return str(path)


def interface_section(link, netns, tap, mtu=1500, addresses=None, up=True):
    """The [interface] section for one link of the topology; @addresses: the router's, if not the usual one."""
    return ["[interface %s]" % link.name, "tap = " + tap, "netns = " + netns,
            "address = " + ", ".join(["%s/24" % link.router_address] if addresses is None else addresses),
            "up = " + ("yes" if up else "no"), "mtu = %d" % mtu,
            "mac = " + link.router_mac, "peer_address = %s/24" % link.host_address,
            "peer_gateway = yes", ""]


class Process:
    """A running `tapgate run`: start, talk to, reload, stop."""

    def __init__(self, config, directory):
        """Start it; raises if it is not ready in time."""
        self.socket = os.path.join(directory, "tapgate.sock")
        self.log_path = os.path.join(directory, "log")
        self.killed = False
        with open(self.log_path, "wb") as log:
            self.child = subprocess.Popen([binary(), "run", "-c", config], stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, start_new_session=True,
                                          preexec_fn=namespaces.die_with_parent)
        until = time.monotonic() + START_LIMIT
        while not re.search(r"\bready\s*$", self.log(), re.M):
            if self.child.poll() is not None:
                raise RuntimeError("tapgate ended with status %d before it was ready:\n%s"
                                   % (self.child.returncode, self.log()))
            if time.monotonic() > until:
                self.kill()
                raise RuntimeError("tapgate is not ready after %d s:\n%s" % (START_LIMIT, self.log()))
            time.sleep(0.01)

    def log(self):
        """All it logged so far."""
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def command(self, *args, check=True, text=None):
        """tapgate -S SOCKET ARGS < @text: (status, stdout, stderr); check raises on failure."""
        done = subprocess.run([binary(), "-S", self.socket, *args], capture_output=True, input=text,
                              text=True, timeout=20, errors="replace")
        if check and done.returncode != 0:
            raise RuntimeError("tapgate %s: exit %d\n%s%s" % (" ".join(args), done.returncode,
                                                              done.stdout, done.stderr))
        return done.returncode, done.stdout, done.stderr

    def stop(self):
        """SIGTERM; raises unless it ends with 0, in time, and with a clean log.

        One that the test killed on purpose is only asked for the clean log.
        """
        if self.child.poll() is None:
            os.kill(self.child.pid, signal.SIGTERM)
            try:
                self.child.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("tapgate does not stop on SIGTERM:\n" + self.log()) from None
        if self.child.returncode != 0 and not self.killed:
            raise AssertionError("tapgate ended with status %d:\n%s"
                                 % (self.child.returncode, self.log()))
        if SANITIZER.search(self.log()):
            raise AssertionError("a sanitizer complains:\n" + self.log())

    def kill(self):
        """SIGKILL and reap; bears a process that is gone."""
        if self.child.poll() is None:
            self.killed = True
            self.child.kill()
            self.child.wait()


class TapgateLab(Lab):
    """client, server and dmz around `tapgate run`."""

    kind = "tapgate"

    def __init__(self, *args, mount=False, **kwargs):
        """@mount: also mount the status tree, at self.mount_point."""
        super().__init__(*args, **kwargs)
        self.process = None
        self.mount = mount
        self.mount_point = "none"
        self.changed_links = {}

    def config_path(self):
        """The configuration file."""
        return os.path.join(self.directory, "tapgate.ini")

    def config(self):
        """The configuration's text; overridable by those who test configurations."""
        if self.mount:
            self.mount_point = os.path.join(self.directory, "proc")
        lines = ["[router]", "socket = %s/tapgate.sock" % self.directory,
                 "proc_mount = " + self.mount_point, "log = info", "rules = rules.v4"]
        lines += ["sets = sets.ipset", ""] if self.sets else [""]
        for host in self.hosts:
            host.device = "%s%s" % (host.link.name, self.suffix)
            lines += interface_section(host.link, host.netns, host.device,
                                       self.mtu.get(host.link.name, 1500),
                                       **self.changed_links.get(host.link.name, {}))
        if self.routes:
            lines += ["[route]"] + ["%s = %s" % pair for pair in self.routes.items()] + [""]
        lines += ["[sysctl]"] + ["%s = %s" % pair for pair in self.sysctls.items()] + [""]
        for name, ports in self.helpers.items():
            lines += ["[helper %s]" % name, "ports = %s" % ports, ""]
        return "\n".join(lines)

    def _start_router(self):
        if self.mount:
            os.mkdir(os.path.join(self.directory, "proc"))
        with open(os.path.join(self.directory, "rules.v4"), "w") as file:
            file.write("" if self.before else self.rules)
        with open(os.path.join(self.directory, "sets.ipset"), "w") as file:
            file.write(self.sets)
        with open(self.config_path(), "w") as file:
            file.write(self.config())
        self.process = Process(self.config_path(), self.directory)
        for words in self.before:
            self.process.command(*words)
        if self.before:
            self.process.command("iptables-restore", text=self.rules)
        for host in self.hosts:
            self._quiet_device(host.resident, host.device)
            namespaces.ip_batch(["link set lo up", "link set %s address %s"
                                 % (host.device, host.link.host_mac)], host.netns)

    def finish(self):
        self.process.stop()

    def _stop_router(self):
        if self.process:
            self.process.kill()
            self.process = None
        if self.mount and self.directory and os.path.ismount(self.mount_point):
            namespaces.run(["umount", "-l", self.mount_point], check=False)

    def iptables(self, *args):
        return self.process.command("iptables", *args)[1]

    def set_link(self, name, up):
        self._change_link(name, up=up)

    def set_addresses(self, name, addresses):
        self._change_link(name, addresses=addresses)

    def _change_link(self, name, **what):
        """Write a link's changed section into the configuration and have it read."""
        self.changed_links.setdefault(name, {}).update(what)
        with open(self.config_path(), "w") as file:
            file.write(self.config())
        self.process.command("reload")

    def save(self):
        return self.process.command("iptables-save", "-c")[1]

    def ipset(self, *args):
        return self.process.command("ipset", *args, check=False)[1]

    def nfacct(self, *args):
        return self.process.command("nfacct", *args, check=False)[1]

    def conntrack(self, *args):
        return self.process.command("conntrack", *args)[1]

    def proc(self, path):
        return self.process.command("cat", path)[1]

    def sysctl(self, name, value):
        status, _out, error = self.process.command("write", sysctl_path(name), str(value), check=False)
        if status == 0:
            return ""
        for text, code in (("Invalid argument", "EINVAL"), ("Permission denied", "EACCES"),
                           ("No such file", "ENOENT")):
            if text in error:
                return code
        return error.strip()

    def log_lines(self):
        return self.process.log().splitlines()
