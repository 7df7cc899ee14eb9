"""`systemctl` of the sandbox's guests: units are files, what is enabled is links, what runs is remembered.

Nothing really runs. A unit that is enabled runs from the boot on, until it is stopped.
https://www.freedesktop.org/software/systemd/man/latest/systemctl.html
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from baseops.sandbox.guest import units
from baseops.sandbox.guest.programs import Guest
from baseops.sandbox.guests import Reply

_STARTS = ("start", "restart", "reload", "try-restart", "reload-or-restart", "reload-or-try-restart")
_ENABLED = ("enabled", "static", "alias", "indirect")


def answer(guest: Guest, arguments: Sequence[str], _folder: str) -> Reply:
    """Answer a call of systemctl."""
    options = {each for each in arguments if each.startswith("-")}
    verb, *names = [each for each in arguments if not each.startswith("-")] or ["list-units"]
    if verb in ("daemon-reload", "daemon-reexec", "reset-failed", "set-default"):
        return Reply()
    if verb == "list-unit-files":
        return _files(guest, names, legend="--no-legend" not in options)
    if verb not in (*_STARTS, "stop", "enable", "disable", "mask", "unmask", "is-active", "status", "is-enabled"):
        return Reply(1, "", f"Unknown command verb {verb}.\n")
    replies = [_one(guest, verb, each, options) for each in names]
    code = next((each.code for each in replies if each.code), 0)
    is_asking = verb in ("is-active", "is-enabled")
    if is_asking and any(each.code == 0 for each in replies):
        code = 0  # one that is so is enough
    output = "" if "--quiet" in options or "-q" in options else "".join(each.output for each in replies)
    return Reply(code, output, "".join(each.errors for each in replies))


def is_active(guest: Guest, unit: str) -> bool:
    """Whether a unit runs."""
    name = units.full_name(unit)
    return guest.running.get(name, units.state_of(guest.root, name) == "enabled")


def _one(guest: Guest, verb: str, unit: str, options: set[str]) -> Reply:
    name, root = units.full_name(unit), guest.root
    state = units.state_of(root, name)
    if verb == "is-enabled":
        shown = f"{state}\n" if state != "not-found" else ""
        errors = "" if shown else f"Failed to get unit file state for {name}: No such file or directory\n"
        return Reply(0 if state in _ENABLED else 1, shown, errors)
    if verb in ("is-active", "status"):
        return _state(guest, name, state, is_status=verb == "status")
    if verb in ("mask", "unmask"):
        return _masked(guest, verb, name)
    if state == "not-found":
        where = (
            "Failed to enable unit: Unit file" if verb in ("enable", "disable") else f"Failed to {verb} {name}: Unit"
        )
        return Reply(1 if verb in ("enable", "disable") else 5, "", f"{where} {name} not found.\n")
    if state == "masked" and verb in (*_STARTS, "enable"):
        return Reply(1, "", f"Failed to {verb} {name}: Unit {name} is masked.\n")
    return _change(guest, verb, name, options)


def _masked(guest: Guest, verb: str, name: str) -> Reply:
    if verb == "unmask":
        units.unmask(guest.root, name)
        return Reply()
    if not units.mask(guest.root, name):
        return Reply(1, "", f"Failed to mask unit: File {name} already exists.\n")
    guest.running.setdefault(name, False)
    return Reply(0, "", f"Created symlink /etc/systemd/system/{name} → /dev/null.\n")


def _change(guest: Guest, verb: str, name: str, options: set[str]) -> Reply:
    was_active, lines = is_active(guest, name), []
    if verb == "enable":
        lines = [f"Created symlink {link} → {target}.\n" for link, target in units.enable(guest.root, name)]
    elif verb == "disable":
        lines = [f'Removed "{link}".\n' for link in units.disable(guest.root, name)]
    guest.running[name] = was_active
    if verb in _STARTS or (verb == "enable" and "--now" in options):
        guest.running[name] = was_active or verb != "try-restart"
    if verb == "stop" or (verb == "disable" and "--now" in options):
        guest.running[name] = False
    return Reply(0, "", "".join(lines))


def _state(guest: Guest, name: str, state: str, *, is_status: bool) -> Reply:
    if is_status and state == "not-found":
        return Reply(4, "", f"Unit {name} could not be found.\n")
    runs = is_active(guest, name)
    shown = "active" if runs else "inactive"
    return Reply(0 if runs else 3, f"     Active: {shown}\n" if is_status else f"{shown}\n")


def _files(guest: Guest, patterns: Sequence[str], *, legend: bool) -> Reply:
    found = [
        (name, units.state_of(guest.root, name))
        for name in units.known(guest.root)
        if not patterns or any(fnmatch.fnmatch(name, each) for each in patterns)
    ]
    lines = [f"{name} {state}\n" for name, state in found]
    if legend:
        lines = ["UNIT FILE STATE\n", *lines, f"\n{len(found)} unit files listed.\n"]
    return Reply(0, "".join(lines))
