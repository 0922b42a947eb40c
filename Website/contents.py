"""What the site consists of: the pages that navigation.toml lists, and where each file of the repository is on the site.

A page of `docs` stands at the site's root, any other page where it is in the repository. A file that a page links to
and that is no page itself gets a page below `source`; a picture is copied.
"""
import pathlib
import posixpath
import re
import subprocess
import tomllib
from typing import NamedTuple

PICTURES = {".svg", ".png"}
# The files of these folders have pages, whether one links to them or not.
WHOLE = ("Examples/",)


class Page(NamedTuple):
    source: str
    place: str
    title: str
    summary: str


class Group(NamedTuple):
    title: str
    pages: list


class SiteFailure(Exception):
    """Says which page, what about it, and what to do."""


class Contents:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = set(self._files())
        self.folders = {str(parent) for file in self.files for parent in pathlib.PurePosixPath(file).parents} - {"."}
        listed = tomllib.loads((self.root / "Website/navigation.toml").read_text())["group"]
        self.groups = [Group(one["title"], [self._page(entry) for entry in one["page"]]) for one in listed]
        self.pages = {page.source: page for group in self.groups for page in group.pages}
        self.sources, self.pictures = set(), set()
        missing = sorted(file for file in self.files if is_page(file) and file not in self.pages)
        if missing:
            raise SiteFailure(f"Website/navigation.toml lacks {', '.join(missing)}: give it a title and a summary in a group")

    def _files(self):
        """What git knows or would add; every file where there is no repository."""
        run = subprocess.run(
            ["git", "-C", self.root, "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            capture_output=True, text=True, check=False)
        names = run.stdout.split("\0") if run.returncode == 0 else [
            str(path.relative_to(self.root)) for path in self.root.rglob("*")]
        return (name for name in names if name and (self.root / name).is_file())

    def _page(self, entry):
        if module := entry.get("module"):
            source, place = f"Sources/{module}/{module}.docc/{module}.md", f"reference/documentation/{module.lower()}/"
        else:
            source = entry["source"]
            place = page_place(source)
        if source not in self.files:
            raise SiteFailure(f"Website/navigation.toml names {source}, which does not exist: correct it, or take it out")
        return Page(source, place, entry["title"], entry["summary"])

    def link(self, source, target):
        """What a link of the file `source` leads to, relative to that file's page. A file that it leads to joins the site."""
        path, _, fragment = target.partition("#")
        if re.match(r"[a-z]+:", path) or not path:
            return target
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        place = self._place(path)
        if place is None:
            raise SiteFailure(f"{source} links to {target}, which does not exist: correct the link")
        return relative(self.place(source), place) + (f"#{fragment}" if fragment else "")

    def place(self, source):
        """Where the page of a file or folder that has one is."""
        return self.pages[source].place if source in self.pages else source_place(source)

    def _place(self, path):
        if path in self.pages:
            return self.pages[path].place
        if path in self.files and pathlib.PurePosixPath(path).suffix in PICTURES:
            self.pictures.add(path)
            return path.removeprefix("docs/")
        if path not in self.files and path not in self.folders:
            return None
        self._add(path)
        return source_place(path)

    def _add(self, path):
        if path in self.sources:
            return
        self.sources.add(path)
        if path in self.folders and f"{path}/".startswith(WHOLE):
            for child in self.children(path):
                self._add(child)

    def children(self, folder):
        """The files and folders of a folder, in order."""
        beneath = (file.removeprefix(f"{folder}/").partition("/")[0] for file in self.files if file.startswith(f"{folder}/"))
        return [f"{folder}/{name}" for name in sorted(set(beneath))]


def is_page(file):
    """Whether a file is a page of its own: Markdown, but for what belongs to the reference, and manual pages."""
    path = pathlib.PurePosixPath(file)
    return path.suffix == ".md" and path.parent.suffix != ".docc" or path.parts[:2] == ("docs", "man")


def page_place(source):
    return re.sub(r"\.md$", "", source.removeprefix("docs/")) + ".html"


def source_place(path):
    return f"source/{path}.html"


def relative(place, target):
    """The way from one place of the site to another; a folder's ends in a slash."""
    way = posixpath.relpath(target, posixpath.dirname(place) or ".")
    return way + "/" if target.endswith("/") else way
