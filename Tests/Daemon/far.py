"""Another machine, as far as interruptsyncctl can tell: a mount namespace with a /run of its own, a daemon at the usual
address, and interruptsyncctl on the PATH. With `ssh` it has a real sshd on loopback, on a port and with keys of its own;
without, it is a container, whose processes may have a user namespace, too.

OPENSSH is the folder with the files of openssh-server.
"""
import os
import shutil
import signal
import socket
import subprocess
import tempfile

from daemon import PATIENCE, PROGRAM, eventually

CTL = os.path.join(os.path.dirname(os.path.abspath(PROGRAM)), "interruptsyncctl")
OPENSSH = os.environ.get("OPENSSH", "/OPENSSH-is-not-set")
ADDRESS = "/run/interruptsync/io.interruptsync"
# Users that exist on the far side alone: one whom nothing is allowed, and one who does not find interruptsyncctl.
VISITOR = 54321
BARE = 54322

INSIDE = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/sshd /run/interruptsync /run/systemd/machines
mount -t tmpfs tmpfs /usr/local/bin
cp {ctl} /usr/local/bin/interruptsyncctl
if [ -n "{passwd}" ]; then mount --bind {passwd} /etc/passwd; fi
if [ -n "{daemon}" ]; then
  {program} --config-root {folder} --listen {address} >{folder}/daemon.log 2>&1 &
fi
: >{folder}/ready
{rest}
"""
SSHD = "LD_LIBRARY_PATH={openssh}/usr/lib/x86_64-linux-gnu:{openssh}/lib/x86_64-linux-gnu exec {openssh}/usr/sbin/sshd -D -e " \
       "-f {folder}/sshd_config 2>{folder}/sshd.log"
CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
# Where counters of coverage go, if there are any.
AcceptEnv LLVM_PROFILE_FILE
Match User bare
  SetEnv PATH=/nowhere
"""
CLIENT = """
IdentityFile {folder}/user
IdentitiesOnly yes
UserKnownHostsFile {folder}/known
StrictHostKeyChecking yes
SendEnv LLVM_PROFILE_FILE
LogLevel ERROR
"""


class FarMachine:
    """Runs until the end of its `with` block."""

    def __init__(self, lines=("far",), ssh=False, user_namespace=False, daemon=True):
        self.folder = tempfile.mkdtemp(prefix="far-")
        os.chmod(self.folder, 0o755)
        os.makedirs(self.folder + "/etc/interruptsync/devices")
        self.write("etc/interruptsync/devices/10.device", f"[Match]\nSoftwareLine={' '.join(lines)}\n")
        self.port = self.prepare_ssh() if ssh else None
        self.host = f"root@127.0.0.1:{self.port}"
        rest = SSHD.format(openssh=OPENSSH, folder=self.folder) if ssh else "exec sleep infinity"
        script = INSIDE.format(ctl=CTL, program=os.path.abspath(PROGRAM), folder=self.folder, address=ADDRESS,
                               passwd=self.folder + "/passwd" if ssh else "", daemon=daemon or "", rest=rest)
        namespaces = ["--mount"] + (["--user", "--map-root-user"] if user_namespace else [])
        self.process = subprocess.Popen(["unshare", *namespaces, "sh", "-c", script], start_new_session=True)
        eventually("the far side is ready", lambda: self.is_ready(daemon))

    def write(self, name, text, mode=0o644):
        with open(f"{self.folder}/{name}", "w") as file:
            file.write(text)
        os.chmod(f"{self.folder}/{name}", mode)

    def read(self, name):
        with open(f"{self.folder}/{name}", errors="replace") as file:
            return file.read()

    def prepare_ssh(self):
        for name in "host", "user":
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/{name}"], check=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with open("/etc/passwd") as file:
            users = file.read()
        self.write("passwd", f"{users}sshd:*:54320:65534::/run/sshd:/usr/sbin/nologin\n"
                             f"visitor:*:{VISITOR}:65534::/:/bin/sh\nbare:*:{BARE}:65534::/:/bin/sh\n")
        self.write("sshd_config", CONFIG.format(folder=self.folder, port=port))
        self.write("known", f"[127.0.0.1]:{port} {self.read('host.pub')}")
        self.write("ssh_config", CLIENT.format(folder=self.folder))
        # interruptsyncctl takes the first ssh on the PATH; each start of it is noted.
        os.mkdir(self.folder + "/bin")
        self.write("bin/ssh", f'#!/bin/sh\necho "$@" >>{self.folder}/started\n'
                              f'exec {shutil.which("ssh")} -F {self.folder}/ssh_config "$@"\n', 0o755)
        self.write("started", "")
        return port

    def is_ready(self, daemon):
        assert self.process.poll() is None, f"the far side ended: {self.said()}"
        if not os.path.exists(self.folder + "/ready"):
            return False
        if daemon and not os.path.exists(self.inside(ADDRESS)):
            return False
        if self.port is None:
            return True
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def said(self):
        names = [name for name in ("sshd.log", "daemon.log") if os.path.exists(f"{self.folder}/{name}")]
        return "".join(f"{name}:\n{self.read(name)}" for name in names)

    def inside(self, path):
        """The path from here."""
        return f"/proc/{self.process.pid}/root{path}"

    def register(self, name, leader, kind="container"):
        """As systemd-machined keeps a machine."""
        with open(self.inside(f"/run/systemd/machines/{name}"), "w") as file:
            file.write(f"# This is private data. Do not parse.\nNAME={name}\nLEADER={leader}\nCLASS={kind}\n")

    @property
    def environment(self):
        return {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}

    def ctl(self, *arguments, **options):
        """interruptsyncctl here, with the ssh that knows the far side's keys."""
        return subprocess.run([CTL, *arguments], capture_output=True, text=True, timeout=PATIENCE, env=self.environment,
                              stdin=subprocess.DEVNULL, **options)

    def start(self, *arguments):
        return subprocess.Popen([CTL, *arguments], stdout=subprocess.PIPE, text=True, env=self.environment,
                                stdin=subprocess.DEVNULL)

    def bridges(self):
        """The processes of the far side that carry connections."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                here = os.readlink(f"/proc/{name}/ns/mnt") == os.readlink(f"/proc/{self.process.pid}/ns/mnt")
            except OSError:
                continue
            if here and words[:2] == [b"interruptsyncctl", b"bridge"]:
                found.append(int(name))
        return found

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print(self.said())
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(PATIENCE)
        eventually("the end of the far side", self.has_ended)
        shutil.rmtree(self.folder)

    def has_ended(self):
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False
