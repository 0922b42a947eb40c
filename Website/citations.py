"""Citations become links: numbers of rules and facts, names of manual pages, and public types of the library."""
import html
import posixpath
import re

from contents import relative
from markup import walk
from rendering import anchor_of

PAGES = ("docs/semantics.md", "docs/uio.md", "docs/vfio.md", "docs/gpio.md")
DEFINED = re.compile(r"^\* \*\*((?:fact|pain) [0-9]+|[PLKDWUSNTVG][0-9]+[a-z]?)\b", re.M)
RULE = re.compile(r"(?<![\w+./-])[PLKDWUSNTVG][1-9][0-9]*[a-z]?(?![\w+])")
FACTS = re.compile(r"\b(fact|pain)(s?)\s+([0-9]+(?:(?:,\s| and | or | to |–|-)[0-9]+)*)")
MANUAL = re.compile(r"\b([a-z][\w.-]*)\(([1-9])\)")
NUMBER = re.compile(r"[0-9]+")
# Where a link would be a link in a link, or part of something to type.
QUIET = {"a", "pre", "h1", "script", "style", "title"}


class Citations:
    """Where each rule, each manual page and each type stands on the site."""

    def __init__(self, contents):
        self.rules, self.manual, self.types = {}, {}, {}
        for source in PAGES:
            for number in DEFINED.findall((contents.root / source).read_text()):
                self.rules[number] = f"{contents.place(source)}#{anchor_of(number)}"
        for source in contents.pages:
            if source.startswith("docs/man/"):
                name, _, section = posixpath.basename(source).rpartition(".")
                self.manual[name, section] = contents.place(source)

    def linked(self, article, place):
        """An article of the page at `place`, with its citations as links."""
        return "".join(
            piece if is_tag or QUIET & set(around) else self._text(piece, place, "code" in around)
            for piece, is_tag, around in walk(article))

    def _text(self, text, place, is_code):
        spans = self.spans(text)
        if is_code:
            name = html.unescape(text)
            spans = [(0, len(text), self.types[name])] if name in self.types else spans if MANUAL.fullmatch(name) else []
        parts, end = [], 0
        for first, last, target in spans:
            parts += [text[end:first], f'<a href="{_way(place, target)}">{text[first:last]}</a>']
            end = last
        return "".join([*parts, text[end:]])

    def spans(self, text):
        """(first, last, place) of each citation in a text, in order."""
        found = []
        for match in RULE.finditer(text):
            if match.group() in self.rules:
                found.append((*match.span(), self.rules[match.group()]))
        for match in FACTS.finditer(text):
            for number in NUMBER.finditer(match.group(3)):
                place = self.rules.get(f"{match.group(1)} {number.group()}")
                first, last = (match.start(3) + offset for offset in number.span())
                # "fact 42" is one link, of "facts 21, 22" each number is.
                first = first if match.group(2) or number.start() else match.start()
                if place:
                    found.append((first, last, place))
        for match in MANUAL.finditer(text):
            if place := self.manual.get(match.groups()):
                found.append((*match.span(), place))
        return sorted(found)


def _way(place, target):
    path, _, anchor = target.partition("#")
    return html.escape((relative(place, path) if path != place else "") + (f"#{anchor}" if anchor else "") or path)
