"""Writes docs/declaration.md, docs/commands.md and docs/drills/ from the JSON schema, the commands' help, the drills.

python tools/reference.py           write them
python tools/reference.py --check   exit with 1 where they are not what would be written
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from drill_pages import drill_pages

from baseops.cli.main import cli
from baseops.declaration import declaration_schema
from baseops.workflow.load import SPECS

DOCS = Path(__file__).resolve().parent.parent / "docs"
AREAS = ("images", "backups", "logs", "secrets", "email")
MADE = "<!-- written by tools/reference.py -->\n"

# Any: a JSON schema.


def declaration_page() -> str:
    """Every key, by area and by what it belongs to."""
    schema = declaration_schema(SPECS)
    kinds: dict[str, Any] = schema["$defs"]
    lines = [
        "# The declaration, key by key",
        MADE,
        "`baseops schema` prints the same as JSON schema (draft 2020-12), for editors. `baseops check` says what is",
        "wrong with a declaration, and what to write. Durations are written like `15m`, `30h`, `8d`, `4w`.",
        "",
        "## The top",
        "",
        *table({key: one for key, one in schema["properties"].items() if key not in AREAS}, schema.get("required", [])),
    ]
    shown: set[str] = set()
    for key in ("account",):
        lines += [*nested(schema["properties"][key], kinds, shown)]
    for area in AREAS:
        entry = name_of(schema["properties"][area]["additionalProperties"])
        lines += ["", f"## {area}", "", str(schema["properties"][area].get("description", "")), ""]
        lines += table(kinds[entry]["properties"], kinds[entry].get("required", []))
        shown.add(entry)
        for one in kinds[entry]["properties"].values():
            lines += nested(one, kinds, shown)
    return "\n".join(lines).rstrip() + "\n"


def table(properties: dict[str, Any], required: list[str]) -> list[str]:
    """Keys with what they take and what they are for."""
    rows = [
        f"| `{key}`{' (required)' if key in required else ''} | {takes(one)} | {said(one)} |"
        for key, one in properties.items()
    ]
    return ["| key | takes | what it is |", "|---|---|---|", *rows]


def nested(one: Any, kinds: dict[str, Any], shown: set[str]) -> Iterator[str]:
    """The models that a key leads to, each described once."""
    for name in named(one):
        if name in shown or "properties" not in kinds[name]:
            continue
        shown.add(name)
        yield from ["", f"### {short(name)}", "", str(kinds[name].get("description", "")), ""]
        yield from table(kinds[name]["properties"], kinds[name].get("required", []))
        for inner in kinds[name]["properties"].values():
            yield from nested(inner, kinds, shown)


def named(one: Any) -> list[str]:
    """The models that a piece of schema refers to, in order."""
    if isinstance(one, list):
        return [name for each in one for name in named(each)]
    if not isinstance(one, dict):
        return []
    own = [name_of(one)] if "$ref" in one else []
    return own + [
        name for key, each in one.items() if key not in ("$ref", "default", "examples") for name in named(each)
    ]


def name_of(one: dict[str, Any]) -> str:
    """The model that a reference leads to."""
    return str(one["$ref"]).rpartition("/")[2]


def short(name: str) -> str:
    """`baseops__areas__logs__spec__Promise` is `Promise (logs)`."""
    parts = name.split("__")
    return f"{parts[-1]} ({parts[2]})" if len(parts) > 3 else name


WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}


def takes(one: dict[str, Any]) -> str:
    """What may be written, in a few words."""
    if "$ref" in one:
        return short(name_of(one))
    if "enum" in one or "const" in one:
        return ", ".join(f"`{value}`" for value in one.get("enum", [one.get("const")]))
    choices = one.get("anyOf") or one.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(takes(each) for each in choices if each.get("type") != "null"))
    return plain(one)


def plain(one: dict[str, Any]) -> str:
    """What a list, a mapping or a single value holds."""
    kind = one.get("type", "any")
    if kind == "array":
        return f"list of {takes(one.get('items', {}))}"
    if "object" in kind:
        inner = one.get("additionalProperties")
        return f"names, each with {takes(inner)}" if isinstance(inner, dict) else "mapping"
    return WORDS.get(str(kind), str(kind))


def said(one: dict[str, Any]) -> str:
    """The description and the default, fit for a table's cell."""
    text = " ".join(str(one.get("description", "")).split())
    default = one.get("default")
    if default not in (None, "", [], {}, False) and not isinstance(default, dict):
        text += f" Default: `{default}`."
    return text.replace("|", "\\|").strip()


def commands_page() -> str:
    """The help of every command."""
    lines = ["# Commands", MADE, "Exit codes: 0 done, 1 error, 2 usage or invalid declaration, 3 verdict negative,"]
    lines += ["4 no credentials or access denied, 5 inconclusive, 130 interrupted.", ""]
    lines += [
        "Where several hold: 2 if nothing could start; 130, 4 or 1 if the run broke off; else 3; else 5; else 0.",
        "",
    ]
    for path, command in walk(cli, ("baseops",)):
        context = click.Context(command, info_name=" ".join(path), terminal_width=100, max_content_width=100)
        lines += [f"## {' '.join(path)}", "", "```", command.get_help(context).rstrip(), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """A command and all below it."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from walk(inner, (*path, name))


def main() -> None:
    """Write the pages, or compare them."""
    texts = {"declaration.md": declaration_page(), "commands.md": commands_page(), **drill_pages(MADE)}
    if "--check" in sys.argv:
        stale = [
            name for name, text in texts.items() if not (DOCS / name).exists() or (DOCS / name).read_text() != text
        ]
        if stale:
            sys.exit(f"docs: {', '.join(stale)} are stale. Run: python tools/reference.py")
        return
    for name, text in texts.items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(text)


if __name__ == "__main__":
    main()
