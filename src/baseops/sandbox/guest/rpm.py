"""`rpm -q` of the sandbox's guests, over their package database. https://rpm.org/docs/4.16.x/man/rpm.8."""

from __future__ import annotations

import re
from collections.abc import Sequence

from baseops.sandbox.guest import rpm_database
from baseops.sandbox.guest.programs import Guest
from baseops.sandbox.guest.rpm_database import Installed
from baseops.sandbox.guests import Reply


def answer(guest: Guest, arguments: Sequence[str], _folder: str) -> Reply:
    """Queries alone; whatever changes packages is dnf's."""
    flags, names, form = _split(arguments)
    if not (flags & {"-q", "-qa", "-ql", "--query"}):
        return Reply(1, "", "rpm: guests of the sandbox answer queries (-q) alone\n")
    known = rpm_database.packages(guest.root)
    if "-qa" in flags or "-a" in flags or "--all" in flags:
        return Reply(0, "".join(_shown(each, form, flags) for each in known))
    output, code = "", 0
    for name in names:
        found = [each for each in known if each.name == name]
        output += "".join(_shown(each, form, flags) for each in found) or f"package {name} is not installed\n"
        code += not found
    return Reply(code, output)


def _split(arguments: Sequence[str]) -> tuple[set[str], list[str], str | None]:
    flags, names, form, rest = set(), [], None, list(arguments)
    while rest:
        each = rest.pop(0)
        if each in ("--qf", "--queryformat"):
            form = rest.pop(0) if rest else ""
        elif each.startswith(("--qf=", "--queryformat=")):
            form = each.partition("=")[2]
        elif each.startswith("-"):
            flags.add(each)
        else:
            names.append(each)
    return flags, names, form


def _shown(each: Installed, form: str | None, flags: set[str]) -> str:
    if flags & {"-ql", "-l", "--list"}:
        return "".join(f"{path}\n" for path in sorted(each.files))
    if form is None:
        return f"{each.label}\n"
    values = {
        "name": each.name, "version": each.version, "release": each.release, "arch": each.architecture,
        "buildtime": str(each.built), "installtime": str(each.installed), "summary": each.summary, "epoch": "(none)",
        "nevra": each.label,
    }  # fmt: skip
    text = re.sub(r"%-?\d*\{(\w+)(?::\w+)?\}", lambda found: values.get(found[1].lower(), "(unknown)"), form)
    return text.replace("\\n", "\n").replace("\\t", "\t")
