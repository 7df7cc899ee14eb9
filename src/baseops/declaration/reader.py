"""Reads YAML into plain data and remembers where each value stands; knows nothing of what the values mean.

It builds from libyaml's events instead of `yaml.compose`, whose recursion in C ends the process on deep nesting.
What YAML allows and a declaration does not is said as problems: duplicate keys, unknown tags, keys that are not
text, words that YAML readers disagree on. What makes the file unreadable as a whole is raised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

import yaml

from baseops.contract.types import Json
from baseops.declaration.positions import Node, Path, Position, Positions
from baseops.declaration.problem import Problem, shorten
from baseops.declaration.scalars import Surprise, resolve
from baseops.declaration.source import refusal
from baseops.declaration.syntax import explain

MAX_DEPTH = 40
MAX_NODES = 100_000
_MERGE = "<<"
_STANDARD = "tag:yaml.org,2002:"
_PLAIN_TAGS = {f"{_STANDARD}{kind}" for kind in ("bool", "int", "float", "null")}


@dataclass(frozen=True, eq=False)
class Document:
    """A YAML file as plain data, the places of its values, and what is wrong with it as YAML."""

    data: dict[str, Json]
    positions: Positions
    problems: tuple[Problem, ...]


@dataclass(slots=True, eq=False)
class _Frame:
    """A mapping or list whose end has not been read; `key` is the one that waits for its value."""

    node: Node
    anchor: str | None
    mapping: bool
    key: tuple[str, Position] | None = None
    merged: list[Node] = field(default_factory=list)


def read(text: str, file: str) -> Document:
    """The only document of a YAML text, whose root is a mapping; `file` is the name for problems."""
    return _Reader(text, file).read()


class _Reader:
    """One reading: the open containers, the anchors seen, the problems found."""

    def __init__(self, text: str, file: str) -> None:
        self._text = text
        self._file = file
        self._open: list[_Frame] = []
        self._anchors: dict[str, Node] = {}
        self._roots: list[Node] = []
        self._problems: list[Problem] = []
        self._nodes = 0

    def read(self) -> Document:
        loader = yaml.CSafeLoader(self._text)
        try:
            while event := loader.get_event():
                self._take(event)
        except yaml.YAMLError as error:
            raise refusal(explain(error, self._text, self._file)) from error
        finally:
            loader.dispose()
        return self._document()

    def _document(self) -> Document:
        if not self._roots or (self._roots[0].data is None and not self._roots[0].raw):
            self._refuse(Position(1, 1), "the file is empty", "Run: baseops init", rule="yaml.empty")
        root = self._roots[0]
        if not isinstance(root.data, dict):
            message = f"expected a mapping such as `version: 1`; got {shorten(root.raw) or 'a list'}"
            self._refuse(root.position, message, "Begin with: version: 1", rule="yaml.root")
        return Document(root.data, Positions(root, self._text), tuple(self._problems))

    # --- events ---

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._start(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._end(event)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)
        elif isinstance(event, yaml.DocumentStartEvent) and self._roots:
            message = "a second document begins here; a declaration is one"
            self._refuse(_place(event), message, "Delete the line `---`", rule="yaml.documents")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        plain = event.implicit[0] or event.tag in _PLAIN_TAGS
        raw = event.value if plain else event.value or "''"
        node = Node(_place(event), event.value, raw, plain, span=_span(event))
        self._check_tag(event, f"{_STANDARD}str", *_PLAIN_TAGS)
        frame = self._open[-1] if self._open else None
        if frame and frame.mapping and frame.key is None:
            self._name(frame, node)
            return
        if plain:
            self._resolve(node)
        self._add(node, event.anchor)

    def _resolve(self, node: Node) -> None:
        value = resolve(node.raw)
        if isinstance(value, Surprise):
            message = f"{shorten(node.raw)} without quotes {value.reading}"
            self._say(node.position, self._path(), message, f'Write: "{shorten(node.raw)}"', "yaml.ambiguous")
            value = node.raw
        node.data = value

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        self._check_tag(event, f"{_STANDARD}{'map' if mapping else 'seq'}")
        if self._open and self._open[-1].mapping and self._open[-1].key is None:
            self._refuse(_place(event), "a key is a mapping or list; keys are text", "Quote the key", rule="yaml.key")
        if len(self._open) >= MAX_DEPTH:
            self._too_deep(_place(event))
        node = Node(_place(event), {} if mapping else [], span=_span(event))
        self._open.append(_Frame(node, event.anchor, mapping))

    def _end(self, event: yaml.MappingEndEvent | yaml.SequenceEndEvent) -> None:
        frame = self._open.pop()
        frame.node.span = (frame.node.span[0], _span(event)[1])
        for base in frame.merged:
            _inherit(frame.node, base)
        self._add(frame.node, frame.anchor)

    def _alias(self, event: yaml.AliasEvent) -> None:
        name = shorten(str(event.anchor))
        if any(frame.anchor == event.anchor for frame in self._open):
            self._refuse(
                _place(event),
                f"*{name} stands inside the value that it repeats",
                "Write the value out",
                rule="yaml.alias",
            )
        if event.anchor not in self._anchors:
            remedy = f'Write it in quotes if it is text: "*{name}"'
            self._refuse(_place(event), f"no anchor &{name} stands above this", remedy, rule="yaml.alias")
        node = self._anchors[event.anchor]
        if self._open and self._open[-1].mapping and self._open[-1].key is None:
            self._refuse(_place(event), "a key is an alias; keys are plain text", "Write the key out", rule="yaml.key")
        if len(self._open) + node.height > MAX_DEPTH:
            self._too_deep(_place(event))
        self._add(node, None)

    # --- building ---

    def _name(self, frame: _Frame, node: Node) -> None:
        """Take a scalar as the next key of the innermost mapping."""
        key, path = node.raw if node.plain else str(node.data), self._path()
        known = frame.node.entries.get(key)
        if node.plain and key != _MERGE and resolve(key) != key:
            message = f"the key {shorten(key) or 'of nothing'} without quotes is not text"
            self._say(node.position, (*path, key), message, f'Write: "{shorten(key)}":', "yaml.key")
        if known:
            message = f"the key {shorten(key)!r} stands on line {known[0].line} and again on line {node.position.line}"
            self._say(node.position, (*path, key), message, "Delete one of them", "yaml.duplicate-key")
        frame.key = (key, node.position)

    def _add(self, node: Node, anchor: str | None) -> None:
        """Put a finished value where it belongs: into the innermost container, or as a root."""
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self._roots.append(node)
            return
        frame = self._open[-1]
        frame.node.size += node.size
        frame.node.height = max(frame.node.height, node.height + 1)
        self._count(node)
        if frame.mapping:
            self._put(frame, node)
        else:
            frame.node.items.append(node)
            _list(frame.node).append(node.data)

    def _put(self, frame: _Frame, node: Node) -> None:
        key, place = frame.key or ("", node.position)
        frame.key = None
        if key == _MERGE and (node.entries or node.items):
            frame.merged += self._merged(node)
        elif key not in frame.node.entries:
            frame.node.entries[key] = (place, node)
            _dict(frame.node)[key] = node.data

    def _merged(self, node: Node) -> list[Node]:
        bases = node.items or [node]
        for base in bases:
            if not isinstance(base.data, dict):
                self._say(
                    base.position,
                    self._path(),
                    "<< takes a mapping or a list of them",
                    "Write: <<: *name",
                    "yaml.merge",
                )
        return [base for base in bases if isinstance(base.data, dict)]

    def _count(self, node: Node) -> None:
        """Refuse early: the total with aliases expanded is at least what any open container holds."""
        self._nodes = max(self._nodes + 1, self._open[-1].node.size)
        if self._nodes > MAX_NODES:
            message = f"with its aliases expanded the file has more than {MAX_NODES:,} values"
            self._refuse(node.position, message, "Write out less, or split the declaration", rule="yaml.size")

    # --- problems ---

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, *known: str) -> None:
        if not event.tag or event.tag in ("!", *known):
            return
        tag = shorten(event.tag.replace(_STANDARD, "!!"))
        message = f"the tag {tag} is not known here; a declaration is plain data, not a CloudFormation template"
        self._say(_place(event), self._path(), message, "Write the value itself", "yaml.tag")

    def _path(self) -> Path:
        """The path of the value that is being read."""
        return tuple(
            (frame.key[0] if frame.key else "") if frame.mapping else len(frame.node.items)
            for frame in self._open
            if not frame.mapping or frame.key
        )

    def _too_deep(self, place: Position) -> NoReturn:
        self._refuse(place, f"values are nested more than {MAX_DEPTH} deep", "Write it flatter", rule="yaml.depth")

    def _say(self, place: Position, path: Path, message: str, remedy: str, rule: str) -> None:
        self._problems.append(Problem(self._file, place.line, place.column, path, message, remedy, rule=rule))

    def _refuse(self, place: Position, message: str, remedy: str, rule: str) -> NoReturn:
        problem = Problem(self._file, place.line, place.column, self._path(), message, remedy, rule=rule)
        raise refusal(problem)


def _place(event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _span(event: yaml.Event) -> tuple[int, int]:
    start, end = event.start_mark, event.end_mark
    return (start.index, end.index) if start and end else (0, 0)


def _inherit(node: Node, base: Node) -> None:
    """Give a mapping what its merged base has and it has not; size grows by the whole base."""
    data, inherited = _dict(node), _dict(base)
    for key, entry in base.entries.items():
        if key not in node.entries:
            node.entries[key] = entry
            data[key] = inherited[key]


def _dict(node: Node) -> dict[str, Json]:
    if not isinstance(node.data, dict):
        raise TypeError("the node is not a mapping")
    return node.data


def _list(node: Node) -> list[Json]:
    if not isinstance(node.data, list):
        raise TypeError("the node is not a list")
    return node.data
