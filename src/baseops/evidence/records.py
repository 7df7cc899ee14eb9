"""What a run leaves: one record for each promise and target, chained, and a head that counts and seals them.

The text of a record is canonical JSON, one line; its SHA-256 is the next record's `previous`. The first record's
`previous` is the SHA-256 of the head before. Keys are partitioned as Athena and DuckDB expect it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from baseops._version import __version__
from baseops.contract.drill import Drill, Evidence, Span, Step, Verdict
from baseops.contract.types import Json
from baseops.evidence.shapes import json_object, require

RECORD_SCHEMA = "baseops/evidence/1"
HEAD_SCHEMA = "baseops/evidence-head/1"
GENESIS = "0" * 64
"""The `previous` of the very first head."""


@dataclass(frozen=True)
class Place:
    """Which partition a run writes to."""

    account: str
    region: str
    date: str

    @classmethod
    def of(cls, account: str, region: str, at: datetime) -> Place:
        """The partition of a moment, in UTC."""
        return cls(account, region, at.astimezone(UTC).strftime("%Y-%m-%d"))

    def path(self, top: str) -> str:
        """The partition under `records`, `heads` or `journal`, without a final slash."""
        return f"{top}/account={self.account}/region={self.region}/date={self.date}"


@dataclass(frozen=True)
class Signature:
    """Who sealed a head: `key` is the ARN of a KMS key, or `local:` and the public key's fingerprint."""

    algorithm: str
    key: str
    value: str


@dataclass(frozen=True)
class Sealed:
    """A file of records that belongs to a run."""

    key: str
    sha256: str
    records: int


@dataclass(frozen=True)
class Head:
    """The end of a run. `complete` is False when it was broken off; `next_by` is when the next run is due.

    `journal` are the entries of what its drills created and removed. `unfinished` are files of runs before it that died
    before they could seal them, and entries of their journals. `lost` are keys of files that could not be kept.
    """

    run: str
    account: str
    region: str
    started: str
    ended: str
    tool: str
    previous_run: str
    previous: str
    files: tuple[Sealed, ...]
    counts: Mapping[str, int]
    complete: bool = True
    next_by: str = ""
    leftovers: tuple[str, ...] = ()
    unfinished: tuple[Sealed, ...] = ()
    journal: tuple[Sealed, ...] = ()
    lost: tuple[str, ...] = ()
    schema: str = HEAD_SCHEMA
    signature: Signature | None = None

    def unsigned(self) -> bytes:
        """What is signed: all but the signature."""
        values = asdict(self)
        del values["signature"]
        return canonical(values)

    def text(self) -> bytes:
        """As it is stored."""
        return canonical(asdict(self))

    @classmethod
    def parse(cls, text: bytes) -> Head:
        """A stored head; raises ValueError where it is none, or is not written as a head is."""
        values = json_object(text)
        if values.get("schema") != HEAD_SCHEMA:
            raise ValueError(f"its schema is not {HEAD_SCHEMA}")
        require(values, {**_HEAD, **({"signature": _SIGNATURE} if values.get("signature") else {})}, "head")
        try:
            head = cls._of(values)
        except (KeyError, TypeError) as error:
            raise ValueError(f"it is no head: {error}") from error
        parse_timestamp(head.ended), parse_timestamp(head.next_by or head.ended)
        if head.run != new_run_id(parse_timestamp(head.started), head.run[17:]) or not _RUN.fullmatch(head.run):
            raise ValueError(f"no run that began at {head.started} is called {head.run}")
        if head.text() != text:
            raise ValueError("it is not written as a head is")
        return head

    @classmethod
    def _of(cls, values: dict[str, Any]) -> Head:
        sealed = {name: tuple(Sealed(**each) for each in values[name]) for name in ("files", "unfinished", "journal")}
        signature = Signature(**values["signature"]) if values["signature"] else None
        texts = {name: tuple(values[name]) for name in ("leftovers", "lost")}
        return cls(**{**values, **sealed, **texts, "signature": signature})


_SIGNATURE = {"algorithm": str, "key": str, "value": str}
_SEALED = [{"key": str, "sha256": str, "records": int}]
_HEAD: dict[str, Any] = {
    **dict.fromkeys(("run", "account", "region", "started", "ended", "tool", "previous_run", "previous"), str),
    **dict.fromkeys(("files", "unfinished", "journal"), _SEALED),
    "leftovers": [str],
    "lost": [str],
    "counts": {verdict.value: int for verdict in Verdict},
    "complete": bool,
    "next_by": str,
}
_RECORD: dict[str, Any] = {
    **dict.fromkeys(("run", "previous", "account", "region", "area", "drill", "class", "promise", "target"), str),
    **dict.fromkeys(("reason", "method", "started", "ended", "tool"), str),
    "number": int,
    "not_exercised": [str],
    "spans": [{"lane": str, "state": str, "start": str, "end": str}],
    "steps": [{"at": str, "text": str}],
}


def head_key(place: Place, run: str) -> str:
    """Where a run's head lies."""
    return f"{place.path('heads')}/{run}.json"


def record_key(place: Place, run: str, drill: str) -> str:
    """Where the records of one drill of a run lie: the newest of a drill is found by its path alone."""
    return f"{place.path('records')}/drill={drill.replace('/', '+')}/{run}.jsonl"


def canonical(value: Any) -> bytes:
    """One text for one value: sorted keys, no spaces, UTF-8, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def sha256(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def timestamp(at: datetime) -> str:
    """A time in UTC to the millisecond, as evidence writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    """The time that `timestamp` wrote; raises ValueError for anything else."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text} is no time in UTC")
    return found


def new_run_id(at: datetime, suffix: str) -> str:
    """An id that sorts by time: `20260108T090000Z-3f2a9c`."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{suffix}"


def began(run_id: str) -> datetime:
    """When a run began, to the second."""
    return datetime.strptime(run_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


_RUN = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{6}")


def run_of(key: str) -> str:
    """The run that wrote a file of records, a head or an entry of a journal; empty for other files."""
    found = re.search(rf"\b({_RUN.pattern})(?:\.jsonl?$|/)", key)
    return found[1] if found else ""


@dataclass(frozen=True)
class Record:
    """One record as stored; `values` are those of the schema."""

    values: Mapping[str, Json]

    @classmethod
    def parse(cls, text: bytes) -> Record:
        """A stored record; raises ValueError where it is none."""
        values = json_object(text)
        if values.get("schema") != RECORD_SCHEMA:
            raise ValueError(f"its schema is not {RECORD_SCHEMA}")
        require(values, _RECORD, "record")
        measures, moments = values.get("measures"), [values["started"], values["ended"]]
        if values.get("verdict") not in set(Verdict):
            raise ValueError("it is no record: it has no verdict")
        if not isinstance(measures, dict) or not all(type(each) in (int, float) for each in measures.values()):
            raise ValueError("it is no record: its measures are no numbers")
        moments += [each["at"] for each in values["steps"]]
        moments += [each[end] for each in values["spans"] for end in ("start", "end")]
        for each in moments:
            parse_timestamp(each)
        return cls(values)

    def __getitem__(self, name: str) -> Any:  # Any: what the schema says of that name
        return self.values[name]


@dataclass
class Chain:
    """Numbers and links the records of one run, in the order in which drills end."""

    run: str
    place: Place
    previous: str
    number: int = 0
    files: list[Sealed] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"proven": 0, "refuted": 0, "inconclusive": 0})

    def add(self, drill: Drill, found: Sequence[Evidence], steps: Sequence[Step]) -> tuple[str, bytes, list[Record]]:
        """The key, content and records of one drill's file. Pure but for the chain itself."""
        records, lines = [], []
        for number, evidence in enumerate(found):
            values = self._values(drill, evidence, steps if number == 0 else ())
            line = canonical(values)
            self.previous = sha256(line)
            self.counts[evidence.verdict.value] += 1
            records.append(Record(values))
            lines.append(line + b"\n")
        key, content = record_key(self.place, self.run, drill.name), b"".join(lines)
        self.files.append(Sealed(key, sha256(content), len(records)))
        return key, content, records

    def _values(self, drill: Drill, evidence: Evidence, steps: Sequence[Step]) -> dict[str, Json]:
        self.number += 1
        started, ended = evidence.started, evidence.ended
        return {
            "schema": RECORD_SCHEMA,
            "run": self.run,
            "number": self.number,
            "previous": self.previous,
            "account": self.place.account,
            "region": self.place.region,
            "area": drill.area,
            "drill": drill.name,
            "class": drill.drill_class,
            "promise": evidence.promise or drill.promise,
            "target": evidence.target,
            "verdict": evidence.verdict.value,
            "reason": evidence.reason,
            "method": evidence.method,
            "measures": {name: round(float(value), 6) for name, value in sorted(evidence.measures.items())},
            "not_exercised": list(evidence.not_exercised),
            "started": timestamp(started) if started else "",
            "ended": timestamp(ended) if ended else "",
            "spans": [_span(each) for each in evidence.spans],
            "steps": [{"at": timestamp(each.at), "text": each.text} for each in steps],
            "tool": f"baseops {__version__}",
        }


def _span(span: Span) -> dict[str, Json]:
    return {"lane": span.lane, "state": span.state, "start": timestamp(span.start), "end": timestamp(span.end)}


def schema() -> dict[str, Any]:
    """The published JSON schema of a record."""
    text = resources.files("baseops.evidence").joinpath("evidence-1.schema.json").read_text()
    return json_object(text.encode())
