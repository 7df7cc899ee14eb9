"""A setting: what CloudFormation has no type for; read, compared, written and undone by API calls."""

from __future__ import annotations

from typing import Protocol

from baseops.contract.clients import Clients
from baseops.contract.types import AreaName, Json


class Setting(Protocol):
    """One setting. Values are names, states and hashes, never a secret's value.

    The workflow reads before it writes, keeps the former value in the ownership record, and gives it back to
    `restore` when the declaration lets go of the setting.
    """

    @property
    def id(self) -> str:
        """Stable within the account and region, e.g. `email/account-suppression`."""

    @property
    def area(self) -> AreaName:
        """The area that declared it."""

    @property
    def region(self) -> str:
        """Where it lives."""

    @property
    def singleton(self) -> bool:
        """Whether the account has only one (then a second declaration's claim is refused)."""

    @property
    def claimed_at_once(self) -> bool:
        """Whether the record is made before there is anything to write: something of our stacks writes it too."""

    @property
    def desired(self) -> Json:
        """The declared value, comparable with what `read` returns."""

    def read(self, clients: Clients) -> Json:
        """The value in the account now; None where there is none."""

    def write(self, clients: Clients) -> None:
        """Make the account's value the desired one."""

    def restore(self, clients: Clients, former: Json) -> None:
        """Give back the value that `read` returned before the first write."""

    def unset_reason(self, current: Json) -> str:
        """Why apply cannot write it (a person has to put a value), with the command; '' when it can."""
