"""The events of a stack operation, oldest first, each told once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.clients import Clients


@dataclass(frozen=True)
class StackEvent:
    """One line of a stack's story. `region` and `stack` say whose; `token` is the request that caused it."""

    stack: str
    region: str
    logical_id: str
    type: str
    status: str
    reason: str
    at: datetime
    token: str = ""

    @property
    def is_of_stack(self) -> bool:
        """Whether the event is about the stack itself rather than one of its resources."""
        return self.type == "AWS::CloudFormation::Stack" and self.logical_id == self.stack

    @property
    def has_failed(self) -> bool:
        """Whether something went wrong here."""
        return self.status.endswith("_FAILED")


Listener = Callable[[StackEvent], None]


class EventFeed:
    """Reads new events of one stack each time `poll` is called. AWS call: DescribeStackEvents, newest page first."""

    def __init__(self, clients: Clients, stack: str, stack_id: str, region: str) -> None:
        """Nothing has been told yet."""
        self._client = clients.client("cloudformation", region)
        self._stack = stack
        self._id = stack_id
        self._region = region
        self._seen: set[tuple[str, str | None]] = set()

    def poll(self) -> list[StackEvent]:
        """The events since the last call, oldest first."""
        fresh: list[StackEvent] = []
        with translated(f"cannot read the events of the stack {self._stack} in {self._region}"):
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=self._id):
                events = [event for event in page["StackEvents"] if self._is_new(event)]
                fresh += [self._event(event) for event in events]
                if len(events) < len(page["StackEvents"]):
                    break
        return fresh[::-1]

    def _is_new(self, event: Mapping[str, Any]) -> bool:
        # Two events of one resource within a millisecond share their id; the reason tells them apart.
        identity = (event["EventId"], event.get("ResourceStatusReason"))
        known = identity in self._seen
        self._seen.add(identity)
        return not known

    def _event(self, event: Mapping[str, Any]) -> StackEvent:
        return StackEvent(
            stack=self._stack,
            region=self._region,
            logical_id=str(event["LogicalResourceId"]),
            type=str(event["ResourceType"]),
            status=str(event["ResourceStatus"]),
            reason=str(event.get("ResourceStatusReason") or ""),
            at=event["Timestamp"],
            token=str(event.get("ClientRequestToken") or ""),
        )
