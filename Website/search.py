"""The index that the search of every page reads: a script, so that pages opened as files can search, too."""
import json

# Of a section, as many characters are searched.
LONGEST = 4000


class Search:
    def __init__(self):
        self.entries = []

    def add_page(self, page, group, sections):
        """A page with its sections, each under its own anchor."""
        for section in sections:
            title = section.title if section.title != page.title else ""
            place = f"{page.place}#{section.anchor}" if section.anchor and section.level != 1 else page.place
            self.entries.append([page.title, title, group, place, section.text[:LONGEST]])

    def add_symbol(self, name, kind, module, place, text):
        self.entries.append([module, name, kind, place, text])

    def script(self):
        rows = ",\n".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in self.entries)
        return f"interruptsyncSearch([\n{rows}\n]);\n"
