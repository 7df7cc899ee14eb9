"""All events of a sandbox account in order, each to be seen some minutes after it happened; kept for 90 days."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from baseops.sandbox.access.demand import Place
from baseops.sandbox.access.key_uses import KeyUse, key_uses
from baseops.sandbox.answer import Answer
from baseops.sandbox.call import Call
from baseops.sandbox.clock import TickingClock
from baseops.sandbox.service import is_answering
from baseops.sandbox.services.cloudtrail import events, naming
from baseops.sandbox.services.cloudtrail.events import Record, Seen

KEPT = timedelta(days=90)
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-cloudtrail-events.html: about 15 minutes at most.
SHORTEST_LAG, LONGEST_LAG = timedelta(minutes=5), timedelta(minutes=15)
Listener = Callable[[list[Record]], None]


class History:
    """Records calls. Records are built when somebody asks for them, or at once while a trail listens."""

    def __init__(self, clock: TickingClock) -> None:
        self.listeners: list[Listener] = []
        self._clock = clock
        self._kept: deque[Seen | Record] = deque()
        self._times: deque[datetime] = deque()
        self._count = 0

    def record(self, call: Call, answer: Answer) -> None:
        """A recorder for the dispatcher. What services do inside a call, or read by schedule, is not recorded."""
        if not call.is_modelled or answer.is_dropped or (call.service, call.operation) in naming.UNRECORDED:
            return
        is_internal = call.principal.is_operator and self._clock.ticker.is_running
        is_inner = call.principal.is_operator and is_answering() and not call.is_part
        if is_inner or (is_internal and _is_quiet(call)):
            return
        seen = self._seen(call, answer, is_internal=is_internal)
        if not seen.is_data:
            self._keep(seen)
        if self.listeners:
            self._tell(seen.records())

    def add_service_event(self, name: str, service: str, place: Place, details: dict[str, Any]) -> None:
        """What a service did by itself."""
        self._count += 1
        made = events.service_event(name, service, place.account, place.region, details, self._clock.now(), self._count)
        self._keep(made)
        if self.listeners:
            self._tell([made])

    def visible(self, account_id: str, region: str, now: datetime) -> Iterator[Record]:
        """What LookupEvents may give at a time, newest first."""
        found = [
            record
            for kept in list(self._kept)
            for record in (kept.records() if isinstance(kept, Seen) else [kept])
            if record["recipientAccountId"] == account_id and record["awsRegion"] == region
        ]
        ordered = sorted(enumerate(found), key=lambda pair: (pair[1]["eventTime"], pair[0]), reverse=True)
        for _, record in ordered:
            when = datetime.fromisoformat(record["eventTime"])
            if when + lag(record["eventID"]) <= now and when >= now - KEPT:
                yield record

    def _seen(self, call: Call, answer: Answer, *, is_internal: bool) -> Seen:
        self._count += 1
        uses: tuple[KeyUse, ...] = ()
        if answer.is_success and call.service in {"secretsmanager", "ssm"}:
            place, given = Place(call.account_id, call.region), dict(call.parameters)
            if call.service == "secretsmanager" and "VersionId" in answer.members:
                given["ClientRequestToken"] = answer.members["VersionId"]
            uses = key_uses(call.service, call.operation, given, place)
        if answer.is_success and naming.is_reading(call.service, call.operation) and call.service != "sts":
            # What was read is in no record.
            answer = replace(answer, body=b"")
        return Seen(call, answer, self._clock.now(), self._count, uses, is_internal)

    def _keep(self, one: Seen | Record) -> None:
        now = self._clock.now()
        self._kept.append(one)
        self._times.append(now)
        while self._times[0] < now - KEPT:
            self._kept.popleft()
            self._times.popleft()

    def _tell(self, records: list[Record]) -> None:
        for listener in self.listeners:
            listener(records)


def lag(event_id: str) -> timedelta:
    """How long an event takes to show: some minutes, always the same ones for the same event."""
    return SHORTEST_LAG + (LONGEST_LAG - SHORTEST_LAG) * (crc32(event_id.encode()) / 2**32)


def _is_quiet(call: Call) -> bool:
    return naming.is_reading(call.service, call.operation) or (call.service, call.operation) in naming.DATA_EVENTS
