"""The reader of the site finds each fault that is planted in a page, and none in a page without."""
import pytest

from visitor import Server, Visitor

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>body { color: #111; background: #fff } a { color: #00c }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #111 } a { color: #8bf } }</style>
</head><body><h1 id="top">A page</h1><p><a href="#top">up</a> <a href="other.html#end">other</a></p>PLANT</body></html>"""
OTHER = PAGE.replace("PLANT", '<p id="end">The end.</p>').replace("other.html#end", "page-0.html")
PLANTS = [
    ("<p>Nothing.</p>", None),
    ('<a href="missing.html">x</a>', "the link to /missing.html leads to no page that was opened"),
    ('<a href="other.html#nowhere">x</a>', "/other.html has no anchor nowhere"),
    ('<a href="file:///etc/hosts">x</a>', "leaves the site"),
    ('<img src="missing.png" alt="">', "missing.png is answered 404"),
    ('<img src="missing.png" alt="">', "missing.png is not drawn"),
    ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">', "has no text"),
    ('<script src="missing.js"></script>', "missing.js is answered 404"),
    ("<script>console.error('broken')</script>", "the console has: broken"),
    ("<script>undefined_name()</script>", "undefined_name is not defined"),
    ("<pre>" + "long " * 30 + "</pre>", "narrow: "),
    ('<div style="width: 2000px">x</div>', "wide: "),
    ('<p style="color: #999">faint</p>', "light: hard to read"),
    ('<p style="color: #555">faint</p>', "dark: hard to read"),
    ('<p style="background: #fff">white on white at night</p>', "dark: hard to read"),
]


@pytest.fixture(scope="module")
def faults(browser, tmp_path_factory):
    """The faults of each page, by the number of its plant."""
    folder = tmp_path_factory.mktemp("planted")
    for number, (plant, _) in enumerate(PLANTS):
        (folder / f"page-{number}.html").write_text(PAGE.replace("PLANT", plant))
    (folder / "other.html").write_text(OTHER)
    with Server(folder) as server:
        visitor = Visitor(browser, server.root)
        visitor.open("other.html")
        for number in range(len(PLANTS)):
            visitor.open(f"page-{number}.html")
            visitor.measure()
        visitor.page.close()
    found = visitor.faults + [fault for fault in visitor.links() if fault]
    return {number: [one for one in found if one.lstrip("/").startswith(f"page-{number}.html: ")] for number in range(len(PLANTS))}


@pytest.mark.parametrize("number", range(1, len(PLANTS)))
def test_a_planted_fault_is_found_on_its_page(faults, number):
    assert any(PLANTS[number][1] in fault for fault in faults[number]), faults[number]


def test_a_page_without_a_fault_has_none(faults):
    assert faults[0] == []
