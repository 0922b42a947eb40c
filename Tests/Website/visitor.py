"""A reader with a browser: opens pages of a folder that a file server serves, in each width and colour scheme, and says what
is wrong with them.

What a page links to must be a page that was opened, and have the anchor that is linked to.
"""
import functools
import http.server
import threading
import urllib.parse
from typing import NamedTuple

WIDTHS = {"wide": (1440, 900), "narrow": (375, 760)}
SCHEMES = ("light", "dark")

# What a page has, as its reader sees it: no more than what is asked of every page.
LOOK = """() => {
  const addresses = [...document.querySelectorAll("a[href]")].map((one) => one.href);
  const anchors = [...document.querySelectorAll("[id]")].map((one) => one.id);
  const broken = [...document.images].filter((one) => one.complete && !one.naturalWidth).map((one) => one.src);
  const unnamed = [...document.images].filter((one) => !one.hasAttribute("alt")).map((one) => one.src);
  return { addresses, anchors, broken, unnamed, title: document.title };
}"""

# Takes docc's program to one page after the other as links within it would, and looks at each when it is drawn.
TURN = """async (pages) => {
  const look = """ + LOOK + """;
  const heading = () => document.querySelector("h1")?.textContent.trim();
  const found = [];
  for (const [address, data, title] of pages) {
    const isNew = heading() !== title;
    history.pushState(null, "", address);
    dispatchEvent(new PopStateEvent("popstate", { state: null }));
    const isDrawn = () => performance.getEntriesByName(data).length && heading() === title;
    for (let tries = 0; tries < 2000 && !isDrawn(); tries++) await new Promise((done) => setTimeout(done, 4));
    // The page before may have had the same heading.
    if (!isNew) await new Promise((done) => setTimeout(done, 50));
    found.push({ heading: heading(), ...look() });
    performance.clearResourceTimings();
  }
  return found;
}"""

# What the width and the colours change: what sticks out of the window, and text that is hard to read (WCAG's AA).
MEASURE = """() => {
  const root = document.scrollingElement;
  const beyond = root.scrollWidth - root.clientWidth;
  const shades = new Map();
  const light = ([r, g, b]) => [r, g, b].map((one) => one / 255).map((one) => one <= 0.04045 ? one / 12.92
    : ((one + 0.055) / 1.055) ** 2.4).reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = parts(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    // Elements of one kind in elements of one kind look alike.
    let kind = "";
    for (let one = element, up = 0; one && up < 4; one = one.parentElement, up++) kind += `${one.tagName}.${one.className}.${one.style.cssText}<`;
    if (!walker.currentNode.data.trim() || seen.has(kind) || !element.checkVisibility()) continue;
    seen.add(kind);
    const style = getComputedStyle(element);
    const [front, back] = [parts(style.color), behind(element)];
    const [one, other] = [light(front), light(back)];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const needed = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if (contrast < needed) shades.set(`${style.color} on ${back}`, `${contrast.toFixed(1)}: ${walker.currentNode.data.trim().slice(0, 30)}`);
  }
  return { beyond, faint: [...shades].map(([shade, words]) => `${shade} (${words})`) };
}"""


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Server:
    """The folder, as any file server serves it."""

    def __init__(self, folder):
        handler = functools.partial(Handler, directory=folder)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.root = f"http://127.0.0.1:{self.server.server_address[1]}/"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Found(NamedTuple):
    """The links and anchors of one address."""
    addresses: list
    anchors: set


class Visitor:
    def __init__(self, browser, root):
        self.root, self.faults, self.found = root, [], {}
        self.page = browser.new_page()
        self.place = "(none)"
        self.page.on("console", lambda message: self._said(message.type, message.text))
        self.page.on("pageerror", lambda error: self._said("error", str(error)))
        self.page.on("requestfailed", lambda request: self.fault(f"{request.url} could not be read: {request.failure}"))
        self.page.on("response", lambda answer: answer.status < 400 or self.fault(f"{answer.url} is answered {answer.status}"))

    def fault(self, text):
        self.faults.append(f"{self.place}: {text}")

    def _said(self, kind, text):
        if kind in ("error", "warning"):
            self.fault(f"the console has: {text}")

    def open(self, place, ready=None):
        """Opens a page, and remembers what it links to and what can be linked to. `ready` is waited for first."""
        self.place = place
        self.page.goto(self.root + place, wait_until="load")
        if ready:
            self.page.wait_for_selector(ready)
        self.look()

    def look(self):
        """The page that is open."""
        self._saw(self.page.url, self.page.evaluate(LOOK))

    def turn(self, pages):
        """Takes docc's program, which is open, to pages of its own: (place, address of its data, title) of each."""
        self.place = f"{pages[0][0]} to {pages[-1][0]}"
        for (place, _, title), seen in zip(pages, self.page.evaluate(TURN, [[f"/{place}", *rest] for place, *rest in pages])):
            if seen["heading"] != title:
                self.faults.append(f"{place}: the page's heading is {seen['heading']!r}, not {title!r}")
            self._saw(self.root + place, seen)

    def _saw(self, url, seen):
        for image in seen["broken"]:
            self.fault(f"the picture {image} is not drawn")
        for image in seen["unnamed"]:
            self.fault(f"the picture {image} has no text for those who do not see it")
        if not seen["title"]:
            self.fault("the page has no title")
        self.found[self.address(url)] = Found(seen["addresses"], set(seen["anchors"]))

    def measure(self):
        """The page that is open, in each width and each scheme: no colour depends on the width."""
        for (width, (across, down)), scheme in zip(WIDTHS.items(), SCHEMES):
            self.page.set_viewport_size({"width": across, "height": down})
            self.page.emulate_media(color_scheme=scheme)
            seen = self.page.evaluate(MEASURE)
            if seen["beyond"] > 0:
                self.fault(f"{width}: {seen['beyond']} pixels stick out of the window")
            for shade in seen["faint"]:
                self.fault(f"{scheme}: hard to read: {shade}")

    def address(self, url):
        """An address of the site, as one page has it, however it is written."""
        path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
        return path.removesuffix("index.html")

    def links(self):
        """None for each link that leads somewhere, else what is wrong with it."""
        for place, found in self.found.items():
            for url in sorted(set(found.addresses)):
                if not url.startswith(self.root):
                    yield None if url.startswith("https://") else f"{place}: the link to {url} leaves the site"
                    continue
                address, anchor = self.address(url), urllib.parse.unquote(urllib.parse.urlsplit(url).fragment)
                target = self.found.get(address) or self.found.get(address.rstrip("/")) or self.found.get(address + "/")
                if target is None:
                    yield f"{place}: the link to {address} leads to no page that was opened"
                elif anchor and anchor not in target.anchors:
                    yield f"{place}: {address} has no anchor {anchor}"
                else:
                    yield None
