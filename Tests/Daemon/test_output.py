"""The daemon outlives a log file that may not grow. On the release build: a sanitizer writes files of its own."""
import resource
import subprocess
import tempfile

from daemon import PATIENCE, PROGRAM


def test_a_log_file_that_may_not_grow_does_not_end_the_daemon():
    def limit():
        # A write beyond the limit raises SIGXFSZ.
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    with tempfile.TemporaryDirectory() as folder, open(folder + "/log", "w") as log:
        ran = subprocess.run(
            [PROGRAM, "--for", "1.5", "--config-root", folder], stdout=log, stderr=log, preexec_fn=limit, timeout=PATIENCE)
        assert ran.returncode == 0
