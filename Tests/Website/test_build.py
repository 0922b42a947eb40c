"""The site of a small repository: what becomes a page, a link, a citation; and what the build refuses."""
import pathlib
import re
import subprocess

import pytest

BUILD = pathlib.Path(__file__).resolve().parents[2] / "Website/build"
FILES = {
    "README.md": "# Small\n\nWhat it is.\n\n## First\n\n[rules](docs/semantics.md#one-rule) [code](Examples/a/a.c)\n[all](Examples)\n",
    "docs/semantics.md": "# Rules\n\n## One `rule`\n\n* **N1** The first. See `small(8)` and facts 2, 3.\n\nN1 and `N1`, C17.\n",
    "docs/uio.md": "# UIO\n\n* **fact 2** Two (N1).\n* **fact 3** Three.\n",
    "docs/vfio.md": "# VFIO\n", "docs/gpio.md": "# GPIO\n\n![a wave](wave.svg)\n", "docs/wave.svg": "<svg/>",
    "docs/man/small.8": ".Dd May 1, 2026\n.Dt SMALL 8\n.Os\n.Sh NAME\n.Nm small\n.Nd is small\n.Sh SEE ALSO\n.Xr other 1 ,\n.Xr small 8\n",
    "Examples/a/a.c": "int main(void) { return 0; } // <done>\n", "Examples/b.c": "int b;\n",
}
SOURCES = [name for name in FILES if name.endswith((".md", ".8"))]


def navigation(sources):
    pages = "".join(f'[[group.page]]\nsource = "{one}"\ntitle = "{one.split("/")[-1]}"\nsummary = "s"\n' for one in sources)
    return f'[[group]]\ntitle = "All"\nheader = "All"\n{pages}'


@pytest.fixture
def build(tmp_path):
    def run(changes=(), sources=SOURCES):
        root = tmp_path / "repository"
        for name, text in (FILES | {"Website/navigation.toml": navigation(sources)} | dict(changes)).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        done = subprocess.run([BUILD, "--root", root, tmp_path / "site"], capture_output=True, text=True, check=False)
        return done, lambda place: (tmp_path / "site" / place).read_text()

    return run


def test_every_file_that_is_linked_to_has_a_place(build):
    done, page = build()
    assert done.returncode == 0, done.stderr
    readme = page("README.html")
    for target in ("semantics.html#one-rule", "source/Examples/a/a.c.html", "source/Examples.html"):
        assert f'href="{target}"' in readme
    assert 'id="one-rule"' in page("semantics.html")
    assert "&lt;done&gt;" in page("source/Examples/a/a.c.html")
    assert 'href="Examples/b.c.html"' in page("source/Examples.html") and "int" in page("source/Examples/b.c.html")
    assert 'src="wave.svg" alt="a wave"' in page("gpio.html") and page("wave.svg") == "<svg/>"


def test_citations_of_rules_facts_and_manual_pages_are_links(build):
    _, page = build()
    rules = page("semantics.html")
    assert '<li id="N1">' in rules and '<a href="#N1">N1</a> and <code>N1</code>, C17' in rules
    assert '<code><a href="man/small.8.html">small(8)</a></code>' in rules
    assert 'facts <a href="uio.html#fact-2">2</a>, <a href="uio.html#fact-3">3</a>' in rules
    assert '(<a href="semantics.html#N1">N1</a>)' in page("uio.html")
    manual = page("man/small.8.html")
    assert '<a href="small.8.html">small(8)</a>' in manual or '<a href="#">' not in manual
    assert re.search(r'<span class="Xr">other\(1\)</span>', manual)


def test_every_page_has_the_navigation_and_the_search(build):
    _, page = build()
    for place in ("index.html", "README.html", "man/small.8.html", "source/Examples/a/a.c.html"):
        text = page(place)
        assert 'class="site-search"' in text and "small.8.html" in text and "header.js" in text
    index = page("assets/search-index.js")
    assert '"semantics.html#N1"' in index and "The first." in index


@pytest.mark.parametrize("changes, sources, says", [
    ({"docs/new.md": "# New\n"}, SOURCES, "navigation.toml lacks docs/new.md"),
    ({}, [*SOURCES, "docs/gone.md"], "names docs/gone.md, which does not exist"),
    ({"docs/gpio.md": "# G\n\n[x](gone.md)\n"}, SOURCES, "docs/gpio.md links to gone.md, which does not exist"),
    ({"docs/gpio.md": "# G\n\n![x](gone.svg)\n"}, SOURCES, "docs/gpio.md links to gone.svg, which does not exist"),
])
def test_what_leads_nowhere_ends_the_build(build, changes, sources, says):
    done, _ = build(changes, sources)
    assert done.returncode == 1 and says in done.stderr and "Traceback" not in done.stderr
