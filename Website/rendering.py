"""Markdown to the article of a page, with the anchors that GitHub gives headings, and code in colours."""
import functools
import html
import re

from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound

# A numbered rule or fact is an item of a list that begins with its number in bold.
NUMBERED = re.compile(r"\*\*((?:fact|pain) [0-9]+|[PLKDWUSNTVG][0-9]+[a-z]?)\b")
COLORS = HtmlFormatter(nowrap=True)


def anchor_of(number):
    return number.replace(" ", "-")


def slug(title):
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def colored(code, language, _=None):
    try:
        lexer = get_lexer_by_name(language) if language else TextLexer()
    except ClassNotFound:
        lexer = TextLexer()
    return highlight(code, lexer, COLORS)


def colored_file(name, code):
    try:
        lexer = get_lexer_for_filename(name)
    except ClassNotFound:
        lexer = get_lexer_by_name("bash") if code.startswith("#!") and "sh" in code.partition("\n")[0] else TextLexer()
    return highlight(code, lexer, COLORS)


@functools.cache
def _markdown():
    markdown = MarkdownIt("commonmark", {"highlight": colored}).enable("table")
    return markdown.use(anchors_plugin, max_level=4, slug_func=slug)


def article(text, link):
    """The article of a page in Markdown. `link` says where a link of the page leads."""
    markdown = _markdown()
    tokens = markdown.parse(text)
    for index, token in enumerate(tokens):
        if token.type != "inline":
            continue
        opening = tokens[index - 2]
        if opening.type == "list_item_open" and (number := NUMBERED.match(token.content)):
            opening.attrSet("id", anchor_of(number.group(1)))
        for child in token.children:
            for name in ("href", "src"):
                if target := child.attrGet(name):
                    child.attrSet(name, link(target))
    text = markdown.renderer.render(tokens, markdown.options, {})
    text = text.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    return re.sub(r"<p>(<img [^>]*>)</p>", r'<div class="picture">\1</div>', text)


def source(path, text):
    """The article of a file's page."""
    return f'<h1 class="path">{html.escape(path)}</h1>\n<pre class="source"><code>{colored_file(path, text)}</code></pre>'


def folder(path, children, link):
    """The article of a folder's page: its files and folders, those with pages as links."""
    items = "".join(
        f'<li><a href="{html.escape(way)}">{html.escape(name)}</a></li>' if way else f"<li>{html.escape(name)}</li>"
        for name, way in ((child.rpartition("/")[2], link(child)) for child in children))
    return f'<h1 class="path">{html.escape(path)}</h1>\n<ul class="files">{items}</ul>'
