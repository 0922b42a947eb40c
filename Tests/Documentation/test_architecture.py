"""The check of floors, rooms and circles finds what is planted, and nothing in a clean tree."""
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))

from circles import best_cut, circles  # noqa: E402
from arrows import Arrow  # noqa: E402
from map_page import MapPage  # noqa: E402
from swift_source import SwiftFile  # noqa: E402

PACKAGE = """
let package = Package(targets: [
  .target(name: "Low", cSettings: none),
  .target(name: "Twin", dependencies: ["Low"]),
  .target(name: "Middle", dependencies: ["Low", "Twin", .product(name: "High", package: "other")]),
  .target(name: "High", dependencies: ["Low", "Middle"]),
  .target(name: "LowTests", dependencies: ["High"], path: "Tests"),
])
"""
PAGE = """
## Floors

| floor | target | holds |
|---|---|---|
| 0 | `Low` | values |
| 1 | `Middle` | the model |
| 1 | `Twin` | its pair |
| 2 | `High` | the program |

## Pairs on one floor

| pair | why |
|---|---|
| `Middle`, `Twin` | one in two tongues |

## Rooms of `Middle`

| room | holds | may name |
|---|---|---|
| `Top/` | the face | `Bottom` |
| `Bottom/` | the rest | nothing |

## Circles

| target | files | why |
|---|---|---|
"""
SOURCES = {
    "Low/Value.swift": "// Values.\npublic struct Value {}\nfunc helper() {}\n",
    "Low/Table.swift": "// A table.\nstruct Table { let value: Value }\n",
    "Twin/Twin.swift": "// The twin.\nimport Low\n",
    "Middle/Top/Face.swift": "// The face.\npackage import Low\nimport Twin\nstruct Face { let core: Core }\n",
    "Middle/Bottom/Core.swift": "// The core.\nimport Low\nstruct Core {}\n",
    "High/Program.swift": "/// The program.\ninternal import struct Low.Value\nimport Middle\n",
}


class CheckTests(unittest.TestCase):
    def check(self, sources=None, page=PAGE, package=PACKAGE):
        """The exit status and the output for a tree of `SOURCES` with changes."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            files = {f"Sources/{path}": text for path, text in (SOURCES | (sources or {})).items()}
            for path, text in (files | {"Package.swift": package, "docs/architecture.md": page}).items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            run = subprocess.run(
                [sys.executable, HERE / "architecture", root], capture_output=True, text=True, check=False)
        self.assertEqual(run.stderr, "")
        return run.returncode, run.stdout

    def assert_found(self, line, **changes):
        status, output = self.check(**changes)
        self.assertEqual(status, 1, output)
        self.assertIn(line, output.splitlines())

    def test_a_clean_tree_passes(self):
        status, output = self.check()
        self.assertEqual(status, 0, output)
        self.assertIn(" passed, 0 failed", output)

    def test_an_import_upward_is_found(self):
        self.assert_found(
            "Sources/Low/Up.swift:2 names High of Sources/High: floor 0 must not know floor 2",
            sources={"Low/Up.swift": "// Up.\n@preconcurrency import High\n"})

    def test_two_on_one_floor_that_are_no_pair_are_found(self):
        self.assert_found(
            "Sources/Twin/Twin.swift:2 names Middle of Sources/Middle: floor 1 must not know floor 1",
            sources={"Twin/Twin.swift": "// Twin.\nimport Middle\n"},
            page=PAGE.replace("| `Middle`, `Twin` | one in two tongues |\n", ""))

    def test_a_dependency_upward_in_the_manifest_is_found(self):
        self.assert_found(
            "Package.swift:3 names High of Sources/High: floor 0 must not know floor 2",
            package=PACKAGE.replace('name: "Low", c', 'name: "Low", dependencies: ["High"], c'))

    def test_an_include_upward_is_found(self):
        self.assert_found(
            "Sources/Low/low.c:2 names Middle of Sources/Middle: floor 0 must not know floor 1",
            sources={"Low/low.c": '// Low.\n#include "middle.h"\n', "Middle/include/middle.h": "// Middle.\nint middle;\n"})

    def test_a_target_without_a_floor_and_a_floor_without_a_target_are_found(self):
        self.assert_found(
            "docs/architecture.md: no floor for the target Twin of Package.swift",
            page=PAGE.replace("| 1 | `Twin` | its pair |\n", ""))
        self.assert_found(
            "docs/architecture.md:9: Attic is not a target of Package.swift",
            page=PAGE.replace("| 2 | `High` |", "| 2 | `High`, `Attic` |"))

    def test_an_arrow_between_rooms_that_points_up_is_found(self):
        self.assert_found(
            "Sources/Middle/Bottom/Core.swift:3 names Face of Sources/Middle/Top/Face.swift: Bottom must not know Top",
            sources={"Middle/Bottom/Core.swift": "// Core.\nimport Low\nextension Face {}\nstruct Kernel {}\n"})

    def test_a_file_outside_all_rooms_is_found(self):
        self.assert_found(
            "Sources/Middle/Loose.swift:1 is in no room of docs/architecture.md",
            sources={"Middle/Loose.swift": "// Loose.\nstruct Loose {}\n"})

    CIRCLE = {
        "Low/A.swift": "// A.\nstruct A { let b: B }\n",
        "Low/B.swift": '// B.\nstruct B { let text = "\\(call())" }\n',
        "Low/C.swift": "// C.\nfunc call() -> A { A() }\n",
    }

    def test_a_circle_of_three_files_is_found(self):
        for line in (
                "Sources/Low/: a circle of 3 files: A.swift, B.swift, C.swift",
                "  Sources/Low/A.swift:2 names B of Sources/Low/B.swift",
                "  Sources/Low/B.swift:2 names call of Sources/Low/C.swift",
                "  Sources/Low/A.swift should not name Sources/Low/B.swift: 1 files of the circle would be left"):
            self.assert_found(line, sources=self.CIRCLE)

    def test_a_circle_that_the_page_explains_passes(self):
        listed = PAGE + "| `Low` | `A.swift`, `B.swift`, `C.swift` | three faces of one thing |\n"
        status, output = self.check(self.CIRCLE, page=listed)
        self.assertEqual(status, 0, output)
        self.assert_found("docs/architecture.md:28: Low has no such circle of files any more", page=listed)

    def test_a_file_without_an_opening_comment_or_of_too_many_lines_is_found(self):
        self.assert_found(
            "Sources/Low/A.swift:1 does not open with a comment that says what the file holds",
            sources={"Low/A.swift": "struct A {}\n// A.\n"})
        self.assert_found(
            "Sources/Low/A.swift:400 is not the end: the file has 401 lines", sources={"Low/A.swift": "// A.\n" * 401})

    def test_two_files_may_know_each_other(self):
        status, output = self.check({"Low/Value.swift": "// Values.\nstruct Value { var table: Table? }\n"})
        self.assertEqual(status, 0, output)

    def test_what_is_no_type_and_no_free_function_makes_no_arrow(self):
        harmless = {
            "Low/A.swift": "// A.\nstruct A { let b: B\n func reset() {}\n}\nenum Kind {}\n",
            "Low/B.swift": "// B.\nstruct B { enum Kind {}\n let kind: Kind\n func run() { A.self; other.call() } }\n",
            "Low/C.swift": "// C.\nfunc call() {}\nfunc reset() {}\n"
            "struct C<A> { // B\n let text = \"B()\"\n let x: B.Kind? = nil; let y: A? = nil }\n",
        }
        # B names A's method-like and member names only, so the three are no circle: C names B, A and B one another.
        status, output = self.check(harmless)
        self.assertEqual(status, 0, output)


class ReaderTests(unittest.TestCase):
    def uses(self, text):
        return {name for name, _, _ in SwiftFile(textwrap.dedent(text), "Own").uses()}

    def test_comments_and_strings_are_no_code(self):
        text = '''
            // Line /* Block
            /* Outer /* Inner */ Rest */
            let a = "Text \\"Quote\\" \\(Code("Nested \\(Deep())")) Tail"
            let b = """
              Paragraph "Word"
              """
            let c = #"Raw \\(No) \\#(Yes)"#
            After()
            '''
        self.assertEqual(self.uses(text) - {"let", "a", "b", "c"}, {"Code", "Deep", "Yes", "After"})

    def test_members_are_no_names_but_behind_the_own_module(self):
        self.assertEqual(self.uses("Own.Type.member; x.Type2"), {"Own", "Type", "x"})

    def test_declarations(self):
        file = SwiftFile(textwrap.dedent('''
            @safe package final class Outer<State: ~Copyable>: Base {
              enum Stage { case one }
              class func make() {}
              private struct Inner { func run() {} }
            }
            extension Other { typealias Short = Long }
            fileprivate let x = 1
            @inline(never) private func hidden() {}
            @available(*, deprecated) public func free() {}
            '''), "Own")
        self.assertEqual(file.types, {"Outer": 2})
        self.assertEqual(file.functions, {"free": 10})
        self.assertEqual(file.hidden, {"hidden"})
        self.assertEqual(file.extended, {"Outer", "Other", "hidden"})
        self.assertEqual(file.nested, {"Outer": {"Stage", "Inner"}, "Other": {"Short"}})
        self.assertEqual(file.methods, {"Outer": {"make", "run"}})
        self.assertEqual(file.parameters, {"State"})

    def test_rooms_may_name_what_those_below_may(self):
        page = MapPage(PAGE + "\n## Rooms of `Low`\n| room | holds | may name |\n|---|---|---|\n"
                       "| `A/` | | `B/` |\n| `B/` | | `C/` |\n| `C/` | | nothing |\n")
        self.assertEqual(page.allowed_rooms("Low", "A"), {"A", "B", "C"})
        self.assertEqual(page.allowed_rooms("Low", "C"), {"C"})

    def test_circles_are_components(self):
        pairs = ["ab", "bc", "ca", "cd", "de", "ed", "f" "a"]
        found = circles([Arrow(source, 1, "x", destination) for source, destination in pairs])
        self.assertEqual(found, [{"a", "b", "c"}, {"d", "e"}])

    def test_the_best_cut_leaves_the_smallest_circle(self):
        arrows = [Arrow(pair[0], 1, "x", pair[1]) for pair in ["ab", "ba", "bc", "cd", "da"]]
        self.assertEqual(best_cut(arrows, set("abcd")), ("a", "b", 1))
        arrows = [Arrow(pair[0], 1, "x", pair[1]) for pair in ["cd", "dc", "ab", "bc", "ca"]]
        self.assertEqual(best_cut(arrows, set("abcd")), ("a", "b", 2))


if __name__ == "__main__":
    unittest.main()
