"""FTP control streams built by hand: what the helper parses, expects and rewrites.

    virtual client 10.1.0.50 --lan-- router --wan-- 203.0.113.50 virtual server

`Talk` keeps the numbers of both ends as each of them sees them, so a rewrite
that changes the length shows in the sequence numbers of the records.
"""

from testnet.packets import ROUTER_WAN, TCP, VC, VS, tcp
from testnet.scenario import scenario

HELPER = "*raw\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\n"
STATES = ("*filter\n:FORWARD ACCEPT\n-A FORWARD -p tcp -m conntrack --ctstate NEW\n"
          "-A FORWARD -p tcp -m conntrack --ctstate RELATED\n-A FORWARD -p tcp -m helper --helper ftp\n")
STATES = STATES.replace("-A FORWARD -p tcp -m helper --helper ftp\n", "")
MASQUERADE = "*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j MASQUERADE\n"


class Talk:
    """A control connection between the virtual hosts, hand-built segment by segment."""

    def __init__(self, lab, client_seq=1000, server_seq=5000):
        """Handshake and greeting, unrecorded."""
        self.lab = lab
        self.c_seq, self.c_ack = client_seq, server_seq      # as the client counts
        self.s_seq, self.s_ack = server_seq, client_seq      # as the server counts
        lab.client.send(tcp(sport=40000, dport=21, seq=self.c_seq))
        first = lab.server.arrived()[0]
        self.peer, self.port = first["IP"].src, first[TCP].sport
        self.c_seq, self.s_ack = self.c_seq + 1, self.s_ack + 1
        self._from_server("SA", b"", count=1)
        self._from_client("A", b"")
        lab.server.arrived()
        self.say_server(b"220 ready\r\n", quiet=True)
        self.say_client(b"USER anonymous\r\n", quiet=True)

    def _from_client(self, flags, data):
        self.lab.client.send(tcp(flags, sport=40000, dport=21, seq=self.c_seq % 2**32,
                                 ack=self.c_ack % 2**32, data=data))
        self.c_seq += len(data)

    def _from_server(self, flags, data, count=0):
        self.lab.server.send(tcp(flags, src=VS, dst=self.peer, sport=21, dport=self.port,
                                 seq=self.s_seq % 2**32, ack=self.s_ack % 2**32, data=data))
        self.s_seq += len(data) + count
        found = self.lab.client.arrived(1, limit=0.5)
        for item in found:
            self.c_ack = item[TCP].seq + len(bytes(item[TCP].payload)) + count
        return found

    def say_client(self, data, quiet=False, crosses=1):
        """The client says something; the server acknowledges what it got."""
        self._from_client("PA", data)
        found = self.lab.server.arrived(crosses, limit=0.5)
        for item in found:
            self.s_ack = item[TCP].seq + len(bytes(item[TCP].payload))
        back = self._from_server("A", b"") if found else []
        if not quiet:
            name = "client says " + repr(data)[1:]
            self.lab.record(name, [self.lab.text(item) for item in found])
            self.lab.record(name + ", acknowledged", [self.lab.text(item) for item in back])

    def say_server(self, data, quiet=False):
        """The server says something; the client acknowledges."""
        found = self._from_server("PA", data)
        self._from_client("A", b"")
        back = self.lab.server.arrived()
        if not quiet:
            name = "server says " + repr(data)[1:]
            self.lab.record(name, [self.lab.text(item) for item in found])
            self.lab.record(name + ", acknowledged", [self.lab.text(item) for item in back])


@scenario(HELPER + STATES)
def port(lab):
    """PORT makes an expectation; the data connection that fits is RELATED, others are NEW."""
    talk = Talk(lab)
    talk.say_client(b"PORT 10,1,0,50,200,10\r\n")
    lab.record("expected", lab.expectations())
    lab.server.send(tcp(src=VS, dst=VC, sport=20, dport=51211))
    lab.server.send(tcp(src="203.0.113.51", dst=VC, sport=20, dport=51210))
    lab.client.arrived(2)
    lab.record("not used up", lab.expectations())
    lab.server.send(tcp(src=VS, dst=VC, sport=20, dport=51210))
    lab.record("data", lab.client.packets(1))
    lab.record("used up", lab.expectations())


@scenario(MASQUERADE + HELPER + STATES)
def port_translated(lab):
    """PORT behind MASQUERADE grows; numbers after it are shifted both ways; data comes in."""
    talk = Talk(lab)
    talk.say_client(b"PORT 10,1,0,50,200,10\r\n")
    lab.record("expected", lab.expectations())
    talk.say_server(b"200 fine\r\n")
    lab.server.send(tcp(src=VS, dst=ROUTER_WAN, sport=20, dport=51210, seq=70000))
    lab.record("data", lab.client.packets(1))
    talk.say_client(b"RETR file\r\n")
    talk.say_client(b"PORT 10,1,0,50,200,11\r\n")
    talk.say_client(b"LIST\r\n")
    talk.say_server(b"150 here\r\n")


@scenario(MASQUERADE + HELPER + STATES)
def retransmitted(lab):
    """A PORT sent again is rewritten again; old segments keep the old shift."""
    talk = Talk(lab)
    talk.say_client(b"PORT 10,1,0,50,200,10\r\n")
    start = talk.c_seq - 23
    lab.client.send(tcp("PA", sport=40000, dport=21, seq=start, ack=talk.c_ack, data=b"PORT 10,1,0,50,200,10\r\n"))
    lab.record("again", lab.server.packets(1))
    lab.client.send(tcp("PA", sport=40000, dport=21, seq=1001, ack=talk.c_ack, data=b"USER anonymous\r\n"))
    lab.record("older", lab.server.packets(1))
    lab.record("expected", lab.expectations())


@scenario(MASQUERADE + HELPER + STATES)
def eprt_translated(lab):
    """EPRT behind MASQUERADE; a family that is not IPv4 is left alone."""
    talk = Talk(lab)
    talk.say_client(b"EPRT |2|::1|51210|\r\n")
    talk.say_client(b"EPRT |1|10.1.0.50|51210|\r\n")
    lab.record("expected", lab.expectations())


@scenario(HELPER + STATES)
def passive(lab):
    """227 and 229 make expectations towards the server."""
    talk = Talk(lab)
    talk.say_client(b"PASV\r\n", quiet=True)
    talk.say_server(b"227 Entering Passive Mode (203,0,113,50,200,10).\r\n")
    lab.record("227", lab.expectations())
    talk.say_client(b"EPSV\r\n", quiet=True)
    talk.say_server(b"229 Entering Extended Passive Mode (|||51300|)\r\n")
    lab.record("229", lab.expectations())
    lab.client.send(tcp(sport=40001, dport=51300))
    lab.record("data", lab.server.packets(1))


@scenario(HELPER + STATES)
def not_understood(lab):
    """Foreign addresses, port 0, numbers too big, lower case, text in the middle of a line."""
    talk = Talk(lab)
    for text in (b"PORT 10,1,0,99,200,10\r\n", b"PORT 10,1,0,50,0,0\r\n", b"PORT 10,1,0,50,300,10\r\n",
                 b"NOOP PORT 10,1,0,50,200,10\r\n", b"PORT 10,1,0,50,200\r\n", b"PORT 10,1,0,50,200,9,\r\n"):
        talk.say_client(text, quiet=True)
        lab.record(repr(text), lab.expectations())
    talk.say_client(b"port 10,1,0,50,200,12\r\n", quiet=True)
    lab.record("lower case", lab.expectations())


@scenario(HELPER + STATES)
def split_command(lab):
    """A command cut by the end of a segment is dropped; the whole one passes."""
    talk = Talk(lab)
    start = talk.c_seq
    talk.say_client(b"PORT 10,1,0,5", crosses=0)
    talk.c_seq = start
    talk.say_client(b"PORT 10,1,0,50,200,10\r\n")
    lab.record("expected", lab.expectations())


@scenario(HELPER + STATES)
def first_line(lab):
    """The first line of a direction is never parsed: no newline was seen before it."""
    lab.client.send(tcp(sport=40000, dport=21, seq=1000))
    lab.server.arrived()
    lab.server.send(tcp("SA", src=VS, dst=VC, sport=21, dport=40000, seq=5000, ack=1001))
    lab.client.arrived()
    lab.client.send(tcp("PA", sport=40000, dport=21, seq=1001, ack=5001, data=b"PORT 10,1,0,50,200,10\r\n"))
    lab.record("crossed", lab.server.packets(1))
    lab.record("expected", lab.expectations())


@scenario("*nat\n:PREROUTING ACCEPT\n-A PREROUTING -i lan -d 203.0.113.254/32 -p tcp -m tcp --dport 21 "
          "-j DNAT --to-destination 203.0.113.50\n" + HELPER + STATES)
def passive_translated(lab):
    """227 of a server behind DNAT carries the outer address."""
    talk = Talk.__new__(Talk)
    talk.lab = lab
    talk.c_seq, talk.c_ack, talk.s_seq, talk.s_ack = 1001, 5000, 5000, 1001
    lab.client.send(tcp(dst=ROUTER_WAN, sport=40000, dport=21, seq=1000))
    lab.server.arrived()
    talk.peer, talk.port = VC, 40000
    talk._from_server("SA", b"", count=1)
    lab.client.send(tcp("A", dst=ROUTER_WAN, sport=40000, dport=21, seq=1001, ack=5001))
    lab.server.arrived()
    talk._from_server("PA", b"220 ready\r\n")
    found = talk._from_server("PA", b"227 Entering Passive Mode (203,0,113,50,200,10).\r\n")
    lab.record("as the client reads it", [lab.text(item) for item in found])
    lab.record("expected", lab.expectations())
    lab.client.send(tcp(dst=ROUTER_WAN, sport=40001, dport=51210, seq=3000))
    lab.record("data", lab.server.packets(1))
