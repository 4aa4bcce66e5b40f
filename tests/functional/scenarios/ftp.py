"""FTP with real programs: vsftpd on the server, curl on the client.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server (vsftpd)

FORWARD drops all but the control connection and what is RELATED to it, so a file
arrives only if the helper understood the dialogue.
"""

from testnet import ftp_server
from testnet.packets import CLIENT, ROUTER_WAN, SERVER
from testnet.scenario import scenario

HELPER = """
*raw
:PREROUTING ACCEPT
-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp
"""
ONLY_RELATED = """
*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -p tcp -m conntrack --ctstate RELATED -j ACCEPT
-A FORWARD -p tcp -m tcp --dport 21 -m conntrack --ctstate NEW -j ACCEPT
"""
FIREWALL = HELPER + ONLY_RELATED
MASQUERADE = "*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j MASQUERADE\n"
FORWARD = ("*nat\n:PREROUTING ACCEPT\n"
           "-A PREROUTING -i wan -d 203.0.113.254/32 -p tcp -m tcp --dport 21 -j DNAT --to-destination 10.1.0.1\n")
WAYS = {
    "pasv": ["--disable-epsv"],
    "epsv": ["--ftp-pasv"],
    "port": ["--disable-eprt", "--ftp-port"],
    "eprt": ["--eprt", "--ftp-port"],
}
HIDDEN = "sport dport"


def fetch(lab, client, server_address, way, own_address):
    """Fetch the file with curl: exit status and what came; the connections it left."""
    options = WAYS[way] + ([own_address + ":46000-46009"] if "--ftp-port" in WAYS[way] else [])
    status, out, error = client.run(
        "curl", "-s", "-S", "--max-time", "4", "--local-port", "40100-40120", *options,
        "ftp://%s/file" % server_address)
    lab.record(way, ["exit %d" % status, out, error.strip()])
    lab.wait(lambda: not any(" ESTABLISHED " in line or "_ACK" in line or "_WAIT" in line.replace("TIME_WAIT", "")
                             for line in lab.connections()))


@scenario(FIREWALL, fuzzy=True, mask=HIDDEN, params=list(WAYS))
def plain(lab, way):
    """Each way of opening the data connection, no NAT."""
    ftp_server.start(lab.server, lab.directory)
    fetch(lab, lab.client, SERVER, way, CLIENT)


@scenario(MASQUERADE + FIREWALL, fuzzy=True, mask=HIDDEN, params=list(WAYS))
def masqueraded(lab, way):
    """Each way with the client behind MASQUERADE: addresses in PORT and EPRT are rewritten."""
    ftp_server.start(lab.server, lab.directory)
    fetch(lab, lab.client, SERVER, way, CLIENT)


@scenario(FORWARD + FIREWALL, fuzzy=True, mask=HIDDEN, params=list(WAYS))
def port_forward(lab, way):
    """Each way with the server behind a port forward: addresses in 227 are rewritten."""
    ftp_server.start(lab.client, lab.directory)
    fetch(lab, lab.server, ROUTER_WAN, way, SERVER)


@scenario(ONLY_RELATED, fuzzy=True, end=False, params=["pasv", "port"])
def without_helper(lab, way):
    """Without a helper the data connection is not RELATED and the transfer fails."""
    ftp_server.start(lab.server, lab.directory)
    options = WAYS[way] + ([CLIENT + ":46000-46009"] if way == "port" else [])
    status, out, _error = lab.client.run(
        "curl", "-s", "--max-time", "1", "--local-port", "40100-40120", *options, "ftp://%s/file" % SERVER)
    lab.record(way, [status != 0, out])
    lab.record("nothing RELATED", [line for line in lab.saved_rules() if "RELATED" in line])



@scenario(MASQUERADE + ONLY_RELATED, fuzzy=True,
          mask=HIDDEN, helpers={"ftp": "21,2121"}, params=["pasv", "port"])
def by_configuration(lab, way):
    """The helper comes from [helper ftp] of the configuration, no rule in raw."""
    ftp_server.start(lab.server, lab.directory)
    fetch(lab, lab.client, SERVER, way, CLIENT)


@scenario(MASQUERADE + FIREWALL, fuzzy=True, mask=HIDDEN)
def several_files(lab):
    """Many transfers on one control connection, with lftp."""
    ftp_server.start(lab.server, lab.directory)
    script = "set net:timeout 3; set net:max-retries 1; set ftp:passive-mode %s; open -p 21 " + SERVER + "; " \
        + "cat file; cat file; cat file; bye"
    for mode in ("on", "off"):
        status, out, error = lab.client.run("lftp", "-c", script % mode)
        lab.record("passive " + mode, ["exit %d" % status, out, error])
    lab.wait(lambda: not any(" ESTABLISHED " in line or "_ACK" in line or "_WAIT" in line.replace("TIME_WAIT", "")
                             for line in lab.connections()))
