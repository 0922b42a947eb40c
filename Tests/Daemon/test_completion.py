"""What bash, zsh and fish complete when someone presses the Tab key: the shells themselves, at a terminal. The names of
devices have colons, which are special to bash and to zsh."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest
from daemon import PATIENCE
from far import CTL, FarMachine

DEVICES = ["pci-0000:00:03.0", "pci-0000:00:04.0", "pci-0000:00:14.0", "beat"]


class Service(threading.Thread):
    """A service that knows devices like those of a machine with cards."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(16)
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                text = b""
                while byte := stream.read(1):
                    text += byte
                    if byte == b"\0":
                        stream.write(self.answer(json.loads(text[:-1])))
                        stream.flush()
                        text = b""

    @staticmethod
    def answer(call):
        parameters = {}
        if call["method"].endswith("ListDevices"):
            parameters["devices"] = [
                {"id": name, "name": name, "state": "connected", "routines": [], "regions": [], "captures": []}
                for name in DEVICES]
        return json.dumps({"parameters": parameters}).encode() + b"\0"

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Terminal:
    """A shell with someone at the keyboard, who types ahead: the shell reads on when it has completed."""

    COMMANDS = {
        "bash": ["bash", "--norc", "--noprofile", "-i"],
        "zsh": ["zsh", "-f", "-i"],
        "fish": ["fish", "--no-config", "-i"],
    }
    START = {
        "bash": "bind 'set enable-bracketed-paste off'; source {script}",
        "zsh": "fpath=({folder} $fpath); autoload -U compinit; compinit -u",
        "fish": "set -g fish_autosuggestion_enabled 0; source {script}",
    }

    def __init__(self, shell, folder, environment):
        script = f"{folder}/_interruptsyncctl"
        with open(script, "w") as file:
            subprocess.run([CTL, "--generate-completion-script", shell], stdout=file, check=True)
        os.symlink(CTL, f"{folder}/interruptsyncctl")
        command = self.COMMANDS[shell]
        assert shutil.which(command[0]), f"{shell} is not installed"
        environment = {**environment, "HOME": str(folder), "TERM": "xterm", "PATH": f"{folder}:{environment['PATH']}"}
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.execvpe(command[0], command, environment)
        # Wide enough for every line.
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 240, 0, 0))
        self.said = ""
        self.type(self.START[shell].format(folder=folder, script=script) + "; echo re''ady\r")
        self.expect("(ready)")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def expect(self, pattern):
        """The text in the pattern's brackets, once it has come."""
        end = time.monotonic() + PATIENCE
        while not (found := re.findall(pattern, self.plain())):
            assert time.monotonic() < end, f"no {pattern!r} in {self.plain()!r}"
            if select.select([self.terminal], [], [], 1)[0]:
                self.said += os.read(self.terminal, 65536).decode(errors="replace")
        return found[-1]

    def plain(self):
        """Without what moves the cursor or colours."""
        return re.sub(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\\\)|[()].|[=>78])", "", self.said)

    def completed(self, line):
        """The words of the command that Tab makes of `line`, as a program gets them: shells quote as they like."""
        self.said = ""
        self.type(f"{line}\t\x01printf '<%s>' \x05 ; echo do''ne\r")
        return self.expect(r"<([^\r\n]*)>done").split("><")

    def close(self):
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.terminal)


@pytest.fixture
def service(tmp_path):
    path = str(tmp_path / "socket")
    service = Service(path)
    yield path
    service.close()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_names_with_colons_are_completed_at_the_keyboard(shell, service, tmp_path):
    folder = tmp_path / "home"
    folder.mkdir()
    terminal = Terminal(shell, folder, {**os.environ, "INTERRUPTSYNC_ADDRESS": service})
    try:
        for typed, whole in [
            ("info be", "beat"), ("info pci-0000:00:1", "pci-0000:00:14.0"), ("watch pci-0000:00:04", "pci-0000:00:04.0"),
            ("stats p", "pci-0000:00:"), ("transact pci-0000:00:03", "pci-0000:00:03.0"),
        ]:
            command = typed.split()[0]
            assert terminal.completed(f"interruptsyncctl {typed}") == ["interruptsyncctl", command, whole], typed
    finally:
        terminal.close()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_names_of_another_machine_are_completed_at_the_keyboard(shell, tmp_path):
    with FarMachine(["distant"], ssh=True) as far:
        terminal = Terminal(shell, tmp_path, far.environment)
        try:
            line = f"interruptsyncctl info -H {far.host} dis"
            assert terminal.completed(line) == ["interruptsyncctl", "info", "-H", far.host, "distant"]
        finally:
            terminal.close()


def test_completion_does_not_wait_for_a_machine_that_hangs(tmp_path):
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nexec sleep 1000\n")
    ssh.chmod(0o755)
    words = ["interruptsyncctl", "-H", "root@bench", "info", ""]
    ran = subprocess.run([CTL, "---completion", "info", "--", "positional@0", "0", "0", *words], capture_output=True,
                         text=True, timeout=60, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert (ran.returncode, ran.stdout.strip()) == (0, ""), ran
