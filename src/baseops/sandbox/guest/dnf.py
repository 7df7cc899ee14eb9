"""`dnf` of the sandbox's guests: installs the packages of the catalogue, and moves the system to a release.

Amazon Linux 2023 is locked to a release: without --releasever nothing newer is seen, with it the packages of that
release (https://docs.aws.amazon.com/linux/al2023/ug/deterministic-upgrades.html). The real repository has thousands of
packages more: one that is not in the catalogue is not exercised, and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from baseops.sandbox.guest import rpm_database
from baseops.sandbox.guest.catalogue import PACKAGES, released
from baseops.sandbox.guest.installing import install
from baseops.sandbox.guest.paths import entry
from baseops.sandbox.guest.programs import Guest
from baseops.sandbox.guests import Reply

_WITH_VALUE = ("-c", "-x", "--setopt", "--repo", "--enablerepo", "--disablerepo", "-R")
_PENDING = 100


def answer(guest: Guest, arguments: Sequence[str], _folder: str) -> Reply:
    """Answer a call of dnf."""
    if not rpm_database.exists(guest.root):
        return Reply(1, "", "Error: there is no package database in /var/lib/rpm\n")
    words, wanted = _split(arguments)
    verb, *names = words or ["help"]
    now = _release(guest)
    if wanted == "latest":
        wanted = _newest(guest, now)
    if wanted and (problem := _unknown(guest, wanted)):
        return problem
    verbs = {"upgrade": _upgrade, "update": _upgrade, "distro-sync": _upgrade, "check-update": _check}
    if verb in verbs:
        return verbs[verb](guest, now, wanted or now)
    if verb in ("install", "reinstall", "localinstall"):
        return _install(guest, names, wanted or now)
    return _remove(guest, names) if verb in ("remove", "erase") else _other(guest, verb)


def _other(guest: Guest, verb: str) -> Reply:
    if verb == "list":
        return Reply(0, "".join(f"{each.name}.{each.architecture}\n" for each in rpm_database.packages(guest.root)))
    if verb in ("clean", "makecache", "autoremove", "mark"):
        return Reply()
    return Reply(1, "", f"No such command: {verb}. It could be one that the sandbox's guests lack.\n")


def _split(arguments: Sequence[str]) -> tuple[list[str], str]:
    words, release, rest = [], "", list(arguments)
    while rest:
        each = rest.pop(0)
        if each.startswith("--releasever"):
            release = each.partition("=")[2] or (rest.pop(0) if rest else "")
        elif each in _WITH_VALUE:
            del rest[:1]
        elif not each.startswith("-"):
            words.append(each)
    return words, release


def _release(guest: Guest) -> str:
    system = rpm_database.package(guest.root, "system-release")
    return system.version if system else ""


def _newest(guest: Guest, now: str) -> str:
    """Releases come on Tuesdays; the minor number is the one that is there."""
    day = guest.now()
    day -= timedelta(days=(day.weekday() - 1) % 7)
    return f"{now.rpartition('.')[0]}.{day:%Y%m%d}"


def _unknown(guest: Guest, wanted: str) -> Reply | None:
    """The repository of a release that was not, or is still to come, is not there."""
    day = released(wanted)
    if day is not None and day <= guest.now():
        return None
    return Reply(
        1,
        f"Amazon Linux {wanted} repository\n",
        "Error: Failed to download metadata for repo 'amazonlinux': Cannot prepare internal mirrorlist: "
        f"Status code: 404 for https://al2023-repos.s3.amazonaws.com/core/mirrors/{wanted}/mirror.list\n",
    )


def _upgrade(guest: Guest, now: str, wanted: str) -> Reply:
    if not _is_newer(wanted, now):
        return Reply(0, "Dependencies resolved.\nNothing to do.\nComplete!\n")
    names = [each.name for each in rpm_database.packages(guest.root) if each.name in PACKAGES]
    install(guest.root, names, wanted, guest.architecture, guest.now())
    return Reply(0, f"Upgraded:\n  system-release-{wanted}\n  and {len(names) - 1} more\nComplete!\n")


def _check(guest: Guest, now: str, wanted: str) -> Reply:
    return Reply(_PENDING, f"system-release.noarch  {wanted}  amazonlinux\n") if _is_newer(wanted, now) else Reply()


def _is_newer(wanted: str, now: str) -> bool:
    """Whether a release is newer than the installed one."""
    later, earlier = released(wanted), released(now)
    return later is not None and (earlier is None or later > earlier)


def _install(guest: Guest, names: Sequence[str], release: str) -> Reply:
    there = {each.name for each in rpm_database.packages(guest.root)}
    unknown = [name for name in names if name not in PACKAGES and name not in there]
    if unknown:
        said = f"dnf install {' '.join(unknown)}: the sandbox's repository has no such package"
        guest.not_exercised.append(said)
        return Reply(1, "", f"not exercised: {said}\n")
    new = [name for name in names if name not in there]
    if not new:
        return Reply(0, "".join(f"Package {name} is already installed.\n" for name in names) + "Nothing to do.\n")
    install(guest.root, new, release, guest.architecture, guest.now())
    return Reply(0, "Installed:\n" + "".join(f"  {name}\n" for name in new) + "Complete!\n")


def _remove(guest: Guest, names: Sequence[str]) -> Reply:
    for name in names:
        found = rpm_database.package(guest.root, name)
        for path in found.files if found else ():
            entry(guest.root, path).unlink(missing_ok=True)
        rpm_database.remove(guest.root, name)
    return Reply(0, "Complete!\n")
