"""The daemon waits for no reader of its output, and outlives a log file that may not grow. On the release build: a
sanitizer writes files of its own."""
import os
import resource
import subprocess
import tempfile

from daemon import PATIENCE, PROGRAM, Daemon, eventually


def test_a_log_file_that_may_not_grow_does_not_end_the_daemon():
    def limit():
        # A write beyond the limit raises SIGXFSZ.
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    with tempfile.TemporaryDirectory() as folder, open(folder + "/log", "w") as log:
        ran = subprocess.run(
            [PROGRAM, "--for", "1.5", "--config-root", folder], stdout=log, stderr=log, preexec_fn=limit, timeout=PATIENCE)
        assert ran.returncode == 0


def test_a_reader_of_the_output_that_has_stopped_stops_no_client():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    with Daemon(output=writing) as daemon, daemon.wire() as wire:
        wire.call("Reload")
        daemon.still_dispatches()
        # With room again it tells what was lost.
        text = b""
        while b"lost: no room was left" not in text:
            os.set_blocking(reading, False)
            try:
                text += os.read(reading, 1 << 20)
            except BlockingIOError:
                wire.call("Reload")
        os.set_blocking(reading, True)
    os.close(reading)
    os.close(writing)


def test_a_daemon_that_listens_prints_a_line_a_second_as_well():
    with Daemon() as daemon:
        eventually("the line of two seconds", lambda: daemon.log.count("soft: connected, ") >= 2)


def test_a_quiet_daemon_prints_no_statistics():
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(folder + "/etc/interruptsync/devices")
        with open(folder + "/etc/interruptsync/devices/soft.device", "w") as file:
            file.write("[Match]\nSoftwareLine=soft\n")
        for option, lines in [("--quiet", 0), ("--json", 2)]:
            ran = subprocess.run(
                [PROGRAM, option, "--for", "1.5", "--config-root", folder, "--listen", folder + "/socket"],
                stdout=subprocess.PIPE, timeout=PATIENCE, check=True)
            # That of the first second, and that of the end.
            assert len(ran.stdout.splitlines()) == lines, ran.stdout
