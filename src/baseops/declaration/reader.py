"""Reads YAML into plain data and remembers where each value stands; knows nothing of what the values mean.

It builds from libyaml's events instead of `yaml.compose`, whose recursion in C ends the process on deep nesting.
What YAML allows and a declaration does not is said as problems: duplicate keys, unknown tags, keys that are not
text, words that YAML readers disagree on. What makes the file unreadable as a whole is raised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn, TypeAlias

import yaml

from baseops.contract.types import Json
from baseops.declaration.positions import Node, Path, Position, Positions
from baseops.declaration.problem import MAX_PROBLEMS, Problem, shorten
from baseops.declaration.scalars import Surprise, resolve
from baseops.declaration.source import refusal
from baseops.errors import DeclarationError

MAX_DEPTH = 40
MAX_NODES = 100_000
_MERGE = "<<"
_STANDARD = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(f"{_STANDARD}{kind}" for kind in ("bool", "int", "float", "null"))
_TAGS = {yaml.MappingStartEvent: {f"{_STANDARD}map"}, yaml.SequenceStartEvent: {f"{_STANDARD}seq"}}
_Start: TypeAlias = yaml.MappingStartEvent | yaml.SequenceStartEvent
_Valued: TypeAlias = yaml.ScalarEvent | _Start


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
    data: dict[str, Json] | None = None
    entries: dict[str, tuple[Position, Node]] = field(default_factory=dict)
    values: list[Json] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    key: tuple[str, Position] | None = None
    bases: list[Node] = field(default_factory=list)

    @property
    def awaits_key(self) -> bool:
        """Whether what comes next is the key of a mapping."""
        return self.data is not None and self.key is None


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
        self._root: Node | None = None
        self._problems: list[Problem] = []
        self._nodes = 0

    def read(self) -> Document:
        loader = yaml.CSafeLoader(self._text)
        takers: dict[type, Callable[..., None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document_start,
        }
        try:
            while event := loader.get_event():
                taker = takers.get(type(event))
                if taker:
                    taker(event)
        except yaml.YAMLError as error:
            raise refusal(self._syntax_error(error)) from error
        finally:
            loader.dispose()
        return self._document()

    def _document(self) -> Document:
        root = self._root
        if root is None or (root.data is None and not root.raw):
            self._refuse(Position(1, 1), "the file is empty", "Run: baseops init", rule="yaml.empty")
        if not isinstance(root.data, dict):
            message = f"expected a mapping such as `version: 1`; got {shorten(root.raw) or 'a list'}"
            self._refuse(root.position, message, "Begin with: version: 1", rule="yaml.root")
        return Document(root.data, Positions(root, self._text), tuple(self._problems))

    # --- events ---

    def _document_start(self, event: yaml.DocumentStartEvent) -> None:
        if self._root:
            message = "a second document begins here; a declaration is one"
            self._refuse(_place(event), message, "Delete the line `---`", rule="yaml.documents")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        raw, tag = event.value, event.tag
        plain = event.implicit[0] or tag in _PLAIN_TAGS
        frame = self._open[-1] if self._open else None
        if tag and tag != "!":
            self._check_tag(event, _PLAIN_TAGS | {f"{_STANDARD}str"})
        if frame and frame.awaits_key:
            self._name(frame, raw, _place(event), plain=plain)
            return
        node = Node(_place(event), raw, _span(event), raw if plain else raw or "''", plain)
        if plain:
            self._resolve(node)
        self._add(node, event.anchor)

    def _resolve(self, node: Node) -> None:
        value = resolve(node.raw)
        if isinstance(value, Surprise):
            message = f"{shorten(node.raw)} without quotes {value.reading}"
            self._say(node.position, self._path(), message, value.remedy, "yaml.ambiguous")
            value = node.raw
        node.data = value

    def _start(self, event: _Start) -> None:
        self._check_tag(event, _TAGS[type(event)])
        place = _place(event)
        if self._open and self._open[-1].awaits_key:
            self._refuse(place, "a key is a mapping or list; keys are text", "Quote the key", rule="yaml.key")
        if len(self._open) >= MAX_DEPTH:
            self._too_deep(place)
        data: dict[str, Json] | None = {} if isinstance(event, yaml.MappingStartEvent) else None
        self._open.append(_Frame(Node(place, None, _span(event)), event.anchor, data))

    def _end(self, event: yaml.MappingEndEvent | yaml.SequenceEndEvent) -> None:
        frame = self._open.pop()
        for base in frame.bases:
            _inherit(frame, base)
        node = frame.node
        node.data = frame.values if frame.data is None else frame.data
        node.children = frame.items if frame.data is None else frame.entries
        node.span = (node.span[0], _span(event)[1])
        self._add(node, frame.anchor)

    def _alias(self, event: yaml.AliasEvent) -> None:
        name, place = shorten(str(event.anchor)), _place(event)
        if any(frame.anchor == event.anchor for frame in self._open):
            message = f"*{name} stands inside the value that it repeats"
            self._refuse(place, message, "Write the value out", rule="yaml.alias")
        if event.anchor not in self._anchors:
            remedy = f'Write it in quotes if it is text: "*{name}"'
            self._refuse(place, f"no anchor &{name} stands above this", remedy, rule="yaml.alias")
        if self._open and self._open[-1].awaits_key:
            self._refuse(place, "a key is an alias; keys are plain text", "Write the key out", rule="yaml.key")
        node = self._anchors[event.anchor]
        if len(self._open) + node.height > MAX_DEPTH:
            self._too_deep(place)
        self._add(node, None)

    # --- building ---

    def _name(self, frame: _Frame, key: str, place: Position, *, plain: bool) -> None:
        """Take a scalar as the next key of the innermost mapping."""
        if plain and key != _MERGE and resolve(key) != key:
            message = f"the key {shorten(key) or 'of nothing'} without quotes is not text"
            self._say(place, (*self._path(), key), message, f'Write: "{shorten(key)}":', "yaml.key")
        known = frame.entries.get(key)
        if known:
            message = f"the key {shorten(key)!r} stands on line {known[0].line} and again on line {place.line}"
            self._say(place, (*self._path(), key), message, "Delete one of them", "yaml.duplicate-key")
        frame.key = (key, place)

    def _add(self, node: Node, anchor: str | None) -> None:
        """Put a finished value where it belongs: into the innermost container, or as the root."""
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self._root = node
            return
        frame = self._open[-1]
        parent = frame.node
        parent.size += node.size
        if parent.height <= node.height:
            parent.height = node.height + 1
        self._count(parent, node)
        if frame.data is None:
            frame.items.append(node)
            frame.values.append(node.data)
        elif frame.key:
            self._put(frame, *frame.key, node)

    def _put(self, frame: _Frame, key: str, place: Position, node: Node) -> None:
        frame.key = None
        if key == _MERGE:
            frame.bases += self._bases(node)
        elif frame.data is not None and key not in frame.entries:
            frame.entries[key] = (place, node)
            frame.data[key] = node.data

    def _bases(self, node: Node) -> list[Node]:
        """The mappings that `<<` merges."""
        bases = node.children if isinstance(node.children, list) and node.children else [node]
        for base in bases:
            if not isinstance(base.data, dict):
                message = "<< takes a mapping or a list of them"
                self._say(base.position, self._path(), message, "Write: <<: *name", "yaml.merge")
        return [base for base in bases if isinstance(base.data, dict)]

    def _count(self, parent: Node, node: Node) -> None:
        """Refuse early: the total with aliases expanded is at least what any open container holds."""
        self._nodes = max(self._nodes + 1, parent.size)
        if self._nodes > MAX_NODES:
            message = f"with its aliases expanded the file has more than {MAX_NODES:,} values"
            self._refuse(node.position, message, "Write out less, or split the declaration", rule="yaml.size")

    # --- problems ---

    def _check_tag(self, event: _Valued, known: set[str] | frozenset[str]) -> None:
        if event.tag and event.tag != "!" and event.tag not in known:
            tag = shorten(event.tag.replace(_STANDARD, "!!"))
            message = f"the tag {tag} is not known here; a declaration is plain data, not a CloudFormation template"
            self._say(_place(event), self._path(), message, "Write the value itself", "yaml.tag")

    def _path(self) -> Path:
        """The path of the value that is being read."""
        frames = (frame for frame in self._open if frame.data is None or frame.key)
        return tuple(frame.key[0] if frame.key else len(frame.items) for frame in frames)

    def _syntax_error(self, error: yaml.YAMLError) -> Problem:
        from baseops.declaration.syntax import explain  # only when it is needed

        return explain(error, self._text, self._file)

    def _too_deep(self, place: Position) -> NoReturn:
        self._refuse(place, f"values are nested more than {MAX_DEPTH} deep", "Write it flatter", rule="yaml.depth")

    def _say(self, place: Position, path: Path, message: str, remedy: str, rule: str) -> None:
        self._problems.append(Problem(self._file, *place, path, message, remedy, rule=rule))
        if len(self._problems) >= MAX_PROBLEMS:
            what = f"{self._file} has at least {MAX_PROBLEMS} problems"
            raise DeclarationError(what, problems=self._problems)

    def _refuse(self, place: Position, message: str, remedy: str, rule: str) -> NoReturn:
        raise refusal(Problem(self._file, *place, self._path(), message, remedy, rule=rule))


def _place(event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _span(event: yaml.Event) -> tuple[int, int]:
    start, end = event.start_mark, event.end_mark
    return (start.index, end.index) if start and end else (0, 0)


def _inherit(frame: _Frame, base: Node) -> None:
    """Give a mapping what its merged base has and it has not."""
    if isinstance(base.children, dict) and frame.data is not None:
        for key, (place, node) in base.children.items():
            if key not in frame.entries:
                frame.entries[key] = (place, node)
                frame.data[key] = node.data
