"""Tests/Packaging/hardened finds each protection that a program lacks: a small program is linked with all of them, and
then without one."""
import pathlib
import subprocess

import pytest

HARDENED = pathlib.Path(__file__).with_name("hardened")
# The size is known, and the array is of bytes: the compiler checks the copy, and guards the stack.
SOURCE = """
#include <string.h>
int main(int count, char **words) {
  char text[64];
  memcpy(text, words[0], (size_t)count);
  return text[count & 63];
}
"""
ALL = ["-O2", "-fPIE", "-pie", "-D_FORTIFY_SOURCE=2", "-fstack-protector-strong", "-Wl,-z,now", "-Wl,-z,relro",
       "-Wl,-z,noexecstack"]
# In assembly: a table of addresses inside the code, and memory to write to and to execute.
NO_STACK = ".section .note.GNU-stack,\"\",@progbits\n"
RELOCATED = ".text\n.globl table\ntable: .quad main\n" + NO_STACK
WRITTEN_CODE = ".section .both,\"awx\",@progbits\n.globl both\nboth: .quad 0\n" + NO_STACK


def judge(folder, flags, assembly=None):
    """The status and the words of the judgement on a program that is compiled with these flags."""
    (folder / "program.c").write_text(SOURCE)
    files = [str(folder / "program.c")]
    if assembly:
        (folder / "more.s").write_text(assembly)
        files.append(str(folder / "more.s"))
    subprocess.run(["gcc", *flags, *files, "-o", str(folder / "program")], check=True)
    done = subprocess.run([str(HARDENED), str(folder / "program")], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_program_with_every_protection_passes(tmp_path):
    assert judge(tmp_path, ALL) == (0, "")


@pytest.mark.parametrize("fault, without, instead", [
    ("not position independent", ["-fPIE", "-pie"], ["-no-pie"]),
    ("not bound at start", ["-Wl,-z,now"], ["-Wl,-z,lazy"]),
    ("writable tables of addresses", ["-Wl,-z,relro"], ["-Wl,-z,norelro"]),
    ("executable stack", ["-Wl,-z,noexecstack"], ["-Wl,-z,execstack"]),
    ("a path of its own", [], ["-Wl,-rpath,/opt/lib"]),
    ("C without _FORTIFY_SOURCE", ["-D_FORTIFY_SOURCE=2"], ["-U_FORTIFY_SOURCE"]),
    ("C without a protected stack", ["-fstack-protector-strong"], ["-fno-stack-protector"]),
    ("linked with what Debian's base does not have", [], ["-Wl,--no-as-needed", "-lgomp"]),
])
def test_a_program_that_lacks_one_is_refused(tmp_path, fault, without, instead):
    status, said = judge(tmp_path, [flag for flag in ALL if flag not in without] + instead)
    assert status == 1 and fault in said.splitlines(), said


def test_relocated_code_is_refused(tmp_path):
    status, said = judge(tmp_path, ALL + ["-Wl,-z,notext"], assembly=RELOCATED)
    assert status == 1 and "relocated code" in said.splitlines(), said


def test_memory_that_is_written_and_executed_is_refused(tmp_path):
    status, said = judge(tmp_path, ALL, assembly=WRITTEN_CODE)
    assert status == 1 and "memory that is written and executed" in said.splitlines(), said


def test_a_mark_for_control_flow_enforcement_is_refused(tmp_path):
    status, said = judge(tmp_path, ALL + ["-Wl,-z,ibt"])
    assert status == 1 and "marked for control-flow enforcement, which its parts do not have" in said.splitlines(), said
