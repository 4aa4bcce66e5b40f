"""The include arrows between rooms: checks that they only go down.

Each room may include itself and the rooms below it (docs/architecture.md); only router/ may include the libraries that
do I/O, ask for the time or for random numbers.  Prints a line per violation and exits 1 if there is one.
"""

import pathlib
import re
import sys

BELOW = {
    "netstack": {"netstack"},
    "conntrack": {"conntrack", "netstack"},
    "tables": {"tables", "conntrack", "netstack"},
    "nat": {"nat", "tables", "conntrack", "netstack"},
    "helpers": {"helpers", "nat", "tables", "conntrack", "netstack"},
    "router": {"router", "helpers", "nat", "tables", "conntrack", "netstack"},
}
# What the core must not know: I/O, clocks, other libraries.
OUTSIDE = re.compile(r"<(event2?/|event\.h|netlink/|iniparser|dictionary|fuse|linux/|jansson|pcap|sys/socket|"
                     r"sys/epoll|sys/ioctl|sys/time|unistd\.h|fcntl\.h|pthread)")
# <time.h> may format a time that was handed in; nobody may ask for one.
CLOCK = re.compile(r"(?<!->)\b(clock_gettime|gettimeofday|time|getrandom|rand|random)\s*\((?!void)")
INCLUDE = re.compile(r'^\s*#\s*include\s+("([^"]+)"|<[^>]+>)')


def wrong_includes(room, path):
    """Yield (line number, text) for each include that the room may not have."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if room != "router" and CLOCK.search(line.split("/*")[0]) and not line.startswith((" *", "/*")):
            yield number, line
        found = INCLUDE.match(line)
        if not found:
            continue
        ours = found.group(2)
        if ours and ours.split("/")[0] not in BELOW[room]:
            yield number, line
        if ours and ours.endswith("_int.h") and ours.split("/")[0] != room:
            yield number, line
        if not ours and room != "router" and OUTSIDE.match(found.group(1)):
            yield number, line


def main():
    """Check every room. Exit status 1 with a line for each violation."""
    root = pathlib.Path(__file__).resolve().parent.parent
    bad = 0
    for room in BELOW:
        for path in sorted((root / room).rglob("*.[ch]")):
            for number, line in wrong_includes(room, path):
                print("%s:%d: %s" % (path.relative_to(root), number, line.strip()))
                bad += 1
    print("layers: %s" % ("%d wrong includes" % bad if bad else "ok"))
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
