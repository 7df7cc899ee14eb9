"""Finds what was altered, removed or added in evidence, and runs that are missing. Changes nothing.

A head seals its run's files and names the head before it. What is left to a thief is to remove the newest runs whole:
that shows as a gap against the schedule that the last head promised.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from baseops.errors import NotFoundError, UsageError
from baseops.evidence.history import head_keys
from baseops.evidence.journal import is_swept, swept_key
from baseops.evidence.lock import last_run
from baseops.evidence.records import (
    GENESIS,
    Head,
    Place,
    Record,
    Sealed,
    head_key,
    new_run_id,
    parse_timestamp,
    run_of,
    sha256,
)
from baseops.evidence.signing import Signer
from baseops.evidence.store import Store

Kind = Literal["altered", "removed", "added", "unsigned", "missing-run", "gap", "unfinished", "incomplete"]
NOTES: frozenset[Kind] = frozenset({"unfinished", "incomplete"})
"""What happens without anybody's ill will: a run that died or was interrupted."""


CLOCKS_DIFFER = timedelta(hours=1)
"""A run that is dated later than now by more was made by no clock that is right."""


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it was written. `run` and `key` say where."""

    kind: Kind
    run: str
    key: str
    message: str

    @property
    def is_note(self) -> bool:
        """Whether it says nothing against the evidence."""
        return self.kind in NOTES


@dataclass(frozen=True)
class Verification:
    """What was looked at and what was found."""

    runs: int
    records: int
    problems: tuple[Problem, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing speaks against the evidence."""
        return all(each.is_note for each in self.problems)


@dataclass(frozen=True)
class _Read:
    key: str
    text: bytes
    head: Head


class Verifier:
    """Verifies the evidence of one account and region.

    `every` is how often runs are due where heads do not say; `retention_days` after which the oldest may be gone.
    """

    def __init__(
        self,
        store: Store,
        signers: Sequence[Signer],
        account: str,
        region: str,
        now: datetime,
        *,
        every: timedelta | None = None,
        retention_days: int = 400,
    ) -> None:
        """Only the keys of `signers` are trusted."""
        self._store = store
        self._signers = signers
        self._account = account
        self._region = region
        self._now = now
        self._every = every
        self._retention = timedelta(days=retention_days)
        self._records = 0

    def verify(self) -> Verification:
        """Read everything once."""
        problems: list[Problem] = []
        heads = self._heads(problems)
        problems += self._order(heads)
        for each in heads:
            problems += self._signature(each)
            problems += self._files(each)
        problems += self._unsealed([each.head for each in heads])
        problems += self._last([each.head for each in heads])
        problems += self._gaps([each.head for each in heads])
        return Verification(len(heads), self._records, tuple(problems))

    def _heads(self, problems: list[Problem]) -> list[_Read]:
        found = []
        for key in head_keys(self._store, self._account, self._region):
            text = self._store.read(key)
            try:
                head = Head.parse(text)
            except ValueError as error:
                problems.append(Problem("altered", run_of(key), key, f"the head cannot be read: {error}"))
                continue
            if head_key(Place.of(head.account, head.region, parse_timestamp(head.started)), head.run) != key:
                problems.append(Problem("altered", head.run, key, "the head lies where it does not belong"))
            found.append(_Read(key, text, head))
        return found

    def _order(self, heads: Sequence[_Read]) -> Iterator[Problem]:
        former: _Read | None = None
        for each in heads:
            yield from self._link(former, each)
            former = each

    def _link(self, former: _Read | None, each: _Read) -> Iterator[Problem]:
        head = each.head
        if former is None:
            age = self._now - parse_timestamp(head.started)
            if head.previous != GENESIS and age < self._retention - timedelta(days=2):
                yield Problem("missing-run", head.previous_run, each.key, f"the run {head.previous_run} is missing")
        elif head.previous_run != former.head.run:
            yield Problem("missing-run", head.previous_run, each.key, f"the run {head.previous_run} is missing")
        elif head.previous != sha256(former.text):
            yield Problem("altered", former.head.run, former.key, f"it is not the head that {head.run} followed")

    def _signature(self, each: _Read) -> Iterator[Problem]:
        head, signature = each.head, each.head.signature
        if signature is None:
            yield Problem("unsigned", head.run, each.key, "the head carries no signature")
            return
        trusted = [signer for signer in self._signers if signer.key == signature.key]
        if not trusted:
            yield Problem("unsigned", head.run, each.key, f"{signature.key} signed it, which is not trusted here")
        elif not trusted[0].is_valid(head.unsigned(), signature):
            yield Problem("altered", head.run, each.key, "the signature does not belong to this content")
        if not head.complete:
            yield Problem("incomplete", head.run, each.key, "the run was interrupted")

    def _files(self, each: _Read) -> Iterator[Problem]:
        head = each.head
        previous: str | None = head.previous
        for sealed in head.files:
            content, problem = self._content(head.run, sealed)
            if problem:
                is_lost = problem.kind == "removed" and sealed.key in head.lost
                yield replace(problem, kind="incomplete", message="it could not be kept") if is_lost else problem
                previous = None
                continue
            for line in content.splitlines():
                self._records += 1
                if previous not in (None, _previous_of(line)):
                    yield Problem("altered", head.run, sealed.key, "a record does not follow the one before it")
                previous = sha256(line)
        for sealed in head.journal:
            _, problem = self._content(head.run, sealed)
            if problem:
                yield problem
        for sealed in head.unfinished:
            _, problem = self._content(head.run, sealed)
            if problem:
                yield problem
            yield Problem("unfinished", run_of(sealed.key), sealed.key, f"its run died; {head.run} sealed it")

    def _content(self, run: str, sealed: Sealed) -> tuple[bytes, Problem | None]:
        try:
            content = self._store.read(sealed.key)
        except NotFoundError:
            return b"", Problem("removed", run, sealed.key, f"{_counted(sealed.records, sealed.key)} missing")
        except UsageError:
            return b"", Problem("altered", run, sealed.key, "no file of evidence is called that")
        if sha256(content) == sealed.sha256:
            return content, None
        found = len(content.splitlines())
        if found < sealed.records:
            lost = sealed.records - found
            return content, Problem("removed", run, sealed.key, f"{_counted(lost, sealed.key)} missing")
        return content, Problem("altered", run, sealed.key, "it is not what was sealed")

    def _unsealed(self, heads: Sequence[Head]) -> Iterator[Problem]:
        sealed = {file.key for head in heads for file in (*head.files, *head.unfinished, *head.journal)}
        last = max((head.run for head in heads), default="")
        latest = new_run_id(self._now + CLOCKS_DIFFER, "")[:16]
        place = f"account={self._account}/region={self._region}/"
        for key in (*self._store.keys(f"records/{place}"), *self._store.keys(f"journal/{place}")):
            run = run_of(key)
            if key in sealed:
                continue
            if is_swept(key):
                yield from self._swept(run, key)
            elif last < run and run[:16] <= latest:
                yield Problem("unfinished", run, key, "its run has no head: it is going on, or died")
            else:
                yield Problem("added", run, key, "no head knows it")

    def _swept(self, run: str, key: str) -> Iterator[Problem]:
        """What a sweep adds to the journal of a run that was sealed before; its key seals it."""
        if swept_key(key, self._store.read(key)) != key:
            yield Problem("altered", run, key, "it is not what its key seals")

    def _last(self, heads: Sequence[Head]) -> Iterator[Problem]:
        """The lock remembers which run was the last to hold it."""
        run = last_run(self._store, self._account, self._region)
        if run and run not in {head.run for head in heads} and run > max((head.run for head in heads), default=""):
            yield Problem("missing-run", run, "", f"the run {run} was the last to hold the lock, and is missing")

    def _gaps(self, heads: Sequence[Head]) -> Iterator[Problem]:
        if self._every and not heads:
            yield Problem("gap", "", "", "there is no run")
        starts = [parse_timestamp(head.started) for head in heads[1:]] + [self._now]
        for head, following in zip(heads, starts, strict=False):
            due = self._due(head)
            if due and following > due:
                when = f"{following:%Y-%m-%d %H:%M}"
                yield Problem("gap", head.run, "", f"the next run was due by {due:%Y-%m-%d %H:%M}, none by {when}")

    def _due(self, head: Head) -> datetime | None:
        if head.next_by:
            return parse_timestamp(head.next_by)
        return parse_timestamp(head.ended) + self._every if self._every else None


def _counted(number: int, key: str) -> str:
    noun = "record" if key.startswith("records/") else "entry of the journal"
    many = "records" if key.startswith("records/") else "entries of the journal"
    return f"1 {noun} is" if number == 1 else f"{number} {many} are"


def _previous_of(line: bytes) -> str:
    try:
        return str(Record.parse(line)["previous"])
    except (KeyError, ValueError):
        return ""
