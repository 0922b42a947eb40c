"""What people read in a file, as paragraphs whose lines are joined: pages, manual pages, comments, messages."""
import re

# Comments and strings in one pass, so that quotes in comments and comment marks in strings stay what they are.
CODE = re.compile(r'"""(.*?)"""|"((?:\\.|[^"\\\n])*)"|//([^\n]*)|/\*(.*?)\*/|\'(?:\\.|[^\'\\\n])\'', re.S)
SOURCE = {".swift", ".c", ".h", ".cpp", ".hpp"}
# Macros of mdoc that begin a paragraph.
BREAKS = {"Pp", "It", "Sh", "Ss", "Bl", "El", "Bd", "Ed", "Dd", "Dt", "Os", "Nd"}
MARKUP = re.compile(r"\b(?:Ar|Cm|Dv|Em|Er|Ev|Fl|Fn|Ic|In|Li|Lk|Nm|Ns|Op|Pa|Pq|Ql|Sq|Sx|Sy|Ta|Va|Xr|Oo|Oc|Bq|Dq)\b ?")


class Paragraph:
    """A text and the line of each part."""

    def __init__(self):
        self.text, self.starts = "", []

    def add(self, line, words):
        words = re.sub(r"\s+", " ", words).strip()
        if not words:
            return
        if self.text:
            self.text += " "
        self.starts.append((len(self.text), line))
        self.text += words

    def line(self, offset):
        return max(((start, line) for start, line in self.starts if start <= offset), default=(0, 1))[1]


def paragraphs(path, text):
    """The paragraphs of the file `path`, or none when it is not of a kind that is known."""
    if path.suffix == ".md":
        found = _page(text)
    elif re.fullmatch(r"\.[1-9]", path.suffix):
        found = _manual(text)
    elif path.suffix in SOURCE:
        found = _source(text)
    elif path.suffix in (".py", "") and text.startswith("#!") or path.suffix in (
            ".py", ".sh", ".service", ".socket", ".rules", ".sysusers", ".varlink", ".device") or path.name == "Makefile":
        found = _script(text, has_strings=path.suffix == ".py" or "python" in text.partition("\n")[0])
    elif path.name == "control" or path.suffix == ".catalog":
        found = _page(text)
    else:
        found = []
    return [paragraph for paragraph in found if paragraph.text]


def _page(text):
    """Markdown without code blocks; of a table "instead of | write" only what to write counts."""
    current, is_code, is_table_of_words = Paragraph(), False, False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif is_code or line.startswith("    "):
            continue
        elif line.startswith("|"):
            yield current
            current = Paragraph()
            is_table_of_words = is_table_of_words or line.lower().startswith("| instead of")
            if is_table_of_words:
                line = line.split("|", 2)[2]
            for cell in line.strip("|").split(" | "):
                row = Paragraph()
                row.add(number, cell)
                yield row
        elif not line.strip() or line.startswith("#") or re.match(r"\s*([*-]|\d+\.) ", line):
            yield current
            current, is_table_of_words = Paragraph(), False
            if not line.startswith("#"):
                current.add(number, re.sub(r"^\s*([*-]|\d+\.) ", "", line))
        else:
            is_table_of_words = False
            current.add(number, line)
    yield current


def _manual(text):
    current, is_literal = Paragraph(), False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(".Bd"):
            is_literal = "-literal" in line
        elif line.startswith(".Ed"):
            is_literal = False
        elif is_literal or line.startswith((".\\\"", ".Dl")):
            continue
        elif line.startswith("."):
            macro, _, rest = line[1:].partition(" ")
            if macro in BREAKS:
                yield current
                current = Paragraph()
                # The words behind a tag of a list are no sentence.
                if macro != "Nd":
                    continue
            current.add(number, MARKUP.sub("", rest))
        else:
            current.add(number, line)
    yield current


def _source(text):
    current, end = Paragraph(), 0
    for token in CODE.finditer(text):
        line = text.count("\n", 0, token.start()) + 1
        between = text[end:token.start()]
        end = token.end()
        comment = token.group(3)
        # Lines of one comment, or of one message that goes on, are one paragraph; an empty line in it ends it.
        follows = comment is not None and between.count("\n") == 1 and not between.strip() and comment.strip("/ ")
        if not follows:
            yield current
            current = Paragraph()
        words = next((group for group in token.groups() if group is not None), "")
        if comment is None:
            for offset, part in enumerate(words.split("\n")):
                current.add(line + offset, re.sub(r"^\s*\* ?", "", part.replace("\\n", " ").rstrip("\\")))
        else:
            words = words.lstrip("/!").strip()
            if words.startswith("- "):
                yield current
                current, words = Paragraph(), re.sub(r"^- (?:\w+(?: \w+)?: )?", "", words)
            current.add(line, words)
    yield current


def _script(text, has_strings):
    current, quotes = Paragraph(), False
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"\s*#(?!!)\s?(.*)", line) or re.match(r".*\s#\s+(.*)", line)
        if has_strings and (quotes or line.strip().startswith('"""')):
            current.add(number, line.strip().strip('"'))
            quotes = (line.count('"""') % 2 == 1) != quotes
        elif match and match.group(1).strip():
            current.add(number, match.group(1))
            continue
        if not quotes:
            yield current
            current = Paragraph()
    yield current
