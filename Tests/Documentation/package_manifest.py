"""The targets of Package.swift that live below Sources, with the targets that each depends on."""
import re

TARGET = re.compile(r"\.(?:target|executableTarget|systemLibrary|plugin|macro)\(\s*name:\s*\"(\w[\w-]*)\"")


def targets(text):
    """{name: [(dependency, line)]} of every target without a path of its own."""
    found = {}
    for match in TARGET.finditer(text):
        body = _call(text, match.start())
        if re.search(r"\bpath:", body):
            continue
        found[match.group(1)] = list(_dependencies(text, match.start(), body))
    return found


def _call(text, start):
    """From `start` to the parenthesis that closes the first one."""
    depth = 0
    for index in range(text.index("(", start), len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return text[start:index]
    return text[start:]


def _dependencies(text, start, body):
    match = re.search(r"\bdependencies:\s*\[", body)
    if not match:
        return
    depth, end = 1, match.end()
    while depth and end < len(body):
        depth += {"[": 1, "]": -1}.get(body[end], 0)
        end += 1
    # Products of other packages are not floors of ours.
    listed = re.sub(r"\.product\([^)]*\)", lambda product: " " * len(product.group()), body[match.end():end])
    for name in re.finditer(r'"([\w-]+)"', listed):
        yield name.group(1), text.count("\n", 0, start + match.end() + name.start()) + 1
