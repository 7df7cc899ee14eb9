"""Writes down what a drill is about to create before it does: in a local file, synced, and in the evidence store.

Entries are data (service, calls that remove it, tags, creator, time), so that anybody can remove it after a crash.
Nothing is ever taken out of a journal: a removal is one more entry.
"""

from __future__ import annotations

import errno
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baseops.contract.clock import Clock
from baseops.contract.drill import Drill, Mark, Resource
from baseops.contract.site import Site
from baseops.errors import InconclusiveError, UsageError
from baseops.evidence.calls import as_json
from baseops.evidence.records import Place, Sealed, canonical, sha256, timestamp
from baseops.evidence.redaction import first_unfit, unfit
from baseops.evidence.resources import is_own_name
from baseops.evidence.store import Store

ENTRY_SCHEMA = "baseops/journal/1"


@dataclass(frozen=True)
class Made:
    """Something a drill created, or may have created: then the identifier is empty."""

    resource: Resource
    mark: Mark
    number: int
    identifier: str = ""


class RunJournal:
    """The journal of one run, shared by its drills."""

    def __init__(
        self, store: Store, place: Place, run: str, folder: Path, clock: Clock, site: Site, renew: Callable[[], None]
    ) -> None:
        """`folder` is where the local file goes, outside the evidence; `renew` raises when the run's lock is lost."""
        self._store = store
        self._base = f"{place.path('journal')}/{run}"
        self._file = folder / f"{run}.jsonl"
        self._clock = clock
        self._lock = threading.Lock()
        self._number = 0
        self._sealed: list[Sealed] = []
        self.run = run
        self._renew = renew
        self.site = site

    def intend(self, resource: Resource, creator: str, drill: Drill) -> Made:
        """Write down what is about to be created; raises `InconclusiveError` when that cannot be done."""
        with self._lock:
            self._number += 1
            number = self._number
        mark = Mark(f"{self.run}/{number}", creator, self.site.name)
        by = {"drill": drill.name, "class": drill.drill_class, "declaration": self.site.name}
        self._append(number, "intent", {**by, "resource": as_json(resource), "mark": mark.value}, creator)
        return Made(resource, mark, number)

    def tell(self, made: Made, event: str) -> None:
        """Write down that it was `created` (its identifier) or `removed`."""
        # What must not be kept is found again by its mark.
        identifier = "" if unfit(made.identifier) else made.identifier
        self._append(made.number, event, {"identifier": identifier, "mark": made.mark.value}, made.mark.creator)

    @property
    def sealed(self) -> tuple[Sealed, ...]:
        """What the run's head says of the entries, in the order of their keys."""
        with self._lock:
            return tuple(sorted(self._sealed, key=lambda each: each.key))

    def _append(self, number: int, event: str, content: dict[str, Any], creator: str) -> None:
        entry = {
            "schema": ENTRY_SCHEMA,
            "run": self.run,
            "number": number,
            "event": event,
            "at": timestamp(self._clock.now()),
            "creator": creator,
            **content,
        }
        text = canonical(entry)
        self._append_locally(text)
        # What is written into the store when another run goes on there would be no run's.
        self._renew()
        key = f"{self._base}/{number:04d}-{event}.json"
        if not self._store.put_new(key, text):
            raise InconclusiveError(
                f"the journal of {self.run} cannot be written",
                f"entry {number} exists already in {self._store.url}",
                "Run baseops prove again.",
            )
        with self._lock:
            self._sealed.append(Sealed(key, sha256(text), 1))

    def _append_locally(self, text: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            if os.write(handle, text + b"\n") <= len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._file))
            os.fsync(handle)
        finally:
            os.close(handle)


class DrillJournal:
    """Fulfils `contract.drill.Journal` for one drill; `made` is what has to be removed, in the order of creation."""

    def __init__(self, journal: RunJournal, drill: Drill, creator: str, made_before: Callable[[Made], str]) -> None:
        """Nothing is written yet. `made_before` gives the identifier of what carries a mark already, or nothing."""
        self._journal = journal
        self._drill = drill
        self._creator = creator
        self._made_before = made_before
        self.made: list[Made] = []

    def create(self, resource: Resource, make: Callable[[Mark], str]) -> str:
        """Write the resource down, then make it; one that a request whose answer was lost has made is fine."""
        self._require_fit(resource)
        intended = self._journal.intend(resource, self._creator, self._drill)
        self.made.append(intended)
        try:
            identifier = make(intended.mark)
        except Exception as error:
            identifier = self._made_before(intended) if _is_taken(error) else ""
            if not identifier:
                raise
        done = Made(resource, intended.mark, intended.number, identifier)
        self.made[self.made.index(intended)] = done
        self._journal.tell(done, "created")
        return identifier

    def name(self, label: str) -> str:
        """A name that begins with the drills' prefix."""
        return f"{self._journal.site.prefix}-drill-{_short(self._journal.run)}-{label}"

    def path(self, label: str) -> str:
        """A name with slashes, for log groups and parameters."""
        return f"/baseops/{self._journal.site.name}/drill/{_short(self._journal.run)}-{label}"

    def _require_fit(self, resource: Resource) -> None:
        if resource.name and not is_own_name(resource.name, self._journal.site):
            raise UsageError(
                f"the drill {self._drill.name} wants to create {resource.kind} {resource.name}",
                f"its name does not begin with {self._journal.site.prefix}-drill-",
                "Take the name from DrillContext.journal.",
            )
        found = first_unfit(_texts(as_json(resource)))
        if found:
            raise InconclusiveError(
                f"the drill {self._drill.name} wants to journal {found}", "a journal must not hold it"
            )


def _is_taken(error: Exception) -> bool:
    """Whether AWS says that there is one of that name: also to a retry, when the first answer was lost."""
    told = getattr(error, "code", "") or getattr(error, "response", {}).get("Error", {}).get("Code", "")
    return bool(re.search(r"Exist|Duplicate|Conflict", str(told))) and "NotExist" not in str(told)


def swept_key(key: str, content: bytes) -> str:
    """Where a sweep says what became of a resource: beside its other entries, under a name that seals the content."""
    folder, _, name = key.rpartition("/")
    return f"{folder}/{name.partition('-')[0]}-swept-{sha256(content)[:32]}.json"


def is_swept(key: str) -> bool:
    """Whether an entry is one that a sweep added."""
    return key.startswith("journal/") and "-swept-" in key.rpartition("/")[2]


def _short(run: str) -> str:
    return run.rpartition("-")[2]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in _texts(each)]
    return [text for each in value for text in _texts(each)] if isinstance(value, list) else []
