"""A laboratory of network namespaces that plays one scenario on two routers.

Idea
----
Linux is the judge of what Tapgate must do.  A *scenario* is a short Python
function that sends traffic and records what it saw.  The runner plays it once
in a `KernelLab`, where a namespace of the Linux kernel routes with
iptables-legacy, and once in a `TapgateLab`, where `tapgate run` does, with the
same rules, addresses, MAC addresses and sysctls; then it compares the records.

    client                    router                     server
    10.1.0.1 ----lan---- 10.1.0.254
                         203.0.113.254 ----wan---- 203.0.113.1
                         192.0.2.254
    dmz                       |
    192.0.2.1 ------dmz-------+

Each of client, server and dmz is a namespace with a random suffix.  The router
side of the links is named `lan`, `wan` and `dmz`: the names that rules use.
Beside its own address every host plays "virtual" hosts, .50 to .59 of its
network: the host's process answers ARP for them, its kernel knows nothing of
them, so hand-built packets from and to them meet no stack that would answer.

Reading order: `topology` (names and numbers), `scenario` (what a scenario is),
`lab` (what it can ask), `host` (what an end can do), `kernel_lab` and
`tapgate_lab` (the two routers), `resident`, `services` and `frames` (the process
inside each namespace), `text` and `compare` (records and their comparison).
"""
