"""What one Swift file declares and names: a tokenizer without grammar, exact enough for types and free functions.

Comments and the text of strings are dropped; code inside an interpolation counts. A name behind a dot is a member and
not counted, but for the file's own module in front of the dot. A lower-case name counts only where it is called.
"""
import re
from typing import NamedTuple

TYPES = {"struct", "class", "enum", "protocol", "actor", "typealias", "macro"}
MODIFIERS = {
    "public", "package", "internal", "private", "fileprivate", "open", "final", "indirect", "nonisolated", "static",
    "class", "mutating", "consuming", "borrowing", "override", "required", "unsafe", "isolated", "distributed", "async",
}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\(\w+\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)", re.M)


class Token(NamedTuple):
    text: str
    line: int


def tokens(text):
    """The code of `text` as a list of names and single punctuation marks, each with its line."""
    found, stack, index, line = [], [], 0, 1
    while index < len(text):
        character = text[index]
        if character == "\n":
            line += 1
            index += 1
        elif text.startswith("//", index):
            end = text.find("\n", index)
            index = len(text) if end < 0 else end
        elif text.startswith("/*", index):
            end = _comment_end(text, index)
            line += text.count("\n", index, end)
            index = end
        elif match := re.compile(r'(#*)("""|")').match(text, index):
            stack.append((match.group(1), match.group(2), 0))
            index, line = _string(text, match.end(), line, stack)
        elif stack and character in "()":
            hashes, quote, depth = stack[-1]
            depth += 1 if character == "(" else -1
            if depth == 0:
                # The interpolation is over; the rest of its string follows.
                stack[-1] = (hashes, quote, 0)
                index, line = _string(text, index + 1, line, stack)
            else:
                stack[-1] = (hashes, quote, depth)
                found.append(Token(character, line))
                index += 1
        elif match := NAME.match(text, index):
            found.append(Token(match.group(), line))
            index = match.end()
        else:
            if not character.isspace() and character != "`":
                found.append(Token(character, line))
            index += 1
    return found


def _comment_end(text, index):
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, index):
        depth += 1 if mark.group() == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)


def _string(text, index, line, stack):
    """Skips a string's text up to its end, which leaves the stack, or to an interpolation, which stays on it."""
    hashes, quote, _ = stack[-1]
    opening, closing = "\\" + hashes + "(", quote + hashes
    while index < len(text):
        if text.startswith(opening, index):
            stack[-1] = (hashes, quote, 1)
            return index + len(opening), line
        if text.startswith(closing, index):
            stack.pop()
            return index + len(closing), line
        if text[index] == "\\" and not hashes:
            index += 1
            line += text.startswith("\n", index)
        elif text[index] == "\n":
            line += 1
            if quote == '"':
                break
        index += 1
    stack.pop()
    return index, line


class SwiftFile:
    """The imports, declarations and uses of one file."""

    def __init__(self, text, module):
        self.module = module
        self.imports = [
            (match.group(1), text.count("\n", 0, match.start(1)) + 1) for match in IMPORT.finditer(text)]
        self.tokens = tokens(text)
        # Top-level names that other files can see, by kind; private ones; types that the file declares or extends.
        self.types, self.functions, self.hidden, self.extended = {}, {}, set(), set()
        # Names inside types, which win over a top-level one: nested types by outer type, methods, generic parameters.
        self.nested, self.methods, self.parameters = {}, {}, set()
        self._read()

    def _read(self):
        owners, pending = [], None
        for index, token in enumerate(self.tokens):
            if token.text == "{":
                owners.append(pending)
                pending = None
            elif token.text == "}":
                if owners:
                    owners.pop()
            elif token.text in TYPES | {"func", "extension", "associatedtype"}:
                name = self._declared(index)
                if name is None:
                    continue
                outer = next((owner for owner in owners if owner), None)
                self._declare(token.text, name, token.line, index, outer, bool(owners))
                if token.text not in ("func", "typealias", "associatedtype", "macro"):
                    pending = name

    def _declared(self, index):
        """The name that the keyword at `index` declares, or None when it is not a declaration."""
        before = self.tokens[index - 1].text if index else ""
        after = self.tokens[index + 1].text if index + 1 < len(self.tokens) else ""
        if before in (".", "import", ":") or not NAME.fullmatch(after) or after in MODIFIERS | {"func", "var", "let"}:
            return None
        return after

    def _declare(self, keyword, name, line, index, outer, is_inside):
        self.parameters.update(self._generic_parameters(index + 2))
        if keyword == "extension":
            self.extended.add(name)
        elif is_inside:
            members = self.methods if keyword == "func" else self.nested
            members.setdefault(outer, set()).add(name)
        elif self._modifiers(index) & {"private", "fileprivate"}:
            self.hidden.add(name)
            self.extended.add(name)
        elif keyword == "func":
            self.functions.setdefault(name, line)
        else:
            self.types.setdefault(name, line)
            self.extended.add(name)

    def _modifiers(self, index):
        """The words in front of a declaration; attributes and their arguments are passed over."""
        words, index = set(), index - 1
        while index >= 0:
            text = self.tokens[index].text
            if text == ")":
                while index >= 0 and self.tokens[index].text != "(":
                    index -= 1
            elif text in MODIFIERS:
                words.add(text)
            elif not (index and self.tokens[index - 1].text == "@") and text != "@":
                break
            index -= 1
        return words

    def _generic_parameters(self, index):
        if index >= len(self.tokens) or self.tokens[index].text != "<":
            return
        depth, starts = 0, True
        for token in self.tokens[index:index + 200]:
            if token.text == "<":
                depth += 1
            elif token.text == ">":
                depth -= 1
                if depth == 0:
                    return
            elif depth == 1 and starts and NAME.fullmatch(token.text) and token.text not in ("each", "let"):
                yield token.text
            starts = depth == 1 and token.text in ("<", ",", "each", "let")

    def uses(self):
        """Every name that may be another file's, with whether it is called and its line."""
        for index, token in enumerate(self.tokens):
            if not NAME.fullmatch(token.text):
                continue
            before = self.tokens[index - 1].text if index else ""
            if before == "." and not (index > 1 and self.tokens[index - 2].text == self.module):
                continue
            if before in TYPES | {"func", "associatedtype", "import"}:
                continue
            after = self.tokens[index + 1].text if index + 1 < len(self.tokens) else ""
            yield token.text, after == "(", token.line
