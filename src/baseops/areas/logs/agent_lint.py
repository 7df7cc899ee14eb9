"""What the agent would take without a word and then not do: patterns, times, streams and paths of its files.

The agent validates the shape of its configuration only; a wrong expression passes and nothing is shipped. What it
knows of times: https://github.com/aws/amazon-cloudwatch-agent, translator, collect_list. It looks at text alone.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

# The directives of the agent's own table; all others stay in the layout as they are and never match.
DIRECTIVES = frozenset(
    {"%B", "%b", "%-m", "%m", "%A", "%a", "%-d", "%d", "%H", "%-I", "%I", "%-M", "%M", "%-S", "%S"}
    | {"%Y", "%y", "%p", "%Z", "%z", "%f"}
)
PLACEHOLDERS = frozenset(
    {"instance_id", "hostname", "local_hostname", "ip_address", "date", "aws_region", "account_id"}
)

# https://github.com/google/re2/wiki/Syntax: what Go's expressions lack of Perl's.
_NOT_IN_RE2 = (
    (r"\(\?<?[=!]", "look-ahead and look-behind"),
    (r"\(\?>", "atomic groups"),
    (r"\(\?P=", "backreferences"),
    (r"\(\?\(", "conditions"),
    (r"\(\?#", "comments"),
    (r"(?<!\\)(?:\\\\)*\\[1-9]", "backreferences"),
    (r"(?<!\\)(?:\\\\)*[*+?}]\+", "possessive quantifiers"),
    (r"(?<!\\)(?:\\\\)*\\[ZGK]", r"\Z, \G and \K"),
)
# What Go has and Python has not, by something as long: only whether the rest is well formed is asked.
_ONLY_IN_RE2 = ((r"\[:\^?[a-z]+:\]", "a-z"), (r"\\[pP](?:\{\^?\w+\}|\w)", r"\\w"), (r"\\z", r"\\Z"))


def pattern_problem(pattern: str) -> str:
    """Why Go would not compile an expression; '' when it would."""
    for lacking, words in _NOT_IN_RE2:
        if re.search(lacking, pattern):
            return f"the agent's expressions (Go, RE2) have no {words}"
    plain = pattern
    for theirs, ours in _ONLY_IN_RE2:
        plain = re.sub(theirs, ours, plain)
    try:
        re.compile(plain)
    except re.error as error:
        return f"the expression cannot be read: {error.msg} at character {(error.pos or 0) + 1}"
    repeats = [int(number) for number in re.findall(r"(?<!\\)\{(?:\d+,)?(\d+)\}", pattern)]
    return "the agent's expressions (Go, RE2) repeat at most 1000 times" if any(n > 1000 for n in repeats) else ""


def multi_line_problem(pattern: str, timestamp_format: str | None) -> str:
    """What is wrong with the start of an event; '' when nothing is."""
    if pattern == "{timestamp_format}":
        return "" if timestamp_format else "{timestamp_format} stands for a timestamp_format, and there is none"
    return pattern_problem(pattern)


def timestamp_problem(layout: str) -> str:
    """What is wrong with a time's layout; '' when nothing is."""
    found = re.findall(r"%-?.?", layout)
    unknown = [directive for directive in found if directive not in DIRECTIVES]
    if unknown:
        return f"the agent knows no {unknown[0]} in a timestamp_format"
    if not found:
        return "a timestamp_format has directives such as %Y-%m-%d %H:%M:%S"
    if not {"%d", "%-d"} & set(found) or not {"%H", "%I", "%-I"} & set(found):
        return "a timestamp_format needs a day and an hour, such as %Y-%m-%d %H:%M:%S"
    return ""


def timestamp_warning(layout: str) -> str:
    """What an accepted layout does that nobody expects; '' when nothing."""
    if "%B" in layout:
        return "the agent recognises %B only in months of seven letters"
    return ""


def stream_problem(stream: str) -> str:
    """What is wrong with a stream's name; '' when nothing is."""
    unknown = [name for name in re.findall(r"\{([^{}]*)\}", stream) if name not in PLACEHOLDERS]
    if unknown:
        return f"the agent fills in no {{{unknown[0]}}}"
    return "a log stream's name has no : and no *" if re.search(r"[:*]", stream) else ""


def encoding_problem(encoding: str) -> str:
    """Why the agent would not know an encoding; '' when it would."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        return f"there is no encoding {encoding}"
    return ""


def matching_paths(paths: list[str]) -> Iterator[tuple[str, str]]:
    """Pairs of paths that name the same file: equal ones, and a plain one that another's wildcards cover."""
    for number, path in enumerate(paths):
        for other in paths[:number]:
            if path == other or _covers(other, path) or _covers(path, other):
                yield other, path


def _covers(wide: str, path: str) -> bool:
    if "*" not in wide:
        return False
    parts = re.split(r"(/\*\*/|\*\*|\*)", wide)
    words = {"/**/": "/(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return re.fullmatch("".join(words.get(part, re.escape(part)) for part in parts), path) is not None
