"""HTML as text and tags: what the renderers of pages and of manual pages, the citations and the search share."""
import html
import re
from typing import NamedTuple

TAG = re.compile(r"(<!--.*?-->|<[^>]*>)", re.S)
NAME = re.compile(r"</?([a-zA-Z][\w-]*)")
VOID = {"br", "img", "hr", "input", "link", "meta", "col", "wbr"}
HEADINGS = {"h1", "h2", "h3", "h4"}


def walk(text):
    """(piece, whether it is a tag, the names of the elements around it) for each tag and each text."""
    around = []
    for piece in TAG.split(text):
        if not piece:
            continue
        name = NAME.match(piece)
        if not name:
            yield piece, piece.startswith("<!--"), tuple(around)
            continue
        name = name.group(1).lower()
        if piece.startswith("</"):
            while around and around.pop() != name:
                pass
        elif name not in VOID and not piece.endswith("/>"):
            around.append(name)
        yield piece, True, tuple(around)


class Section(NamedTuple):
    """The text below an anchor, up to the next one. `level` is that of a heading, or 0 for a list's item."""
    anchor: str
    level: int
    title: str
    text: str


def sections(text):
    """The sections of an article, cut at headings and at items of lists that have an anchor: an item's title is its term, or
    what it begins with in bold."""
    found, anchor, level, title, words, is_titled = [], "", 1, "", [], False
    for piece, is_tag, around in walk(text):
        opened = re.match(r'<(h[1-4]|li|dt)\b[^>]*?(?: id="([^"]*)")', piece) if is_tag else None
        if opened:
            found.append(Section(anchor, level, _joined(title), _joined("".join(words))))
            anchor, words, title, is_titled = html.unescape(opened.group(2)), [], "", False
            level = int(opened.group(1)[1]) if opened.group(1) in HEADINGS else 0
        elif is_tag:
            is_titled = is_titled or piece in ("</dt>", "</strong>")
            words.append(" " if re.match(r"</?(p|td|th|li|dd|dt|div|pre|br|tr)\b", piece) else "")
        elif HEADINGS & set(around) or level == 0 and not is_titled and {"dt", "strong"} & set(around):
            title += html.unescape(piece)
        else:
            words.append(html.unescape(piece))
    found.append(Section(anchor, level, _joined(title), _joined("".join(words))))
    return [section for section in found if section.title or section.text]


def _joined(text):
    return re.sub(r"\s+", " ", text).strip()


def anchors(text):
    """Every anchor of an article."""
    return {html.unescape(name) for name in re.findall(r'<[^>]*? id="([^"]*)"', text)}
