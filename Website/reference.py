"""docc's reference as a part of the site: it gets the header of every page, and its citations become links.

docc's pages are a program that reads data/documentation/*.json; what is in those files is what people see.
"""
import html
import json
import pathlib
import shutil

from contents import SiteFailure

TYPES = {"Actor", "Class", "Enumeration", "Protocol", "Structure", "Type Alias"}
# The members with the words of a page itself; the words in `references` are those of other pages.
CONTENT = ("abstract", "primaryContentSections", "topicSections", "seeAlsoSections")


class Reference:
    def __init__(self, made, output, base):
        self.folder, self.base = output / "reference", base
        if f'baseUrl = "{base}/reference/"' not in (made / "index.html").read_text():
            raise SiteFailure(f"{made} was not made for {base}/reference: make it with `make reference DOCS_BASE={base}`")
        shutil.copytree(made, self.folder)
        self.data = {path: json.loads(path.read_text()) for path in sorted((self.folder / "data/documentation").rglob("*.json"))}

    def _place(self, path):
        return f"reference/{path.relative_to(self.folder / 'data').with_suffix('')}/"

    def symbols(self):
        """(name, kind, module, place, abstract) of everything that has a page."""
        for path, page in self.data.items():
            metadata = page.get("metadata", {})
            module = next((one["name"] for one in metadata.get("modules", ())), metadata.get("title", ""))
            names = [part for part in path.relative_to(self.folder / "data/documentation").with_suffix("").parts]
            title = metadata.get("title", names[-1])
            yield title, metadata.get("roleHeading", ""), module, self._place(path), _words(page.get("abstract", []))

    def types(self):
        """Each public type that is in no other, and its place; of two with one name, none."""
        found = {}
        for path, page in self.data.items():
            metadata = page.get("metadata", {})
            if len(path.relative_to(self.folder / "data/documentation").parts) == 2 and metadata.get("roleHeading") in TYPES:
                found.setdefault(metadata["title"], []).append(self._place(path))
        return {name: places[0] for name, places in found.items() if len(places) == 1}

    def adopt(self, header, citations, pages):
        """Writes the header into every page, and links into the data. `pages` has the pages of the repository by path."""
        for path, page in self.data.items():
            used = {}
            for name, one in page.get("references", {}).items():
                source, mark, anchor = one.get("url", "").partition("#")
                if one.get("type") == "link" and source in pages:
                    used[name] = one | {"url": f"{self.base}/{pages[source].place}{mark}{anchor}"}
            for key in CONTENT:
                if key in page:
                    page[key] = self._linked(page[key], citations, used)
            if used:
                page.setdefault("references", {}).update(used)
                path.write_text(json.dumps(page, ensure_ascii=False, separators=(",", ":")))
        root = html.escape(f"{self.base}/")
        head = (f'<link href="{root}assets/header.css" rel="stylesheet">'
                f'<script defer src="{root}assets/header.js" data-root="{root}"></script></head>')
        for path in self.folder.rglob("*.html"):
            text = path.read_text()
            before, body, after = text.replace("</head>", head, 1).partition("<body")
            opening, _, rest = after.partition(">")
            path.write_text(f"{before}{body}{opening}>{header}{rest}")
        settings = self.folder / "theme-settings.json"
        if not settings.exists():
            # docc's program asks for it.
            settings.write_text("{}\n")
        (self.folder / "index.html").write_text(
            '<!doctype html><meta charset="utf-8"><title>Reference</title>'
            '<meta http-equiv="refresh" content="0; url=documentation/">'
            '<p><a href="documentation/">The reference</a></p>\n')

    def _linked(self, node, citations, used):
        if isinstance(node, list):
            return [one for child in node for one in self._inline(child, citations, used)]
        if isinstance(node, dict):
            return {key: self._linked(value, citations, used) if isinstance(value, (dict, list)) else value
                    for key, value in node.items()}
        return node

    def _inline(self, child, citations, used):
        if not isinstance(child, dict) or child.get("type") != "text":
            yield self._linked(child, citations, used)
            return
        text, end = child["text"], 0
        for first, last, place in citations.spans(text):
            name = f"site:{place}"
            words = text[first:last]
            used[name] = {"identifier": name, "type": "link", "title": words, "url": f"{self.base}/{place}",
                          "titleInlineContent": [{"type": "text", "text": words}]}
            if first > end:
                yield {"type": "text", "text": text[end:first]}
            yield {"type": "reference", "identifier": name, "isActive": True, "overridingTitle": words,
                   "overridingTitleInlineContent": [{"type": "text", "text": words}]}
            end = last
        if end < len(text) or not text:
            yield {"type": "text", "text": text[end:]}


def _words(inline):
    return "".join(child.get("text") or child.get("code") or "" for child in inline).strip()
