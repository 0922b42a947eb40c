"""Manual pages to articles, by mandoc."""
import re
import subprocess

from contents import SiteFailure


def article(path, title):
    """The article of the manual page at `path`."""
    run = subprocess.run(["mandoc", "-Thtml", "-Ofragment", path], capture_output=True, text=True, check=False)
    if run.returncode != 0 or "manual-text" not in run.stdout:
        raise SiteFailure(f"{path}: mandoc cannot read it: {(run.stderr or run.stdout).strip()[:200]}")
    text = run.stdout[run.stdout.index('<div class="manual-text">'):]
    text = re.sub(r'<table class="foot">.*?</table>', "", text, flags=re.S)
    # The page's title is its first heading; its sections are below that.
    for level in (2, 1):
        text = re.sub(rf"(</?)h{level}\b", rf"\1h{level + 1}", text)
    # References to other pages are links where there is a page (citations.py).
    text = re.sub(r'<a class="Xr">(.*?)</a>', r'<span class="Xr">\1</span>', text, flags=re.S)
    # An argument's anchor is its option's, which has been named already.
    text = _unique(text)
    text = re.sub(r"<table class=\"Bl-column\">.*?</table>", r'<div class="table">\g<0></div>', text, flags=re.S)
    return f"<h1>{title}</h1>\n" + text


def _unique(text):
    """Without the second of two equal anchors."""
    seen = set()

    def once(match):
        name = match.group(1)
        if name in seen:
            return ""
        seen.add(name)
        return match.group(0)

    return re.sub(r' id="([^"]*)"', once, text)
