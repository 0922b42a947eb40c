"""The program's linkage: neither all of Foundation nor ICU is in the program, or loaded when it starts."""
import re
import subprocess

from daemon import PROGRAM

FOREIGN = r"\$s10Foundation[0-9A-Z]|FoundationInternationalization|FoundationICU|u_charType"


def said(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_neither_all_of_foundation_nor_icu_is_in_the_program():
    symbols = said("nm", PROGRAM)
    assert "interruptsyncd_main" in symbols
    assert not [line for line in symbols.splitlines() if re.search(FOREIGN, line)]


def test_neither_foundation_nor_icu_is_loaded_when_it_starts():
    assert not re.search("foundation|icu", said("ldd", PROGRAM), re.IGNORECASE)
