"""`sysctl` and `passwd` of the sandbox's guests: a guest has settings of its own, but no kernel and no PAM."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from baseops.sandbox.guest.paths import within
from baseops.sandbox.guest.programs import Guest
from baseops.sandbox.guests import Reply

# What a kernel of Amazon Linux 2023 begins with, of what is asked for most.
_BEGINNING = {
    "kernel.randomize_va_space": "2",
    "kernel.dmesg_restrict": "0",
    "kernel.kptr_restrict": "0",
    "net.ipv4.ip_forward": "0",
    "net.ipv4.tcp_syncookies": "1",
    "vm.swappiness": "60",
}


def sysctl(guest: Guest, arguments: Sequence[str], folder: str) -> Reply:
    """`-p FILE` and `-w` set, `-n` shows the value alone, `--system` reads the files of sysctl.d."""
    flags = {each for each in arguments if each.startswith("-")}
    given = [each for each in arguments if not each.startswith("-")]
    if flags & {"-p", "--load"}:
        return _load(guest, [_place(guest, each, folder) for each in given or ["/etc/sysctl.conf"]], flags)
    if "--system" in flags:
        return _load(guest, sorted((guest.root / "etc/sysctl.d").glob("*.conf")), flags)
    replies = [_set_or_show(guest, each, flags) for each in given]
    code = max((each.code for each in replies), default=0)
    return Reply(code, "".join(each.output for each in replies), "".join(each.errors for each in replies))


def _set_or_show(guest: Guest, text: str, flags: set[str]) -> Reply:
    name, is_set, value = (part.strip() for part in text.partition("="))
    if is_set:
        guest.settings[name] = value
        return Reply(0, "" if flags & {"-q", "--quiet"} else f"{name} = {value}\n")
    found = guest.settings.get(name, _BEGINNING.get(name))
    if found is None:
        said = f"sysctl: cannot stat /proc/sys/{name.replace('.', '/')}: No such file or directory\n"
        return Reply(255, "", said)
    return Reply(0, f"{found}\n" if flags & {"-n", "--values"} else f"{name} = {found}\n")


def _load(guest: Guest, places: Sequence[Path], flags: set[str]) -> Reply:
    shown = ""
    for place in places:
        if not place.is_file():
            return Reply(255, shown, f'sysctl: cannot open "/{place.relative_to(guest.root)}": No such file\n')
        for line in place.read_text(encoding="utf-8").splitlines():
            if "=" in line and not line.lstrip().startswith(("#", ";")):
                shown += _set_or_show(guest, line.lstrip().lstrip("-"), flags).output
    return Reply(0, shown)


def passwd(guest: Guest, arguments: Sequence[str], _folder: str) -> Reply:
    """`-l` and `-u` lock and unlock in /etc/shadow, `-d` deletes; nobody types a password here."""
    flags = [each for each in arguments if each.startswith("-")]
    user = next((each for each in arguments if not each.startswith("-")), "root")
    place = within(guest.root, "/etc/shadow")
    lines = place.read_text(encoding="utf-8").splitlines() if place.is_file() else []
    number = next((number for number, line in enumerate(lines) if line.startswith(f"{user}:")), None)
    if number is None:
        return Reply(1, "", f"passwd: Unknown user name '{user}'.\n")
    if not set(flags) & {"-l", "-u", "-d", "--lock", "--unlock", "--delete"}:
        return Reply(1, "", "passwd: this is no terminal\n")
    name, password, rest = lines[number].split(":", 2)
    changes = {"l": "!!" + password.removeprefix("!!"), "u": password.removeprefix("!!"), "d": ""}
    lines[number] = f"{name}:{changes[flags[0].lstrip('-')[0]]}:{rest}"
    mode = place.stat().st_mode
    place.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.chmod(place, mode & 0o7777)  # noqa: PTH101
    verb = "Locking" if flags[0].lstrip("-")[0] == "l" else "Changing"
    return Reply(0, f"{verb} password for user {user}.\npasswd: Success\n")


def _place(guest: Guest, path: str, folder: str) -> Path:
    return within(guest.root, path if path.startswith("/") else f"{folder}/{path}")
