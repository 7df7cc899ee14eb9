"""What an unquoted YAML word means, and which words mean different things to different YAML readers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from baseops.contract.types import Json
from baseops.declaration.problem import shorten

# YAML 1.1, https://yaml.org/type/; PyYAML reads by it, most newer readers by YAML 1.2.
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_YES = frozenset({"yes", "Yes", "YES", "on", "On", "ON"})
_NO = frozenset({"no", "No", "NO", "off", "Off", "OFF"})
_BOOLS: dict[str, Json] = {**dict.fromkeys(_TRUE | _YES, True), **dict.fromkeys(_FALSE | _NO, False)}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")
_NUMBERLIKE = re.compile(r"[-+]?\.?(?:[0-9]|inf|nan)", re.IGNORECASE)
_SURPRISES = (
    (re.compile(r"[-+]?0[0-7_]+"), "is read by some as an octal number"),
    (re.compile(r"[-+]?0[0-9]+"), "is read by some as a number, which loses its leading zero"),
    (re.compile(r"[-+]?0[box][0-9a-fA-F_]+"), "is read by some as a number in another base"),
    (re.compile(r"[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"), "is read by some as a number to base 60"),
    (re.compile(r"[-+]?[0-9][0-9_]*(?:\.[0-9_]*)?"), "is read by some as a number"),
    (re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"), "is read by some as infinite or no number"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9].*)?"), "is read by some as a date"),
)


@dataclass(frozen=True)
class Surprise:
    """A word that readers of YAML disagree on: how it may be taken, and what to write instead."""

    reading: str
    remedy: str


def resolve(word: str) -> Json | Surprise:
    """The value of an unquoted word: null, a boolean, a decimal number, text, or a surprise."""
    if word in _NULLS:
        return None
    if word in _BOOLS:
        return _BOOLS[word]
    return _number(word) if _NUMBERLIKE.match(word) else word


def _number(word: str) -> Json | Surprise:
    if _INTEGER.fullmatch(word):
        return int(word)
    if _FLOAT.fullmatch(word) and not re.match(r"[-+]?0[0-9]", word):
        return float(word)
    for pattern, reading in _SURPRISES:
        if pattern.fullmatch(word):
            return Surprise(reading, _remedy(word))
    return word


def _remedy(word: str) -> str:
    if not re.search("[0-9]", word):
        return "Write a number in digits"
    quoted = f'"{shorten(word)}"'
    if len(word) > 18 or not re.fullmatch(r"[-+]?(?:[1-9][0-9]*(?:_[0-9]+)*|0x[0-9a-fA-F]+|0b[01]+|0o[0-7]+)", word):
        return f"Write: {quoted}"
    return f"Write: {int(word, 0)}, or {quoted} if it is text"
