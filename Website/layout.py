"""The frame of every page: head, navigation, what is on the page. The reference takes the header alone."""
import html
import pathlib
import posixpath
import re
import string

from contents import relative

HERE = pathlib.Path(__file__).parent


class Layout:
    def __init__(self, contents, headers):
        self.contents, self.headers = contents, headers
        self.template = string.Template((HERE / "assets/page.html").read_text())

    def header(self, to):
        """The header; `to` makes a link of a place."""
        links = "".join(f'<a href="{to(place)}">{html.escape(word)}</a>' for word, place in self.headers)
        return (
            f'<header class="site-header"><a class="site-brand" href="{to("index.html")}">InterruptSync</a>'
            f'<nav class="site-links" aria-label="Main">{links}</nav>'
            '<form class="site-search" role="search"><input type="search" placeholder="Search" aria-label="Search the site" '
            'autocomplete="off" spellcheck="false" aria-controls="site-results" aria-expanded="false" role="combobox">'
            '<div id="site-results" class="site-results" role="listbox" aria-label="Results" hidden></div></form></header>')

    def page(self, place, title, summary, article, sections=()):
        """The whole page at `place`."""
        def to(target):
            return html.escape(relative(place, target))

        return self.template.substitute(
            title=html.escape(title), summary=html.escape(summary), root=html.escape(posixpath.relpath(".", posixpath.dirname(place) or ".")),
            header=self.header(to), navigation=self._navigation(place, to), article=article, outline=_outline(sections))

    def _navigation(self, place, to):
        parts = []
        for group in self.contents.groups:
            items = "".join(
                f'<li><a href="{to(page.place)}"{" aria-current=" + chr(34) + "page" + chr(34) if page.place == place else ""}>'
                f"{html.escape(page.title)}</a></li>" for page in group.pages)
            parts.append(f"<h2>{html.escape(group.title)}</h2><ul>{items}</ul>")
        return "".join(parts)

    def front(self, introduction):
        """The article of the front page: what this is, and every page with what it has."""
        cards = []
        for group in self.contents.groups:
            items = "".join(
                f'<li><a href="{html.escape(page.place)}">{html.escape(page.title)}</a> {html.escape(page.summary)}</li>'
                for page in group.pages)
            cards.append(f"<section><h2>{html.escape(group.title)}</h2><ul>{items}</ul></section>")
        return f'<div class="introduction">{introduction}</div><div class="cards">{"".join(cards)}</div>'


def _outline(sections):
    """Links to the sections of a page, if there is more than one."""
    shown = [section for section in sections if section.level in (2, 3) and section.anchor]
    if len(shown) < 2:
        return ""
    items = "".join(
        f'<li class="level-{section.level}"><a href="#{html.escape(section.anchor)}">{html.escape(section.title)}</a></li>'
        for section in shown)
    return f'<nav class="outline" aria-label="On this page"><h2>On this page</h2><ul>{items}</ul></nav>'


def introduction(article):
    """The text before a page's second heading, without its title."""
    article = re.sub(r"<h1.*?</h1>", "", article, count=1, flags=re.S)
    return article.partition("<h2")[0]
