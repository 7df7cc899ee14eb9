"""Programs that need a network: not exercised, and said. A script that goes on without them may."""

from __future__ import annotations

from collections.abc import Sequence

from baseops.sandbox.guest.programs import Guest, Program
from baseops.sandbox.guests import Reply

NAMES = ("curl", "wget", "pip", "pip3", "npm", "gem", "git", "apt-get", "docker", "snap")
_UNREACHABLE = 6
"""curl's code for a host that cannot be resolved."""


def program(name: str) -> Program:
    """What answers for a program."""

    def answer(guest: Guest, arguments: Sequence[str], _folder: str) -> Reply:
        said = f"{name} {' '.join(arguments)[:120]}: guests of the sandbox have no network"
        guest.not_exercised.append(said)
        return Reply(_UNREACHABLE, "", f"not exercised: {said}\n")

    return answer
