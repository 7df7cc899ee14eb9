"""Removes what a crashed run left, from any machine, by the journal in the evidence store.

It removes only what the journal names and where the tag or the name's prefix, the creator and the age agree with it.
Everything else is reported and left alone: tags travel with snapshots, restores and copies, and production may carry
ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.drill import DRILL_TAG, Mark
from baseops.contract.site import Site
from baseops.contract.types import DrillClass
from baseops.errors import BaseopsError
from baseops.evidence import removal
from baseops.evidence.calls import from_json, require_removal
from baseops.evidence.journal import ENTRY_SCHEMA, Made, swept_key
from baseops.evidence.lock import held
from baseops.evidence.records import canonical, parse_timestamp, run_of, timestamp
from baseops.evidence.resources import is_own_name, require_known
from baseops.evidence.shapes import json_object
from baseops.evidence.store import Store, is_key

SETTLING = timedelta(minutes=10)
"""So long after its journal entry something may still come to be: a call that was under way when the run died."""

Outcome = Literal["removed", "gone", "left", "waiting"]


@dataclass(frozen=True)
class Swept:
    """What became of one journaled resource, and why."""

    kind: str
    identifier: str
    run: str
    outcome: Outcome
    reason: str = ""


@dataclass
class _Entry:
    """All that the journal says of one resource."""

    run: str
    number: int
    base: str
    intended: datetime
    made: Made
    drill_class: DrillClass
    is_removed: bool = False


@dataclass
class Sweeper:
    """Sweeps one account. `state` is the folder of this machine's own journals, which may know more than the store.

    `clients_of` gives the clients that remove what drills of a class made; `clients` without.
    """

    clients: Clients
    clock: Clock
    account: str
    site: Site
    store: Store
    state: Path
    dry_run: bool = False
    clients_of: Callable[[DrillClass], Clients] | None = None
    _marks: set[str] = field(default_factory=set)
    _unread: list[Swept] = field(default_factory=list)

    def sweep(self) -> list[Swept]:
        """Remove what may be removed; raises `InconclusiveError` while a run is going on."""
        with held(self.store, self.account, f"sweep at {timestamp(self.clock.now())}", self.clock) as lease:
            found: list[Swept] = []
            self._unread.clear()
            for entry in self._entries():
                self._marks.add(entry.made.mark.value)
                if not entry.is_removed:
                    found += self._settle(entry)
                lease.renew()
            return found + self._unread + self._strangers()

    def _entries(self) -> list[_Entry]:
        entries: dict[tuple[str, int], _Entry] = {}
        for text, base, key in self._texts():
            try:
                values = json_object(text)
                if values.get("schema") == ENTRY_SCHEMA:
                    _add(entries, values, base)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                self._unread.append(Swept("journal", key, run_of(key), "left", f"it is no entry of a journal: {error}"))
        # Last created first: an instance goes before its security group.
        return sorted(entries.values(), key=lambda each: (each.run, each.number), reverse=True)

    def _texts(self) -> Iterator[tuple[bytes, str, str]]:
        """Each entry, the folder in which its sweep is told, and where it was found."""
        seen = set()
        for key in sorted(self.store.keys(f"journal/account={self.account}/"), key=_in_order):
            if not is_key(key):
                self._unread.append(Swept("journal", key, run_of(key), "left", "no entry of a journal is called that"))
                continue
            text = self.store.read(key)
            seen.add(text)
            yield text, key.rpartition("/")[0], key
        for path in sorted((self.state / "journal").glob("*.jsonl")):
            for line in path.read_bytes().splitlines():
                if line not in seen:
                    yield line, "", str(path)

    def _settle(self, entry: _Entry) -> Iterable[Swept]:
        made = entry.made
        try:
            clients = self._clients(entry)
            require_removal(made.resource)
            require_known(made.resource, self.account, self.site)
            identifiers = removal.find(clients, made)
            if len(identifiers) > 1:
                return [_swept(entry, each, "left", "several carry the same mark") for each in identifiers]
            if not identifiers or not removal.exists(clients, made, identifiers[0]):
                return [self._gone(entry)]
            return [self._one(entry, identifiers[0])]
        except BaseopsError as error:
            return [_swept(entry, made.identifier, "left", str(error))]

    def _clients(self, entry: _Entry) -> Clients:
        return self.clients_of(entry.drill_class) if self.clients_of else self.clients

    def _gone(self, entry: _Entry) -> Swept:
        if not entry.made.identifier and self.clock.now() - entry.intended < SETTLING:
            return _swept(entry, "", "waiting", "it may still come to be: sweep again in ten minutes")
        self._tell(entry, entry.made.identifier)
        return _swept(entry, entry.made.identifier, "gone")

    def _one(self, entry: _Entry, identifier: str) -> Swept:
        made = entry.made
        why = removal.disagreement(self._clients(entry), made, identifier, entry.intended)
        if not why and made.resource.name and not is_own_name(identifier, self.site):
            why = "its name is none that drills of this declaration give"
        if why:
            return _swept(entry, identifier, "left", why)
        if self.dry_run:
            return _swept(entry, identifier, "left", "it would be removed")
        removal.remove(self._clients(entry), self.clock, made, identifier)
        self._tell(entry, identifier)
        return _swept(
            entry, identifier, "removed", "" if made.resource.created else "AWS keeps no age of it to compare"
        )

    def _tell(self, entry: _Entry, identifier: str) -> None:
        if self.dry_run or not entry.base:
            return
        values = {
            "schema": ENTRY_SCHEMA,
            "run": entry.run,
            "number": entry.number,
            "event": "removed",
            "at": timestamp(self.clock.now()),
            "creator": entry.made.mark.creator,
            "identifier": identifier,
            "mark": entry.made.mark.value,
        }
        text = canonical(values)
        self.store.put_new(swept_key(f"{entry.base}/{entry.number:04d}-", text), text)

    def _strangers(self) -> list[Swept]:
        """What carries our tag and stands in no journal. Calls tag:GetResources; where that is refused, says so."""
        found: list[Swept] = []
        for region in (self.site.region, *self.site.regions):
            try:
                found += self._tagged(region)
            except BaseopsError as error:
                found.append(Swept("tagged resources", region, "", "left", f"could not be listed: {error}"))
        return found

    def _tagged(self, region: str) -> list[Swept]:
        client = self.clients.client("resourcegroupstaggingapi", region)
        found = []
        with translated(f"cannot list what carries {DRILL_TAG} in {region}"):
            for page in client.get_paginator("get_resources").paginate(TagFilters=[{"Key": DRILL_TAG}]):
                for each in page["ResourceTagMappingList"]:
                    mark = next(tag["Value"] for tag in each["Tags"] if tag["Key"] == DRILL_TAG)
                    if mark not in self._marks:
                        arn = str(each["ResourceARN"])
                        found.append(Swept(arn.split(":")[2], arn, "", "left", f"no journal knows {mark}"))
        return found


def _add(entries: dict[tuple[str, int], _Entry], values: dict[str, Any], base: str) -> None:
    place = (values["run"], values["number"])
    if values["event"] == "intent":
        mark = Mark(values["mark"], values["creator"], values["declaration"])
        made = Made(from_json(values["resource"]), mark, values["number"])
        intended = parse_timestamp(values["at"])
        entries[place] = _Entry(values["run"], values["number"], base, intended, made, values["class"])
    elif place in entries and values["event"] == "created":
        entries[place].made = replace(entries[place].made, identifier=values["identifier"])
    elif place in entries:
        entries[place].is_removed = True


def _in_order(key: str) -> tuple[str, str, int]:
    """Run, number, event: an intent comes before what became of it."""
    folder, _, name = key.rpartition("/")
    number, _, event = name.removesuffix(".json").partition("-")
    return folder, number, {"intent": 0, "created": 1}.get(event, 2)


def _swept(entry: _Entry, identifier: str, outcome: Outcome, reason: str = "") -> Swept:
    return Swept(entry.made.resource.kind, identifier or entry.made.mark.value, entry.run, outcome, reason)
