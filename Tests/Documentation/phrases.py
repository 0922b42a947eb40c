"""Phrases that read as translated, each with what to write. CONTRIBUTING.md has the words of this house."""
import re
from typing import NamedTuple


class Phrase(NamedTuple):
    pattern: re.Pattern
    write: str


def _phrase(pattern, write, flags=re.IGNORECASE):
    return Phrase(re.compile(pattern, flags), write)


# A sentence begins with a capital letter, at the start of a text or after another sentence.
START = r"(?:^|(?<=[.!?:] ))"
# To the end of a sentence that is no question.
STATEMENT = r"(?=[^.?!|]*(?:[.!|]|$))"
VERBS = (
    r"(?:is|are|was|were|has|have|had|does|did|do|can|cannot|could|may|might|must|will|would|shall|should|comes?|came|"
    r"goes|went|takes?|took|gives?|gave|makes?|made|needs?|runs?|ran|stays?|stands?|holds?|waits?|wants?|keeps?|kept|"
    r"happens?|happened|remains?|belongs?|follows?|ends?|fails?)"
)

PHRASES = [
    _phrase(START + r"Who(?:ever)?\b" + STATEMENT, "name the actor: a client that, a caller that, the thread that", 0),
    _phrase(START + r"What(?:ever)? (?:not )?" + VERBS + r"\b" + STATEMENT,
            "name the thing: a value that, the lines that, messages that", 0),
    _phrase(r"\bwhoever\b|\bwhomever\b", "name the actor: the thread that, any caller that"),
    _phrase(r"\b(?:is|are|was|were|be) to be\b", "must be, is, will be; or name the actor and use the active verb"),
    _phrase(r"\b(?:to|not|cannot|can|could|be able to) be had\b", "cannot create, not available, cannot get"),
    _phrase(r"\b(?:lets?|letting) (?:it |them |him |one )?go of\b|\bhas let go\b", "releases, closes, drops, disconnects"),
    _phrase(r"\btold (?:of|once|about)\b", "reported, logged, notified"),
    _phrase(r"\banew\b", "again, reconnected, reconfigured; re-reads"),
    _phrase(r"\bin the place of\b", "instead of, replaces"),
    _phrase(r"\b(?:nobody|somebody|everybody)(?:'s)?\b", "name the actor: no routine, no client, another thread, every user"),
    _phrase(r"\bst(?:ands?|ood|anding) (?:for|behind|in front)\b", "means, represents, follows, precedes"),
    _phrase(r"\bends? by itself\b|\bends? by themselves\b", "exits on its own, exits after SECONDS"),
    _phrase(r"\bmay not be there\b", "may be missing, may not exist"),
    _phrase(r"\b(?:has|have|had) to do with\b", "concerns, is about, depends on"),
    _phrase(r"\b(?:is|are|was|were|be) at fault\b", "is invalid, has errors"),
    _phrase(r"\b(?:one|that|those) of before\b", "the previous one, the old ones"),
    _phrase(r"\blook(?:s|ed|ing)? whether\b", "checks whether"),
    _phrase(r"\bwhat (?:came|comes|becomes|became) of (?:it|them)\b", "the result"),
    _phrase(r"\bso that one can\b", "so that you can"),
    _phrase(r"\bsays? so once\b|\bsaid once\b", "logs one message, is reported once"),
    _phrase(r"\b(?:is|are) mended\b", "is fixed"),
    _phrase(r"\bfind(?:s)? fault with\b", "find a problem in"),
    _phrase(r"\bfor good\b", "permanently"),
    _phrase(r"\b(?:serviced|served|served|wanted|needed) no longer\b|\bno longer, or\b", "no longer serviced, stopped"),
    _phrase(r"\bas (?:if|though) there were none\b", "as if it did not exist"),
    _phrase(r"\bmay look at\b", "may observe"),
    _phrase(r"\bby (?:itself|themselves)\b", "on its own, alone, without; or name the actor"),
    _phrase(r"\banother \w+ than\b|\bof another (?:version|type|length)\b",
            "a length other than, the wrong type, differs"),
    _phrase(r"\bthe present (?:connection|object|one|level)s?\b", "the current one"),
    _phrase(r"\bthose who\b", "name the actor: the watchers, callers that"),
    _phrase(r"\b(?:those|what) there (?:is|are)\b|\bwhat is there\b", "name the thing: the devices, the count"),
    _phrase(r"\bbe put right\b|\bputs? right\b", "repair, recover"),
]

# True technical uses, taken out of a text before it is searched.
ALLOWED = [
    re.compile(r"`[^`]*`"),
    # The kernel's message, and the Unix user of that name.
    re.compile(r"\bnobody cared\b"),
    re.compile(r"\b(?:user|group|uid|user name|runuser -u|su|as) [\"']?nobody\b|\bnobody:nogroup\b|\b65534 \(nobody\)"),
]


def faults(text):
    """(offset, words, what to write) of each phrase in `text`."""
    for allowed in ALLOWED:
        text = allowed.sub(lambda match: "_" * len(match.group()), text)
    found = {}
    for phrase in PHRASES:
        for match in phrase.pattern.finditer(text):
            # One fault a place: the first pattern of the list wins.
            if not any(start <= match.start() < end for start, end in found):
                found[match.start(), match.end()] = (match.group(), phrase.write)
    for (start, _), (words, write) in sorted(found.items()):
        yield start, words, write
