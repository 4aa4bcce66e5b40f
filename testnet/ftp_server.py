"""vsftpd in a namespace: anonymous, read only, passive data ports known beforehand."""

import os

CONFIG = """
listen=YES
listen_port={port}
background=NO
anonymous_enable=YES
no_anon_password=YES
anon_root={root}
local_enable=NO
write_enable=NO
connect_from_port_20=YES
pasv_min_port={pasv_low}
pasv_max_port={pasv_high}
secure_chroot_dir={empty}
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
xferlog_enable=NO
ftpd_banner=ready
"""


def start(host, directory, content=b"file content\n", port=21, pasv=(50000, 50009)):
    """Serve `content` as /file on a host; returns when it listens.

    @directory: a place for its files, which the caller removes.
    """
    root = os.path.join(directory, "ftp-root")
    empty = os.path.join(directory, "ftp-empty")
    for path in (root, empty):
        os.makedirs(path, exist_ok=True)
        os.chmod(path, 0o755)
    os.chmod(directory, 0o755)
    with open(os.path.join(root, "file"), "wb") as file:
        file.write(content)
    path = os.path.join(directory, "vsftpd-%d.conf" % port)
    with open(path, "w") as file:
        file.write(CONFIG.format(port=port, root=root, empty=empty, pasv_low=pasv[0],
                                 pasv_high=pasv[1]).lstrip())
    pid = host.start("vsftpd", path)
    host.listening(port)
    return pid
