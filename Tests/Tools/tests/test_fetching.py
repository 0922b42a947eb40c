"""What the tests fetch: only what must match is matched, and another program's lock is waited for."""
import fcntl
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
RIG = ROOT / "Tests/Hardware/rig"


def stanza(package, version, depends="", architecture="amd64"):
    """One package as the archive's index describes it."""
    lines = [
        f"Package: {package}", f"Version: {version}", f"Architecture: {architecture}",
        "Maintainer: Tests <tests@example.org>", f"Filename: ./{package}_{version}_{architecture}.deb", "Size: 1",
        "SHA256: " + "0" * 64, "Description: for a test"]
    if depends:
        lines.insert(3, f"Depends: {depends}")
    if architecture == "all" or package.startswith("linux-kbuild"):
        lines.insert(3, "Multi-Arch: foreign")
    return "\n".join(lines) + "\n"


def kernel(release, version, kbuild_depends, architecture="amd64"):
    """The index's entries of one kernel, as Debian's packages depend on each other."""
    return [
        stanza(f"linux-image-{release}-{architecture}", version, architecture=architecture),
        stanza(f"linux-headers-{release}-common", version, architecture="all"),
        stanza(f"linux-headers-{release}-{architecture}", version,
               f"linux-headers-{release}-common (= {version}), {kbuild_depends}", architecture),
    ]


@pytest.fixture
def archive(tmp_path):
    """A function that makes an archive of the entries it is given, and the environment in which apt knows only it."""

    def make(*entries):
        repository, state = tmp_path / "repository", tmp_path / "state"
        for folder in (repository, state / "lists/partial", tmp_path / "cache/archives/partial"):
            folder.mkdir(parents=True, exist_ok=True)
        (repository / "Packages").write_text("\n".join(entries))
        (tmp_path / "sources.list").write_text(f"deb [trusted=yes] file:{repository} ./\n")
        settings = {
            "Dir::Etc::SourceList": tmp_path / "sources.list", "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": state / "lists", "Dir::State::Status": "/dev/null", "Dir::Cache": tmp_path / "cache",
            "APT::Sandbox::User": "root", "APT::Architecture": "amd64", "APT::Architectures::": "amd64"}
        (tmp_path / "apt.conf").write_text("".join(f'{key} "{value}";\n' for key, value in settings.items()))
        environment = {**os.environ, "APT_CONFIG": str(tmp_path / "apt.conf"), "APT_PATIENCE": "60",
                       "INTERRUPTSYNC_CACHE": str(tmp_path / "rig")}
        subprocess.run([ROOT / "Tests/Tools/apt", "-q", "update"], env=environment, check=True, capture_output=True)
        return environment

    return make


def parts(environment, series, before=""):
    """What the rig would take of a kernel: package to version; None when no kernel is complete."""
    shell = subprocess.run(
        ["bash", "-c", f'. "{RIG}/lib.sh"; {before} kernel_packages {series}'], env=environment, capture_output=True,
        text=True)
    return dict(line.split("=", 1) for line in shell.stdout.split()) if shell.returncode == 0 else None


def test_a_package_that_moved_on_is_taken_as_its_dependants_accept_it(archive):
    environment = archive(
        *kernel("6.1.0-9", "6.1.90-2", "linux-kbuild-6.1 (>= 6.1.90-2)"),
        stanza("linux-kbuild-6.1", "6.1.90-3"), stanza("linux-source-6.1", "6.1.90-3"))
    assert parts(environment, "6.1") == {
        "linux-image-6.1.0-9-amd64": "6.1.90-2", "linux-headers-6.1.0-9-common": "6.1.90-2",
        "linux-headers-6.1.0-9-amd64": "6.1.90-2", "linux-kbuild-6.1": "6.1.90-3", "linux-source-6.1": "6.1.90-3"}


def test_a_package_whose_dependants_want_one_version_is_taken_in_that_version(archive):
    environment = archive(
        *kernel("6.1.0-9", "6.1.90-2", "linux-kbuild-6.1 (= 6.1.90-2)"),
        stanza("linux-kbuild-6.1", "6.1.90-2"), stanza("linux-source-6.1", "6.1.90-2"))
    assert parts(environment, "6.1")["linux-kbuild-6.1"] == "6.1.90-2"


def test_a_kernel_whose_parts_the_archive_lacks_yields_to_the_one_before_it(archive):
    environment = archive(
        *kernel("6.1.0-9", "6.1.90-1", "linux-kbuild-6.1 (>= 6.1.90-1)"),
        *kernel("6.1.0-10", "6.1.95-1", "linux-kbuild-6.1 (>= 6.1.95-1)"),
        stanza("linux-kbuild-6.1", "6.1.90-1"), stanza("linux-source-6.1", "6.1.90-1"))
    assert "linux-image-6.1.0-9-amd64" in parts(environment, "6.1")


def test_the_newest_complete_kernel_is_taken_by_number_not_by_letter(archive):
    environment = archive(
        *kernel("6.1.0-9", "6.1.90-1", "linux-kbuild-6.1 (>= 6.1.90-1)"),
        *kernel("6.1.0-10", "6.1.95-1", "linux-kbuild-6.1 (>= 6.1.95-1)"),
        stanza("linux-kbuild-6.1", "6.1.95-1"), stanza("linux-source-6.1", "6.1.95-1"))
    assert "linux-image-6.1.0-10-amd64" in parts(environment, "6.1")


def test_an_archive_without_a_complete_kernel_is_a_failure(archive):
    environment = archive(*kernel("6.1.0-9", "6.1.90-1", "linux-kbuild-6.1 (>= 6.1.90-1)"))
    assert parts(environment, "6.1") is None


def test_another_architectures_kernel_is_taken_with_what_builds_for_it_here(archive):
    depends = "linux-kbuild-6.1 (>= 6.1.90-2)"
    environment = archive(
        *kernel("6.1.0-9", "6.1.90-2", depends), *kernel("6.1.0-8", "6.1.90-2", depends, "arm64"),
        *kernel("6.1.0-7", "6.1.90-2", depends, "arm64"), stanza("linux-source-6.1", "6.1.90-4", architecture="all"),
        stanza("linux-kbuild-6.1", "6.1.90-3"), stanza("linux-kbuild-6.1", "6.1.90-3", architecture="arm64"))
    assert parts(environment, "6.1 arm64", "know_packages_of arm64; refresh_lists;") == {
        "linux-image-6.1.0-8-arm64:arm64": "6.1.90-2", "linux-headers-6.1.0-8-common": "6.1.90-2",
        "linux-headers-6.1.0-8-arm64:arm64": "6.1.90-2", "linux-kbuild-6.1": "6.1.90-3",
        "linux-source-6.1": "6.1.90-4"}
    assert "linux-image-6.1.0-9-amd64" in parts(environment, "6.1")


def test_another_architectures_lists_are_the_rigs_own(archive, tmp_path):
    environment = archive(*kernel("6.1.0-9", "6.1.90-2", "linux-kbuild-6.1", "arm64"))
    machines = sorted((tmp_path / "state").rglob("*"))
    script = f'. "{RIG}/lib.sh"; know_packages_of arm64; refresh_lists; know_packages_of arm64; apt-config dump'
    shell = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert [line for line in shell.stdout.splitlines() if line.startswith("APT::Architectures::")] == [
        'APT::Architectures:: "amd64";', 'APT::Architectures:: "arm64";']
    assert f'Dir::State::lists "{tmp_path}/rig/apt-arm64/lists";' in shell.stdout
    assert (tmp_path / "rig/apt-arm64/lists/lock").exists()
    assert sorted((tmp_path / "state").rglob("*")) == machines


def apt_update(environment, **more):
    return subprocess.Popen(
        [ROOT / "Tests/Tools/apt", "-q", "update"], env={**environment, **more}, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)


def hold_lock(environment):
    lock = open(pathlib.Path(environment["APT_CONFIG"]).parent / "state/lists/lock", "w")
    fcntl.lockf(lock, fcntl.LOCK_EX)
    return lock


def test_a_lock_that_another_program_holds_is_waited_for(archive):
    environment = archive(stanza("anything", "1"))
    with hold_lock(environment) as lock:
        apt = apt_update(environment)
        # The first line comes while the lock is held; only then is it given back.
        assert "waiting" in apt.stderr.readline()
        fcntl.lockf(lock, fcntl.LOCK_UN)
        apt.stderr.read()
        assert apt.wait() == 0


def test_a_lock_that_is_never_given_back_is_an_error_that_says_so(archive):
    environment = archive(stanza("anything", "1"))
    with hold_lock(environment):
        apt = apt_update(environment, APT_PATIENCE="0")
        said = apt.stderr.read()
        assert apt.wait() != 0
        assert "another program has held apt's lock for 0 s" in said


def test_another_failure_of_apt_is_not_waited_for(archive):
    environment = archive(stanza("anything", "1"))
    apt = subprocess.run(
        [ROOT / "Tests/Tools/apt", "install", "-y", "no-such-package"], env=environment, capture_output=True, text=True)
    assert apt.returncode == 100
    assert "no-such-package" in apt.stderr
