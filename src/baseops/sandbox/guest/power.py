"""`shutdown` and its like in the sandbox's guests. What becomes of the instance is EC2's to say."""

from __future__ import annotations

import re
from collections.abc import Sequence

from baseops.sandbox.guest.programs import Guest, Program
from baseops.sandbox.guests import Reply


def shutdown(guest: Guest, arguments: Sequence[str], _folder: str) -> Reply:
    """`shutdown [-h|-P|-r|-c] [now|+MINUTES]`; without a time, in a minute."""
    if "-c" in arguments:
        guest.power("cancel", 0)
        return Reply()
    when = next((each for each in arguments if not each.startswith("-")), "+1")
    minutes = 0 if when == "now" else int(when.lstrip("+")) if re.fullmatch(r"\+?\d+", when) else None
    if minutes is None:
        return Reply(1, "", f"Failed to parse time specification: {when}\n")
    kind = "reboot" if set(arguments) & {"-r", "--reboot"} else "poweroff"
    guest.power(kind, minutes * 60)
    return Reply(0, "", f"Shutdown scheduled in {minutes} minutes, use 'shutdown -c' to cancel.\n" if minutes else "")


def at_once(kind: str) -> Program:
    """`poweroff`, `halt` and `reboot`."""

    def answer(guest: Guest, _arguments: Sequence[str], _folder: str) -> Reply:
        guest.power(kind, 0)
        return Reply()

    return answer
