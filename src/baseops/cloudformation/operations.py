"""Brings one stack to its template, or removes it, from whatever state it is in; follows each operation to its end.

What a killed run left is picked up: change sets of ours are thrown away, an operation of ours that is still running
is waited for, an empty stack after a failed creation is removed first. Somebody else's work is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from baseops.aws.errors import translated
from baseops.aws.waiting import until
from baseops.cloudformation.adoption import adoptions, import_text
from baseops.cloudformation.changesets import MAX_INLINE_BYTES, Body, ChangeSet, ChangeSets, role_argument
from baseops.cloudformation.events import EventFeed, Listener, StackEvent
from baseops.cloudformation.existing import find_existing
from baseops.cloudformation.stacks import (
    TOKEN_PREFIX,
    Next,
    StackState,
    busy_error,
    current_template,
    new_token,
    read_state,
    remove_review,
    stuck_error,
)
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.site import Site
from baseops.contract.template import Template
from baseops.contract.types import Json
from baseops.errors import StackError

Outcome = Literal["created", "updated", "unchanged"]


@dataclass(frozen=True)
class Applied:
    """What became of one stack: `changes` counts its change set, `imported` the resources that it took over.

    `seconds` by the clock that was passed in.
    """

    template: Template
    outcome: Outcome
    outputs: Mapping[str, str]
    changes: int = 0
    imported: tuple[str, ...] = ()
    seconds: float = 0.0


class StackOperations:
    """Stack operations of one site. `listener` hears every stack event as it is read."""

    def __init__(self, clients: Clients, clock: Clock, site: Site, listener: Listener) -> None:
        """Hold what every operation needs."""
        self._clients = clients
        self._clock = clock
        self._listener = listener
        self._site = site
        self._change_sets = ChangeSets(clients, clock, site)

    def apply(self, template: Template, body: Body, inputs: Mapping[str, str]) -> Applied:
        """Make the stack what the template says; does nothing when it already is.

        Raises `StackError` when the stack is stuck, busy by somebody else, or the operation fails (AWS rolls back).
        """
        begun = self._clock.now()
        state = self.settle(template.name, template.region)
        if state.status:
            self._change_sets.discard_left_over(template.name, template.region)
        known = current_template(self._clients, state) if state.exists else {}
        self._require_free_names(template, known)
        existed, (state, adopted) = state.exists, self._adopt(template, state, known)
        change_set = self._prepare(template, body, inputs, state)
        if change_set.is_empty:
            return Applied(template, "unchanged", state.outputs, seconds=self._since(begun))
        after = self._execute(template, state, change_set)
        imported = tuple(each.physical_id for each in change_set.changes if each.action == "import")
        return Applied(
            template,
            "updated" if existed else "created",
            after.outputs,
            changes=len(change_set.changes),
            imported=(*adopted, *imported),
            seconds=self._since(begun),
        )

    def _prepare(self, template: Template, body: Body, inputs: Mapping[str, str], state: StackState) -> ChangeSet:
        """A change set; where AWS refuses to make one, the empty stack that it left in review is removed."""
        try:
            return self._change_sets.create(template, body, inputs, state)
        except StackError:
            if not state.exists:
                remove_review(self._clients, template.name, template.region)
            raise

    def _require_free_names(self, template: Template, known: Mapping[str, Json]) -> None:
        """Refuse before anything changes what CloudFormation would only find out in the middle of an operation."""
        taken = [each for each in find_existing(self._clients, template, known) if not each.importable]
        if taken:
            raise StackError(
                f"stack {template.name} in {template.region} cannot be changed",
                "; ".join(f"{each.type} {each.name} exists already and cannot be imported" for each in taken),
                "Delete what exists, or declare its entry with managed: false.",
            )

    def _adopt(
        self, template: Template, state: StackState, known: Mapping[str, Json]
    ) -> tuple[StackState, tuple[str, ...]]:
        """Take over what exists and CloudFormation would not import by itself; the stack after that, and what it was.

        A template too large to travel inline is left to CloudFormation, which then says what exists.
        """
        wanted = adoptions(self._clients, template, known)
        text = import_text(known, wanted)
        if not wanted or len(text.encode()) > MAX_INLINE_BYTES:
            return state, ()
        change_set = self._change_sets.create_import(template, text, wanted, state)
        after = self._execute(template, state, change_set)
        return after, tuple(value for each in wanted for value in each.identifier.values())

    def settle(self, name: str, region: str) -> StackState:
        """The stack's state once it can be worked on: waits for ours, removes an empty failed one, refuses the rest."""
        state = self.settle_for_deletion(StackState(name, region))
        if state.next is Next.REMOVE_FIRST:
            state = self.delete(state)
        if state.next is Next.STUCK:
            raise stuck_error(state)
        return state

    def settle_for_deletion(self, state: StackState) -> StackState:
        """The stack's state once it can be deleted: waits for ours; a failed state is no obstacle to deleting."""
        now = self._read_by_id(state)
        if now.next is Next.WAIT:
            feed = self._feed(now)
            _require_ours(now, feed.poll())
            now, _ = self._to_the_end(now, feed, started=True)
        return now

    def delete(self, state: StackState) -> StackState:
        """Delete the stack and follow it to the end; raises `StackError` naming what could not go."""
        if state.protected:
            raise StackError(
                f"stack {state.name} in {state.region} cannot be deleted",
                "somebody turned on its termination protection",
                "Run: aws cloudformation update-termination-protection --no-enable-termination-protection "
                f"--region {state.region} --stack-name {state.name}",
            )
        feed = self._feed(state)
        feed.poll()
        with translated(f"cannot delete the stack {state.name} in {state.region}"):
            self._clients.client("cloudformation", state.region).delete_stack(
                StackName=state.stack_id,
                ClientRequestToken=new_token("delete"),
                **role_argument(self._clients, self._site),
            )
        after, failures = self._to_the_end(state, feed)
        if after.status not in ("", "DELETE_COMPLETE"):
            raise _failure(after, failures)
        return StackState(state.name, state.region)

    def _execute(self, template: Template, state: StackState, change_set: ChangeSet) -> StackState:
        stack = state if state.status else read_state(self._clients, template.name, template.region)
        feed = self._feed(stack)
        feed.poll()
        with translated(f"cannot execute a change set on the stack {template.name} in {template.region}"):
            self._clients.client("cloudformation", template.region).execute_change_set(
                ChangeSetName=change_set.id, StackName=template.name, ClientRequestToken=new_token("apply")
            )
        after, failures = self._to_the_end(stack, feed)
        if after.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
            raise _failure(after, failures)
        return after

    def _to_the_end(
        self, state: StackState, feed: EventFeed, *, started: bool = False
    ) -> tuple[StackState, list[StackEvent]]:
        """Follow an operation. Until the stack's first event the old status still shows: `started` skips that wait."""
        failures: list[StackEvent] = []
        heard = started

        def look() -> StackState | None:
            nonlocal heard
            # The state is read before the events, so that no event of a finished operation is missed.
            after = self._read_by_id(state)
            for event in feed.poll():
                self._listener(event)
                heard = heard or event.is_of_stack
                if event.has_failed and not event.is_of_stack:
                    failures.append(event)
            return after if heard and not after.status.endswith("_IN_PROGRESS") else None

        return until(self._clock, look), failures

    def _read_by_id(self, state: StackState) -> StackState:
        # A deleted stack is found by its id only.
        return replace(read_state(self._clients, state.stack_id or state.name, state.region), name=state.name)

    def _since(self, begun: datetime) -> float:
        return (self._clock.now() - begun).total_seconds()

    def _feed(self, state: StackState) -> EventFeed:
        return EventFeed(self._clients, state.name, state.stack_id or state.name, state.region)


def _require_ours(state: StackState, events: list[StackEvent]) -> None:
    latest = next((event for event in reversed(events) if event.is_of_stack), None)
    if latest is None or not latest.token.startswith(TOKEN_PREFIX):
        raise busy_error(state)


def _failure(state: StackState, failures: list[StackEvent]) -> StackError:
    # The first failures are causes; "cancelled" ones follow from them.
    causes = [event for event in failures if "cancelled" not in event.reason.lower()] or failures
    why = "; ".join(f"{event.logical_id} ({event.type}): {event.reason.rstrip('.')}" for event in causes[:5])
    done = state.status or "its former state"
    return StackError(
        f"stack {state.name} in {state.region} ended in {done}",
        why or state.reason,
        "Mend the cause named above, then run the same command again.",
    )
