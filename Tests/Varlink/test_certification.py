"""The protocol judged from outside. Python's varlink package brings the certification's interface and both sides of it:
its client calls our service, our client calls its service, and its command line calls ours. asyncvarlink does the same
with descriptors. CERTIFICATION is our program, both sides."""
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest
import varlink
import varlink.tests.test_certification as judge

PROGRAM = os.environ["CERTIFICATION"]
INTERFACE = str(pathlib.Path(judge.__file__).with_name("org.varlink.certification.varlink"))
FILES = str(pathlib.Path(__file__).with_name("files.py"))
# Long enough for a loaded machine; nothing waits so long on purpose.
PATIENCE = 60


def run(*command):
    """What a program prints that must end with 0 in time."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def listens(path):
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        return False
    return True


class Service:
    """A program that serves at `path` until the test ends, and what it has said."""

    def __init__(self, folder, name, *command):
        self.path = f"{folder}/{name}"
        self.address = f"unix:{self.path}"
        self.log = pathlib.Path(f"{self.path}.log")
        with self.log.open("w") as log:
            arguments = [part.format(path=self.path, address=self.address) for part in command]
            self.process = subprocess.Popen(arguments, stdout=log, stderr=subprocess.STDOUT)
        end = time.monotonic() + PATIENCE
        while not listens(self.path):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, f"{command} does not listen at {self.path}"
            time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def ours(tmp_path):
    """Our service, which must find nothing amiss with its clients."""
    with Service(tmp_path, "ours", PROGRAM, "serve", "{address}", INTERFACE) as service:
        yield service
        assert service.log.read_text() == ""


@pytest.fixture
def theirs(tmp_path):
    with Service(tmp_path, "theirs", sys.executable, judge.__file__, "--varlink={address}") as service:
        yield service


@pytest.mark.parametrize("times", [1, 2])
def test_pythons_client_certifies_our_service(ours, times):
    for _ in range(times):
        assert "Certification passed" in run(sys.executable, judge.__file__, "--client", f"--varlink={ours.address}")


@pytest.mark.parametrize("name", ["org.varlink.service", "org.varlink.certification"])
def test_pythons_command_line_reads_our_description(ours, name):
    assert f"interface {name}" in run(sys.executable, "-m", "varlink.cli", "help", f"{ours.address}/{name}")


def test_pythons_client_sees_our_errors(ours):
    with varlink.Client(ours.address) as client:
        with client.open("org.varlink.certification") as connection:
            with pytest.raises(varlink.VarlinkError) as caught:
                connection.Test01("an id that was never given out")
            assert caught.value.error() == "org.varlink.certification.ClientIdError"
            with pytest.raises(varlink.VarlinkError) as caught:
                connection.Test02(connection.Start()["client_id"], True)
            assert caught.value.error() == "org.varlink.certification.CertificationError"
        with client.open("org.varlink.service") as connection:
            with pytest.raises(varlink.InterfaceNotFound) as caught:
                connection.GetInterfaceDescription("org.example.none")
            assert caught.value.parameters()["interface"] == "org.example.none"


@pytest.mark.parametrize("times", [1, 2])
def test_pythons_service_certifies_our_client(theirs, times):
    for _ in range(times):
        assert "Certification passed" in run(PROGRAM, "call", theirs.address, INTERFACE)


def test_our_service_certifies_our_client(ours):
    assert "Certification passed" in run(PROGRAM, "call", ours.address, INTERFACE)


def test_asyncvarlink_passes_files_through_our_service(ours):
    assert "Files passed" in run(sys.executable, FILES, "call", ours.path)


def test_our_client_passes_files_through_asyncvarlink(tmp_path):
    with Service(tmp_path, "files", sys.executable, FILES, "serve", "{path}") as files:
        assert "Files passed" in run(PROGRAM, "pass", files.address, INTERFACE)


def test_our_client_passes_files_through_our_service(ours):
    assert "Files passed" in run(PROGRAM, "pass", ours.address, INTERFACE)
