"""A component document, read with its lines: what Image Builder would refuse is said before a build of 20 minutes.

https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-use-documents.html. It runs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

BUILD_PHASES = ("build", "validate")
PHASES = (*BUILD_PHASES, "test")
ACTIONS = frozenset(
    {
        "AppendFile", "Assert", "CopyFile", "CopyFolder", "CreateFile", "CreateFolder", "CreateSymlink", "DeleteFile",
        "DeleteFolder", "ExecuteBash", "ExecuteBinary", "ExecuteDocument", "ExecutePowerShell", "InstallMSI",
        "ListFiles", "MoveFile", "MoveFolder", "ReadFile", "Reboot", "S3Download", "S3Upload", "SetFileEncoding",
        "SetFileOwner", "SetFilePermissions", "SetFolderOwner", "SetFolderPermissions", "SetRegistry", "UninstallMSI",
        "UpdateOS", "WebDownload",
    }
)  # fmt: skip
"""https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-action-modules.html"""
WINDOWS_ONLY = frozenset({"ExecutePowerShell", "InstallMSI", "UninstallMSI", "SetRegistry"})
WITHOUT_INPUTS = frozenset({"Reboot", "UpdateOS"})

_TOP = frozenset({"name", "description", "schemaVersion", "phases", "parameters", "constants"})
_STEP = frozenset({"name", "action", "inputs", "timeoutSeconds", "onFailure", "maxAttempts", "loop", "if"})


@dataclass(frozen=True)
class Problem:
    """What is wrong, and on which line of the document."""

    line: int
    message: str


@dataclass(frozen=True)
class Document:
    """What a document says of itself, as far as it could be read."""

    phases: tuple[str, ...] = ()
    parameters: Mapping[str, bool] = field(default_factory=dict)
    """Declared parameters, and whether each has a default."""
    problems: tuple[Problem, ...] = ()


def read_document(text: str) -> Document:
    """Read a document; never raises for what stands in it."""
    try:
        root = yaml.compose(text, yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return Document(problems=(Problem(line, f"this is not YAML: {error.problem}"),))
    except yaml.YAMLError as error:
        return Document(problems=(Problem(1, f"this is not YAML: {error}"),))
    if not isinstance(root, yaml.MappingNode):
        return Document(problems=(Problem(1, "expected a mapping with `schemaVersion` and `phases`"),))
    keys = _keys(root)
    phases = _items(keys.get("phases"))
    names = tuple(_text(_keys(phase).get("name")) for phase in phases)
    parameters = dict(_parameters(keys.get("parameters")))
    return Document(names, parameters, tuple(sorted(_problems(root, keys, phases), key=lambda each: each.line)))


def _problems(root: yaml.MappingNode, keys: Mapping[str, yaml.Node], phases: list[yaml.Node]) -> Iterator[Problem]:
    for name, node in keys.items():
        if name not in _TOP:
            yield Problem(_line(node), f"the key {name!r} is not known here")
    version = keys.get("schemaVersion")
    if version is None or _text(version) not in ("1.0", "1"):
        yield Problem(_line(version or root), "write: schemaVersion: 1.0")
    if not phases:
        yield Problem(_line(keys.get("phases", root)), "`phases` has to be a list with a build, validate or test phase")
    yield from _phase_mix(phases)
    seen: set[str] = set()
    for phase in phases:
        name = _text(_keys(phase).get("name"))
        if name in seen:
            yield Problem(_line(phase), f"the phase {name!r} stands twice")
        seen.add(name)
        yield from _phase(phase, name)


def _phase_mix(phases: list[yaml.Node]) -> Iterator[Problem]:
    """A document with a `test` phase runs in the test stage alone.

    https://docs.aws.amazon.com/imagebuilder/latest/userguide/manage-components.html
    """
    named = {_text(_keys(phase).get("name")): phase for phase in phases}
    if "test" in named and set(named) & set(BUILD_PHASES):
        yield Problem(_line(named["test"]), "a `test` phase needs a document of its own, without build and validate")


def _phase(phase: yaml.Node, name: str) -> Iterator[Problem]:
    keys = _keys(phase)
    if name not in PHASES:
        yield Problem(_line(phase), f"expected a phase named build, validate or test, got {name!r}")
    steps = _items(keys.get("steps"))
    if not steps:
        yield Problem(_line(keys.get("steps", phase)), f"the phase {name!r} has no steps")
    seen: set[str] = set()
    for step in steps:
        own = _keys(step)
        step_name = _text(own.get("name"))
        if not step_name:
            yield Problem(_line(step), "a step needs a `name`")
        elif step_name in seen:
            yield Problem(_line(step), f"the step {step_name!r} stands twice in the phase {name!r}")
        seen.add(step_name)
        yield from _step(step, own)


def _step(step: yaml.Node, keys: Mapping[str, yaml.Node]) -> Iterator[Problem]:
    for name, node in keys.items():
        if name not in _STEP:
            yield Problem(_line(node), f"the key {name!r} is not known in a step")
    action = _text(keys.get("action"))
    if action not in ACTIONS:
        yield Problem(_line(keys.get("action", step)), f"expected an action such as ExecuteBash, got {action!r}")
        return
    if action in WINDOWS_ONLY:
        yield Problem(_line(keys["action"]), f"{action} works on Windows, and images here are Linux: use ExecuteBash")
    inputs = keys.get("inputs")
    if inputs is None and action not in WITHOUT_INPUTS:
        yield Problem(_line(step), f"{action} needs `inputs`")
    if action == "ExecuteBash" and inputs is not None:
        commands = _keys(inputs).get("commands")
        if not isinstance(commands, yaml.SequenceNode) or not commands.value:
            yield Problem(_line(inputs), "ExecuteBash needs `inputs: {commands: [ … ]}`")


def _parameters(node: yaml.Node | None) -> Iterator[tuple[str, bool]]:
    """Each is a mapping of one name to its type, default and description."""
    for item in _items(node):
        for name, described in _keys(item).items():
            yield name, "default" in _keys(described)


def _keys(node: yaml.Node | None) -> dict[str, yaml.Node]:
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {_text(key): value for key, value in node.value}


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _text(node: yaml.Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
