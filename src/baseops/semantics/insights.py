"""A small part of the query language of Logs Insights: fields, filter, stats, sort, limit, over given records.

Pure. What it does not know it refuses by name, so that nothing is quietly left out of an answer.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

# Any: fields hold texts and numbers as the log has them.

Record: TypeAlias = Mapping[str, Any]
Stage: TypeAlias = Callable[[list[Record]], list[Record]]
Test: TypeAlias = Callable[[Record], bool]

DEFAULT_LIMIT = 10_000
_TOKEN = re.compile(
    r"""\s*(?:(?P<regex>/(?:[^/\\]|\\.)+/)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<quoted>`[^`]+`)"""
    r"""|(?P<number>-?\d+(?:\.\d+)?)(?![\w.])|(?P<name>@?[A-Za-z_][\w.@]*)|(?P<sign><=|>=|!=|=~|[=<>(),\[\]*]))"""
)
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class InsightsError(ValueError):
    """A query that cannot be read, or that uses what is not known here."""


@dataclass(frozen=True)
class Query:
    """A query that has been read."""

    source: str
    stages: tuple[Stage, ...]

    def run(self, records: Iterable[Record]) -> list[Record]:
        """The rows that it makes of the records."""
        rows = list(records)
        for stage in self.stages:
            rows = stage(rows)
        return rows[:DEFAULT_LIMIT]


def parse_query(text: str) -> Query:
    """Read a query; raises InsightsError naming what it does not know."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    parts = [part for part in _split(lines) if part.strip()]
    return Query(text, tuple(_stage(part) for part in parts))


def parse_aggregation(text: str) -> Query:
    """Read what follows `stats` in a log alarm, such as `avg(latency) by host | sort desc`."""
    first, *rest = _split(text)
    keyed = _aggregates(_tokens(first))
    return Query(text, (keyed.stage, *(_after(part, keyed.columns[0]) for part in rest)))


def record_of(message: str, **system: Any) -> dict[str, Any]:
    """A log event as a record: its system fields, and those that Insights finds in JSON (nested ones by dots)."""
    found: dict[str, Any] = {"@message": message, **{f"@{name}": value for name, value in system.items()}}
    start = message.find("{")
    if start >= 0:
        try:
            tree = json.loads(message[start:])
        except ValueError:
            return found
        if isinstance(tree, dict):
            found.update(_flat(tree, ""))
    return found


def _flat(tree: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict):
            found.update(_flat(value, f"{prefix}{name}."))
        elif isinstance(value, list):
            found.update(_flat({str(place): each for place, each in enumerate(value)}, f"{prefix}{name}."))
        elif value is not None:
            found[prefix + name] = value
    return found


def _split(text: str) -> list[str]:
    """At the pipes that stand outside quotes and expressions."""
    return re.findall(r"""(?:/(?:[^/\\]|\\.)+/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^|])+""", text)


class _Tokens:
    """The tokens of one command."""

    def __init__(self, text: str) -> None:
        self.found: list[tuple[str, str]] = []
        self.place = 0
        position, end = 0, len(text.rstrip())
        while position < end:
            token = _TOKEN.match(text, position)
            if not token:
                raise InsightsError(f"cannot read {text[position:].strip()[:30]!r}")
            self.found.append((str(token.lastgroup), token[str(token.lastgroup)]))
            position = token.end()

    @property
    def next(self) -> tuple[str, str]:
        return self.found[self.place] if self.place < len(self.found) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.next
        self.place += 1
        return token

    def takes(self, *words: str) -> bool:
        kind, value = self.next
        if kind in ("name", "sign") and value.lower() in words:
            self.place += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.takes(word):
            raise InsightsError(f"{word} is expected before {self.next[1] or 'the end'!r}")

    def field(self) -> str:
        kind, value = self.take()
        if kind not in ("name", "quoted"):
            raise InsightsError(f"a field is expected, not {value!r}")
        return value.strip("`")

    def end(self) -> None:
        if self.next[0] != "end":
            raise InsightsError(f"the sandbox does not know {self.next[1]!r} here")


def _tokens(text: str) -> _Tokens:
    return _Tokens(text)


def _stage(text: str) -> Stage:
    word, _, rest = text.strip().partition(" ")
    makers: Mapping[str, Callable[[_Tokens], Stage]] = {
        "fields": _fields,
        "display": _fields,
        "filter": _filter,
        "stats": lambda tokens: _aggregates(tokens).stage,
        "sort": _sort,
        "limit": _limit,
    }
    if word.lower() not in makers:
        raise InsightsError(f"the sandbox knows fields, display, filter, stats, sort and limit, not {word!r}")
    return makers[word.lower()](_tokens(rest))


def _after(text: str, column: str) -> Stage:
    """A command after an aggregation; `sort desc` alone sorts by the aggregate."""
    words = text.split()
    if [word.lower() for word in words] in (["sort", "desc"], ["sort", "asc"]):
        return _sorted_by(column, is_descending=words[1].lower() == "desc")
    return _stage(text)


def _fields(tokens: _Tokens) -> Stage:
    names = [tokens.field()]
    while tokens.takes(","):
        names.append(tokens.field())
    tokens.end()
    # The other fields stay at hand for the commands that follow, as in Insights.
    return list


def _filter(tokens: _Tokens) -> Stage:
    test = _either(tokens)
    tokens.end()
    return lambda rows: [row for row in rows if test(row)]


def _either(tokens: _Tokens) -> Test:
    parts = [_both(tokens)]
    while tokens.takes("or"):
        parts.append(_both(tokens))
    return lambda row: any(part(row) for part in parts)


def _both(tokens: _Tokens) -> Test:
    parts = [_negated(tokens)]
    while tokens.takes("and"):
        parts.append(_negated(tokens))
    return lambda row: all(part(row) for part in parts)


def _negated(tokens: _Tokens) -> Test:
    if tokens.takes("not"):
        inner = _negated(tokens)
        return lambda row: not inner(row)
    if tokens.takes("("):
        inner = _either(tokens)
        tokens.expect(")")
        return inner
    return _condition(tokens)


def _condition(tokens: _Tokens) -> Test:
    if tokens.takes("ispresent"):
        tokens.expect("(")
        present = tokens.field()
        tokens.expect(")")
        return lambda row: row.get(present) is not None
    name = tokens.field()
    is_negated = tokens.takes("not")
    if tokens.takes("like", "=~"):
        test = _likeness(name, tokens)
    elif tokens.takes("in"):
        test = _membership(name, tokens)
    else:
        test = _comparison(name, tokens)
    return (lambda row: not test(row)) if is_negated else test


def _likeness(name: str, tokens: _Tokens) -> Test:
    kind, value = tokens.take()
    if kind == "regex":
        try:
            expression = re.compile(value[1:-1].replace("\\/", "/"))
        except re.error as error:
            raise InsightsError(f"{value} is no regular expression: {error}") from error
    elif kind == "text":
        expression = re.compile(re.escape(_unquoted(value)))
    else:
        raise InsightsError(f"like takes a text or a regular expression, not {value!r}")
    return lambda row: row.get(name) is not None and expression.search(str(row[name])) is not None


def _membership(name: str, tokens: _Tokens) -> Test:
    tokens.expect("[")
    wanted = [_literal(tokens)]
    while tokens.takes(","):
        wanted.append(_literal(tokens))
    tokens.expect("]")
    return lambda row: any(_compares(operator.eq, row.get(name), each) for each in wanted)


def _comparison(name: str, tokens: _Tokens) -> Test:
    sign = tokens.take()[1]
    if sign not in _COMPARISONS:
        raise InsightsError(f"the sandbox knows no comparison {sign!r}")
    compare, wanted = _COMPARISONS[sign], _literal(tokens)
    return lambda row: _compares(compare, row.get(name), wanted)


def _compares(compare: Callable[[Any, Any], bool], value: Any, wanted: Any) -> bool:
    """Numbers where both are; texts otherwise. A missing field fits nothing."""
    if value is None:
        return False
    number = as_number(value)
    if isinstance(wanted, float):
        return number is not None and compare(number, wanted)
    return compare(str(value), wanted)


def _literal(tokens: _Tokens) -> Any:
    kind, value = tokens.take()
    if kind == "number":
        return float(value)
    if kind == "text":
        return _unquoted(value)
    raise InsightsError(f"a number or a text in quotes is expected, not {value!r}")


def as_number(value: Any) -> float | None:
    """The number that a field holds, as a number or as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


# --- stats ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Aggregation:
    stage: Stage
    columns: tuple[str, ...]


_FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": math.fsum,
    "avg": lambda values: math.fsum(values) / len(values),
    "min": min,
    "max": max,
}


def _aggregates(tokens: _Tokens) -> _Aggregation:
    columns = [_aggregate(tokens)]
    while tokens.takes(","):
        columns.append(_aggregate(tokens))
    keys = []
    if tokens.takes("by"):
        keys.append(tokens.field())
        while tokens.takes(","):
            keys.append(tokens.field())
    tokens.end()
    return _Aggregation(lambda rows: _grouped(rows, columns, keys), tuple(name for name, _ in columns))


def _aggregate(tokens: _Tokens) -> tuple[str, Callable[[Sequence[Record]], float | None]]:
    word = tokens.field().lower()
    if word not in (*_FUNCTIONS, "count"):
        raise InsightsError(f"the sandbox knows count, {', '.join(_FUNCTIONS)}, not {word!r}")
    tokens.expect("(")
    name = "*" if tokens.takes("*") or tokens.next[1] == ")" else tokens.field()
    tokens.expect(")")
    column = tokens.field() if tokens.takes("as") else f"{word}({name})"
    if word == "count":
        return column, lambda rows: float(sum(name == "*" or row.get(name) is not None for row in rows))
    return column, lambda rows: _computed(_FUNCTIONS[word], name, rows)


def _computed(function: Callable[[Sequence[float]], float], name: str, rows: Sequence[Record]) -> float | None:
    values = [number for row in rows if (number := as_number(row.get(name))) is not None]
    return function(values) if values else None


def _grouped(rows: list[Record], columns: Sequence[tuple[str, Any]], keys: Sequence[str]) -> list[Record]:
    """No record, no row: also a count of nothing is no row."""
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(key) for key in keys), []).append(row)
    return [
        {**dict(zip(keys, group, strict=True)), **{name: compute(members) for name, compute in columns}}
        for group, members in groups.items()
    ]


def _sort(tokens: _Tokens) -> Stage:
    name = tokens.field()
    if tokens.takes("("):
        tokens.takes("*")
        inner = "*" if tokens.next[1] == ")" else tokens.field()
        tokens.expect(")")
        name = f"{name}({inner})"
    is_descending = tokens.takes("desc")
    if not is_descending:
        tokens.takes("asc")
    tokens.end()
    return _sorted_by(name, is_descending=is_descending)


def _sorted_by(name: str, *, is_descending: bool) -> Stage:
    def key(row: Record) -> tuple[int, float, str]:
        number = as_number(row.get(name))
        return (0, number, "") if number is not None else (1, 0.0, str(row.get(name, "")))

    return lambda rows: sorted(rows, key=key, reverse=is_descending)


def _limit(tokens: _Tokens) -> Stage:
    kind, value = tokens.take()
    if kind != "number" or not value.isdigit():
        raise InsightsError(f"limit takes a number, not {value!r}")
    tokens.end()
    count = int(value)
    return lambda rows: rows[:count]
