"""The whole site in a browser: every page is opened, every link followed, nothing is said on the console, nothing sticks out,
and everything can be read; and the search finds what people look for."""
import json
import os
import pathlib
import urllib.request

import pytest

from visitor import Found, Visitor

ROOT = pathlib.Path(__file__).resolve().parents[2]


def own_pages(site):
    places = (path.relative_to(site) for path in site.rglob("*.html"))
    return sorted(str(place) for place in places if place.parts[0] != "reference")


def reference_pages(site):
    """(place, title) of every page of the reference."""
    data = site / "reference/data"
    for path in sorted(data.rglob("documentation*/**/*.json")) + [data / "documentation.json"]:
        if path.exists():
            yield f"reference/{path.relative_to(data).with_suffix('')}/", json.loads(path.read_text())["metadata"]["title"]


def data_links(site, place, root):
    """The addresses that a page of the reference links to, from the data that it is drawn from."""
    data = json.loads((site / "reference/data" / f"{place.removeprefix('reference/').rstrip('/')}.json").read_text())
    for one in data["references"].values():
        url = one.get("url", "")
        if one.get("type") in ("topic", "section", "link") and url:
            local = root + ("reference/" if url.startswith("/documentation/") else "") + url.removeprefix("/")
            yield url if url.startswith("https://") else local


@pytest.fixture(scope="module")
def visitor(browser, site, served):
    """One that has opened every page, those of the reference as a reader turns them. Of members of types, whose pages are
    a thousand of one kind, it opens every tenth, or all with SOAK=1, and reads the links of the others in their data."""
    visitor = Visitor(browser, served)
    for place in own_pages(site):
        visitor.open(place)
        visitor.measure()
    pages = [(place, f"{served}reference/data/{place.removeprefix('reference/').rstrip('/')}.json", title)
             for place, title in reference_pages(site)]
    visitor.open(pages[-1][0], ready="h1")
    members = [page for page in pages if page[0].count("/") > 4]
    unopened = [] if os.environ.get("SOAK") else [page for number, page in enumerate(members) if number % 10]
    opened = [page for page in pages if page not in unopened]
    for first in range(0, len(opened), 50):
        visitor.turn(opened[first:first + 50])
    for place, *_ in unopened:
        visitor.found[f"/{place}"] = Found(list(data_links(site, place, served)), set())
    yield visitor
    visitor.page.close()


def test_the_site_has_every_page(site):
    places = own_pages(site)
    listed = {f"{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    listed |= {f"man/{path.name}.html" for path in (ROOT / "docs/man").iterdir()}
    assert listed | {"index.html", "README.html", "CONTRIBUTING.html", "CHANGELOG.html"} < set(places)
    assert len(list(reference_pages(site))) > 500


def test_no_page_answers_404(site, served):
    """Each page of the reference is asked for as an address of its own; the visitor loads all others."""
    for place, _ in reference_pages(site):
        with urllib.request.urlopen(served + place, timeout=10) as answer:
            assert answer.status == 200 and b"site-header" in answer.read(), place


def test_pages_show_no_fault_wide_and_narrow_light_and_dark(visitor):
    assert visitor.faults == []


def test_every_link_leads_to_a_page_and_its_anchor(visitor):
    links = list(visitor.links())
    print(f"{len(visitor.found)} pages, {len(links)} links")
    assert [fault for fault in links if fault] == [] and len(links) > 5000


@pytest.fixture
def page(browser):
    page = browser.new_page()
    page.set_default_timeout(10_000)
    yield page
    page.close()


@pytest.mark.parametrize("begin, words, target", [
    ("index.html", "N11", "semantics.html#N11"),
    ("index.html", "fact 42", "uio.html#fact-42"),
    ("semantics.html", "StormLimit=", "man/interruptsync.device.5.html#StormLimit="),
    ("man/interruptsyncd.8.html", "what survives a restart", "service.html#what-survives-a-restart"),
    ("source/Examples/recipes.html", "InterruptStatistics", "reference/documentation/interruptsync/interruptstatistics/"),
    ("reference/documentation/interruptsync/", "K24", "semantics.html#K24"),
    ("reference/documentation/interruptsync/", "UIODevice", "reference/documentation/uio/uiodevice/"),
])
def test_the_search_leads_to(page, served, begin, words, target):
    page.goto(served + begin)
    page.wait_for_selector("h1")
    page.keyboard.press("/")
    page.keyboard.type(words)
    page.wait_for_selector(".site-results a")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.startswith(served + target))
    if "#" in target:
        assert page.locator(f"[id='{target.partition('#')[2]}']").is_visible()


def test_the_search_says_that_it_found_nothing_and_closes(page, served):
    page.goto(served + "index.html")
    page.get_by_role("combobox").fill("qqqq")
    page.get_by_text("Nothing found.").wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".site-results").is_hidden()


def test_pages_opened_as_files_have_style_and_search(page, site):
    page.goto(f"file://{site}/service.html")
    page.get_by_role("combobox").fill("N11")
    page.wait_for_selector(".site-results a")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.endswith("semantics.html#N11"))


def test_the_menu_of_narrow_pages_opens(page, served):
    page.set_viewport_size({"width": 375, "height": 700})
    page.goto(served + "uio.html")
    link = page.locator(".pages a[href='vfio.html']")
    assert link.is_hidden()
    page.get_by_role("button", name="All pages").click()
    link.click()
    page.wait_for_url(served + "vfio.html")


def test_the_reference_leads_to_the_pages_and_its_rules_are_links(page, served):
    page.goto(served + "reference/documentation/interruptsync/levels/")
    rule = page.locator("main a[href*='semantics.html#']").first
    rule.wait_for()
    rule.click()
    page.wait_for_url(lambda url: url.startswith(served + "semantics.html#"))
