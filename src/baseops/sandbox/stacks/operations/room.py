"""What all operations share: the engine of the account and region, and how stacks are found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from moto.moto_api._internal import mock_random

from baseops.sandbox.service import SandboxBackend
from baseops.sandbox.stacks.engine import Engine
from baseops.sandbox.stacks.goals import Goals, ValidationError
from baseops.sandbox.stacks.patience import PatientClients
from baseops.sandbox.stacks.records import Stack
from baseops.sandbox.stacks.sets import ChangeSet

T = TypeVar("T")
PAGE = 100


class StackRoom(SandboxBackend):
    """The stacks and change sets of one account and region."""

    service = "cloudformation"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        clock = self.sandbox.clock
        self.engine = Engine(account_id, region_name, PatientClients(self.clients), clock, clock.ticker)
        self.goals = Goals(self.engine)
        self.change_sets: dict[str, ChangeSet] = {}

    def find(self, name: str) -> Stack | None:
        """A stack by name, or by id even when it has been deleted."""
        if name in self.engine.stacks:
            return self.engine.stacks[name]
        return next((stack for stack in self.engine.live() if stack.name == name), None)

    def stack(self, name: str) -> Stack:
        """The same; what is not there is refused."""
        found = self.find(name)
        if found is None:
            raise ValidationError(f"Stack [{name}] does not exist")
        return found

    def live_stack(self, name: str) -> Stack:
        """A stack that can be worked on."""
        found = self.stack(name)
        if found.is_gone:
            raise ValidationError(f"Stack [{name}] does not exist")
        return found

    def new_stack(self, name: str) -> Stack:
        """A stack in REVIEW_IN_PROGRESS, not yet remembered."""
        return Stack(name, self.arn(f"stack/{name}/{mock_random.uuid4()}"), self.now())

    def page(self, items: Sequence[T], token: str | None, size: int = PAGE) -> tuple[list[T], str | None]:
        """One page of a list and the token of the next."""
        start = int(token) if token else 0
        following = start + size
        return list(items[start:following]), str(following) if following < len(items) else None
