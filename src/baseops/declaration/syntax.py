"""What libyaml's complaints mean to the person who wrote the file, and what to write instead."""

from __future__ import annotations

import yaml

from baseops.declaration.positions import Position
from baseops.declaration.problem import Problem, shorten

_QUOTE = "Write the value in quotes"
_QUOTE_OR_ALIGN = "Quote a value that holds `: `, or line up the keys"
# libyaml's words -> ours and the remedy; the first that occurs in its problem or context is taken.
_MEANINGS = (
    ("mapping values are not allowed", "a `: ` stands where no key can be", _QUOTE_OR_ALIGN),
    ("sequence entries are not allowed", "a list cannot begin here", "Begin the list on a line of its own"),
    ("while scanning an alias", "`*` begins an alias, and none follows", _QUOTE),
    ("while scanning an anchor", "`&` begins an anchor, and none follows", _QUOTE),
    ("while scanning a directive", "`%` at the start of a line begins a YAML directive", _QUOTE),
    ("unknown escape character", "no escape has this form", "Use single quotes"),
    ("invalid Unicode character escape", "the escape names no character", "Use single quotes"),
    ("unexpected end of stream", "a quote is opened and never closed", "Close the quote"),
    ("flow sequence", "a list in [ ] is not closed or lacks a comma", "Write: [first, second]"),
    ("flow mapping", "a mapping in { } is not closed or lacks a comma", "Write: {key: value, other: value}"),
    ("flow node", "a [ or { is not closed", "Close it"),
    ("expected '-' indicator", "this line does not belong to the list above it", "Line up the list's items"),
    ("block mapping", "this line does not line up with the keys above it", "Line up the keys"),
    ("could not find expected ':'", "a key lacks its colon", "Write: key: value"),
    ("block scalar", "after | or > nothing may follow on the line", "Begin the text on the next line"),
    ("<document start>", "text follows the end of the document", "Quote the whole value"),
    ("undefined tag handle", "a tag's prefix is not known", "Write the value itself, without a tag"),
    ("found a tab character", "a tab indents this line", "Indent with spaces"),
)  # fmt: skip
_UNCLOSED = ("unexpected end of stream", "flow sequence", "flow mapping")
_STARTS = {"\t": ("a tab indents this line", "Indent with spaces")}


def explain(error: yaml.YAMLError, text: str, file: str) -> Problem:
    """The problem that a syntax error is."""
    said = f"{getattr(error, 'problem', '')} {getattr(error, 'context', '')}"
    mark = getattr(error, "problem_mark", None)
    if any(words in said for words in _UNCLOSED):
        mark = getattr(error, "context_mark", None) or mark  # where it was opened, not where the file ended
    place = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    message, remedy = _meaning(said, text[mark.index : mark.index + 1] if mark else "")
    return Problem(file, place.line, place.column, (), f"not YAML: {message}", remedy, rule="yaml.syntax")


def _meaning(said: str, letter: str) -> tuple[str, str]:
    if "cannot start any token" in said:
        return _STARTS.get(letter, (f"no value can begin with {shorten(letter)}", _QUOTE))
    for words, message, remedy in _MEANINGS:
        if words in said:
            return message, remedy
    return shorten(said.strip().lower(), 120), "Compare the indentation and quotes with the lines around"
