"""The daemon waits for no reader of its output, and outlives a log file that may not grow. On the release build: a
sanitizer writes files of its own."""
import os
import resource
import subprocess
import tempfile

from daemon import PATIENCE, PROGRAM, Daemon


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
