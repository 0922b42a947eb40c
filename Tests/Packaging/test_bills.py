"""The bill of materials in each package of .build/deb: spdx-tools finds no fault in it, and it lists what the package has,
file by file. debian/sbom refuses a package in which it does not know a part."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

DEB = pathlib.Path(os.environ.get("DEB", ".build/deb"))
PACKAGES = sorted({path.name.partition("_")[0] for path in DEB.glob("*.deb")} - {
    path.name.partition("_")[0] for path in DEB.glob("*-dbgsym_*.deb")})


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout.strip()


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Each package in a folder of its name, and what dh_strip took out of it where debhelper puts that."""
    root = tmp_path_factory.mktemp("packages")
    for package in PACKAGES:
        run("dpkg-deb", "-R", str(next(DEB.glob(f"{package}_*.deb"))), str(root / package))
        for symbols in DEB.glob(f"{package}-dbgsym_*.deb"):
            (root / ".debhelper" / package).mkdir(parents=True)
            run("dpkg-deb", "-x", str(symbols), str(root / ".debhelper" / package / "dbgsym-root"))
    return root


def place(folder):
    return folder / f"usr/share/doc/{folder.name}/{folder.name}.spdx.json"


def bill(folder):
    return json.loads(place(folder).read_text())


def own(document):
    return next(package for package in document["packages"] if package["SPDXID"] == "SPDXRef-Package")


def programs(folder):
    return [path for path in folder.rglob("*")
            if path.is_file() and not path.is_symlink() and path.read_bytes()[:4] == b"\x7fELF"]


def faults_of(path):
    """What spdx-tools finds wrong."""
    return [message.validation_message for message in validate_full_spdx_document(parse_file(str(path)))]


def differences(folder):
    """Files that the bill lists otherwise than they are, or that only one of the two has."""
    listed = {file["fileName"]: {s["algorithm"]: s["checksumValue"] for s in file["checksums"]}
              for file in bill(folder)["files"]}
    there = {f"./{path.relative_to(folder)}": {"SHA1": hashlib.sha1(path.read_bytes()).hexdigest(),
                                               "SHA256": hashlib.sha256(path.read_bytes()).hexdigest()}
             for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and path != place(folder)
             and path.relative_to(folder).parts[0] != "DEBIAN"}
    return sorted(name for name in listed.keys() | there.keys() if listed.get(name) != there.get(name))


def test_there_are_packages():
    assert {"interruptsyncd", "libinterruptsync0", "libinterruptsync-dev"} <= set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
class TestBill:
    def test_it_is_valid_spdx(self, unpacked, package):
        assert bill(unpacked / package)["spdxVersion"] == "SPDX-2.3"
        assert faults_of(place(unpacked / package)) == []

    def test_it_lists_every_file_as_it_is(self, unpacked, package):
        assert differences(unpacked / package) == []

    def test_it_names_the_package_as_its_control_file_does(self, unpacked, package):
        deb = str(next(DEB.glob(f"{package}_*.deb")))
        version, maintainer = run("dpkg-deb", "-f", deb, "Version"), run("dpkg-deb", "-f", deb, "Maintainer")
        described = own(bill(unpacked / package))
        assert (described["name"], described["versionInfo"]) == (package, version)
        name, address = re.fullmatch("(.*) <(.*)>", maintainer).groups()
        assert described["supplier"] == f"Organization: {name} ({address})" and address.endswith(".example")

    def test_its_only_date_is_that_of_the_changelog(self, unpacked, package):
        seconds = run("dpkg-parsechangelog", "-S", "Timestamp")
        assert bill(unpacked / package)["creationInfo"]["created"] == run("date", "-u", "-d", f"@{seconds}", "+%FT%TZ")

    def test_it_names_every_package_that_this_one_depends_on(self, unpacked, package):
        deb = str(next(DEB.glob(f"{package}_*.deb")))
        wanted = run("dpkg-deb", "-f", deb, "Depends", "Pre-Depends")
        names = set(re.findall(r"(?:: |[,|] *)([a-z0-9][a-z0-9.+-]*)", wanted))
        assert names and names <= {part["name"] for part in bill(unpacked / package)["packages"]}

    def test_every_program_says_what_is_linked_in(self, unpacked, package):
        folder, document = unpacked / package, bill(unpacked / package)
        ids = {file["fileName"]: file["SPDXID"] for file in document["files"]}
        versions = {part["SPDXID"]: part["versionInfo"] for part in document["packages"] if "Component" in part["SPDXID"]}
        swift = re.search(r"Swift version (\S+)", run(os.environ.get("SWIFT", "swift"), "--version")).group(1)
        for path in programs(folder):
            linked = {r["relatedSpdxElement"] for r in document["relationships"]
                      if r["relationshipType"] == "STATIC_LINK" and r["spdxElementId"] == ids[f"./{path.relative_to(folder)}"]}
            assert versions["SPDXRef-Component-swift"] == swift and "SPDXRef-Component-swift" in linked, path
            assert linked <= versions.keys()
            # The programs read arguments, the library does not.
            assert ("SPDXRef-Component-swift-argument-parser" in linked) == ("bin" in path.parent.name), path


def test_the_parser_of_arguments_has_the_version_that_was_resolved(unpacked):
    pins = {pin["identity"]: pin["state"] for pin in json.loads(pathlib.Path("Package.resolved").read_text())["pins"]}
    parts = {part["name"]: part for part in bill(unpacked / "interruptsyncd")["packages"]}
    part, state = parts["swift-argument-parser"], pins["swift-argument-parser"]
    assert part["versionInfo"] == state["version"] and part["downloadLocation"].endswith("@" + state["revision"])


def test_a_file_that_changed_after_the_bill_is_noticed(unpacked, tmp_path):
    folder = shutil.copytree(unpacked / "libinterruptsync-dev", tmp_path / "libinterruptsync-dev", symlinks=True)
    header = folder / "usr/include/interruptsync.h"
    header.write_text(header.read_text() + "\n")
    (folder / "usr/include/more.h").write_text("")
    assert differences(folder) == ["./usr/include/interruptsync.h", "./usr/include/more.h"]


def test_a_bill_without_a_version_code_is_not_valid(unpacked, tmp_path):
    document = bill(unpacked / "libinterruptsync-dev")
    del own(document)["packageVerificationCode"]
    document["packages"][1]["SPDXID"] = "SPDXRef-Package"
    (tmp_path / "bill.spdx.json").write_text(json.dumps(document))
    assert faults_of(tmp_path / "bill.spdx.json") != []


def generate(folder, tmp_path, change):
    """debian/sbom with changed tables: its status and what it says."""
    tool = tmp_path / "tool"
    tool.mkdir()
    shutil.copy("debian/sbom", tool)
    tables = json.loads(pathlib.Path("debian/components.json").read_text())
    change(tables)
    (tool / "components.json").write_text(json.dumps(tables))
    done = subprocess.run([str(tool / "sbom"), str(folder), folder.name], capture_output=True, text=True, check=False,
                          env=os.environ | {"SOURCE_DATE_EPOCH": run("dpkg-parsechangelog", "-S", "Timestamp")})
    return done.returncode, done.stderr


def test_the_same_package_makes_the_same_bill(unpacked, tmp_path):
    for package in PACKAGES:
        before = place(unpacked / package).read_bytes()
        (tmp_path / package).mkdir()
        assert generate(unpacked / package, tmp_path / package, lambda tables: None) == (0, "")
        assert place(unpacked / package).read_bytes() == before, package


def test_a_module_that_no_component_has_is_refused(unpacked, tmp_path):
    def forget(tables):
        tables["linked"] = [part for part in tables["linked"] if part["id"] != "swift-argument-parser"]

    status, said = generate(unpacked / "interruptsyncd", tmp_path, forget)
    assert status == 1 and "the module ArgumentParser is linked in" in said and "hint:" in said, said


def test_a_dependency_without_a_known_licence_is_refused(unpacked, tmp_path):
    status, said = generate(unpacked / "libinterruptsync0", tmp_path, lambda tables: tables["packages"].pop("libgcc-s1"))
    assert status == 1 and "depends on libgcc-s1, whose licence is not known" in said, said


def test_a_program_without_symbols_is_refused(unpacked, tmp_path):
    folder = shutil.copytree(unpacked / "libinterruptsync0", tmp_path / "libinterruptsync0", symlinks=True)
    status, said = generate(folder, tmp_path, lambda tables: None)
    assert status == 1 and "the symbols are gone" in said, said
