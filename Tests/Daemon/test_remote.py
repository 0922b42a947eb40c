"""interruptsyncctl --host and --machine: over a real sshd, and into the namespaces of a container."""
import json
import os
import signal
import subprocess

import pytest
from daemon import NOBODY, Daemon, eventually
from far import ADDRESS, CTL, FarMachine


@pytest.fixture(scope="module")
def far():
    with FarMachine(ssh=True) as machine:
        yield machine


def in_machine(far, *arguments, user=None):
    """interruptsyncctl in the far side's mount namespace, where its machines are registered."""
    become = ["setpriv", f"--reuid={user}", "--clear-groups"] if user else []
    return subprocess.run(
        ["nsenter", f"--target={far.process.pid}", "--mount", *become, CTL, *arguments],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)


def total(far, *place):
    ran = far.ctl(*place, "stats", "far", "--json")
    assert ran.returncode == 0, ran
    return json.loads(ran.stdout)["statistics"][0]["interrupts"]


def test_each_command_without_descriptors_works_over_ssh(far):
    place = ["-H", far.host]
    listed = far.ctl(*place, "list", "--json")
    assert [device["id"] for device in json.loads(listed.stdout)["devices"]] == ["far"], listed
    assert "running: 1 device" in far.ctl(*place, "status").stdout
    before = total(far, *place)
    raised = far.ctl(f"--host={far.host}", "trigger", "far", "-n", "3")
    assert raised.returncode == 0 and "raised 3 interrupts" in raised.stderr, raised
    eventually("three interrupts", lambda: total(far, *place) == before + 3)
    for command in (
        ["info", "far"], ["stats"], ["histogram", "far"], ["histogram", "far", "--reset"], ["top", "--interval", "50ms"],
        ["metrics"], ["reload"], ["set", "far", "--mode", "all"], ["transact", "far", "read", "bar0:0/32"],
        ["disconnect", "far"], ["connect", "far"], ["wait", "far", "--timeout", "20"], ["call", "ListDevices"],
        ["introspect"],
    ):
        ran = far.ctl(*place, *command)
        if command[0] == "transact":
            assert ran.returncode == 1 and "no registers" in ran.stderr, ran
        else:
            assert ran.returncode == 0, ran


def test_an_answer_longer_than_every_buffer_comes_whole():
    lines = [f"line{number:04}" for number in range(1000)]
    with FarMachine(lines, ssh=True) as far:
        ran = far.ctl("-H", far.host, "list", "--json")
        assert len(ran.stdout) > 1 << 17
        assert sorted(device["id"] for device in json.loads(ran.stdout)["devices"]) == lines


def test_streams_come_over_ssh_as_they_happen(far):
    place = ["-H", far.host]
    watch = far.start(*place, "monitor", "far", "-n", "2", "-o", "json")
    waiting = far.start(*place, "wait", "far", "--for", "interrupt", "-n", "4", "--timeout", "50")

    def raise_one():
        far.ctl(*place, "trigger", "far")
        return watch.poll() is not None and waiting.poll() is not None

    eventually("the ends of both", raise_one)
    assert watch.returncode == 0 and waiting.returncode == 0
    for line in watch.stdout.read().splitlines():
        assert json.loads(line)["interrupts"] >= 1 and json.loads(line)["time"].endswith("Z")


def test_what_needs_a_descriptor_or_this_machine_says_so_and_connects_nowhere(far):
    before = far.read("started")
    for command, why in [
        (["attach", "far"], "does not leave a machine"),
        (["watch", "far", "--all"], "shares with the daemon"),
        (["adopt", "uio0"], "do not leave a machine"),
        (["bind", "1234:11e8"], "the machine that it runs on"),
        (["unbind", "1234:11e8"], "the machine that it runs on"),
        (["list", "--all"], "the machine that it runs on"),
        (["new", "1234:11e8"], "the machine that it runs on"),
        (["edit", "1234:11e8"], "the machine that it runs on"),
        (["doctor"], "the machine that it runs on"),
    ]:
        for place in ["-H", far.host], ["-M", "somewhere"]:
            ran = far.ctl(*place, *command)
            assert ran.returncode == 2 and why in ran.stderr and "run it there" in ran.stderr, ran
            assert ran.stdout == ""
    assert far.read("started") == before


def test_the_far_sides_user_has_that_users_rights(far):
    visitor = ["-H", f"visitor@127.0.0.1:{far.port}"]
    os.chmod(far.inside(ADDRESS), 0o660)
    ran = far.ctl(*visitor, "list")
    assert ran.returncode == 77 and "closed to you there" in ran.stderr, ran
    os.chmod(far.inside(ADDRESS), 0o666)
    assert "far" in far.ctl(*visitor, "list").stdout
    ran = far.ctl(*visitor, "trigger", "far")
    assert ran.returncode == 77 and "raised" not in ran.stderr, ran
    os.chmod(far.inside(ADDRESS), 0o664)


def test_what_is_wrong_on_the_way_is_told_apart(far):
    with FarMachine(ssh=True, daemon=False) as empty:
        ran = empty.ctl("-H", empty.host, "list")
        assert ran.returncode == 1 and "no daemon listens there" in ran.stderr and "start it there" in ran.stderr, ran
        assert empty.ctl("-H", empty.host, "status").returncode == 3
        # Another address on the far side.
        ran = far.ctl("-H", far.host, "--address", "/nowhere/it's", "list")
        assert ran.returncode == 1 and "no daemon listens there" in ran.stderr, ran
        port = empty.port
    ran = far.ctl("-H", f"root@127.0.0.1:{port}", "list")
    assert ran.returncode == 1 and "ssh failed with status 255" in ran.stderr and "hint:" in ran.stderr, ran
    assert "Connection refused" in ran.stderr, "ssh's own message is shown"
    ran = far.ctl("-H", f"bare@127.0.0.1:{far.port}", "list")
    assert ran.returncode == 1 and "interruptsyncctl was not found there" in ran.stderr, ran
    for place in "-oProxyCommand=x", "", "user@", "host:0", "host:x", "host/../x":
        assert far.ctl("-H", place, "list").returncode == 2, place
    assert far.ctl("-H", far.host, "-M", "x", "list").returncode == 2
    ran = subprocess.run([CTL, "-H", "somewhere", "list"], env={**os.environ, "PATH": "/nowhere"},
                         capture_output=True, text=True)
    assert ran.returncode == 1 and "install it: ssh" in ran.stderr, ran


def test_a_program_that_is_killed_leaves_no_connection(far):
    eventually("no connection", lambda: not far.bridges())
    watch = far.start("-H", far.host, "watch", "far")
    # One connection of the program, and one of the stream.
    eventually("both connections", lambda: len(far.bridges()) == 2)
    watch.send_signal(signal.SIGKILL)
    watch.wait()
    eventually("the ends of both", lambda: not far.bridges())


def test_a_bridge_carries_any_client_and_ends_with_the_daemon():
    with Daemon() as daemon:
        bridge = subprocess.Popen([CTL, "bridge", "--address", daemon.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def ask(method, **parameters):
            call = {"method": f"io.interruptsync.{method}", "parameters": parameters}
            bridge.stdin.write(json.dumps(call).encode() + b"\0")
            bridge.stdin.flush()
            answer = b""
            while not answer.endswith(b"\0"):
                answer += bridge.stdout.read1()
            return json.loads(answer[:-1])

        assert ask("ListDevices")["parameters"]["devices"][0]["id"] == "soft"
        # Its descriptors stay behind, and nothing else is lost.
        assert ask("Subscribe", device="soft")["parameters"]["ring"] == 0
        open_files = os.listdir(f"/proc/{bridge.pid}/fd")
        assert len(open_files) == 4, open_files
        assert ask("ListDevices")["parameters"]["devices"][0]["id"] == "soft"
        # Calls of both directions at once: more than the sockets hold.
        calls = json.dumps({"method": "io.interruptsync.GetMetrics"}).encode() + b"\0"
        many = subprocess.run([CTL, "bridge", "--address", daemon.path], input=calls * 2000, capture_output=True, timeout=60)
        assert many.returncode == 0 and many.stdout.count(b"\0") == 2000, many.returncode
        assert answers_through_a_pipe_that_does_not_block(daemon, calls, 500) == 500
        bridge.stdin.close()
        assert bridge.wait(60) == 0
    missing = subprocess.run([CTL, "bridge", "--address", "/nowhere/socket"], capture_output=True, stdin=subprocess.DEVNULL)
    assert missing.returncode == 3 and missing.stderr == b"" == missing.stdout, missing


def answers_through_a_pipe_that_does_not_block(daemon, call, count):
    """As another process may have set it. The answers are more than it holds, and the calls are not."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    bridge = subprocess.Popen([CTL, "bridge", "--address", daemon.path], stdin=subprocess.PIPE, stdout=writing)
    os.close(writing)
    bridge.stdin.write(call * count)
    bridge.stdin.close()
    with open(reading, "rb") as pipe:
        answers = pipe.read().count(b"\0")
    assert bridge.wait(60) == 0
    return answers


@pytest.mark.parametrize("user_namespace", [False, True])
def test_a_container_is_entered_by_its_name(far, user_namespace):
    with FarMachine(["inner"], user_namespace=user_namespace) as container:
        far.register("box", container.process.pid)
        ran = in_machine(far, "-M", "box", "list")
        assert ran.returncode == 0 and "inner" in ran.stdout and "far" not in ran.stdout, ran
        # Root here is root there, also where the container has users of its own.
        assert in_machine(far, "--machine=box", "trigger", "inner").returncode == 0
        # This machine's address does not count there.
        inherited = ["env", "INTERRUPTSYNC_ADDRESS=/nowhere/socket"]
        ran = subprocess.run(["nsenter", f"--target={far.process.pid}", "--mount", *inherited, CTL, "-M", "box", "status"],
                             capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran
        # From another machine, in two steps.
        ran = far.ctl("-H", f"{far.host}/box", "list")
        assert ran.returncode == 0 and "inner" in ran.stdout, ran
        ran = in_machine(far, "-M", "box", "list", user=NOBODY)
        assert ran.returncode == 77 and "only root" in ran.stderr, ran


def test_a_machine_that_is_no_container_is_told_apart(far):
    ran = in_machine(far, "-M", "nowhere", "list")
    assert ran.returncode == 1 and "knows no such machine" in ran.stderr, ran
    far.register("guest", far.process.pid, kind="vm")
    ran = in_machine(far, "-M", "guest", "list")
    assert ran.returncode == 1 and "virtual machine" in ran.stderr and "--host" in ran.stderr, ran
    ran = in_machine(far, "-M", ".host", "list")
    assert ran.returncode == 0 and "far" in ran.stdout, ran
    for name in "../far", "", ".hidden", "a/b":
        assert in_machine(far, "-M", name, "list").returncode == 2, name
