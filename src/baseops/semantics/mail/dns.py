"""DNS records as plain data, as a zone file, and as a Route 53 change batch. Resolves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from baseops.contract.types import Json

RecordType = Literal["CNAME", "MX", "TXT"]


@dataclass(frozen=True)
class Record:
    """One record set. `name` and host names in `values` have no final dot; TXT values have no quotes.

    `purpose` says what it is for in words; `zone` is the domain whose owner has to add it.
    """

    name: str
    type: RecordType
    values: tuple[str, ...]
    purpose: str
    zone: str
    ttl: int = 300


@dataclass(frozen=True)
class Zone:
    """Records that were found, by name and type. What is not in it does not exist.

    `unknown` are names that could not be asked for; about them nothing is said.
    """

    records: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()

    def get(self, name: str, record_type: str) -> tuple[str, ...]:
        """The values of a record set; names have no case and no final dot."""
        return self.records.get((_bare(name), record_type), ())

    def is_unknown(self, name: str) -> bool:
        """Whether the name could not be asked for."""
        return _bare(name) in self.unknown


def zone_of(records: Iterable[tuple[str, str, Sequence[str]]]) -> Zone:
    """A zone of (name, type, values), as a resolver or Route 53 gives them; TXT values with or without quotes."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for name, record_type, values in records:
        plain = (unquote(value) if record_type == "TXT" else _bare(value) for value in values)
        found[_bare(name), record_type] = (*found.get((_bare(name), record_type), ()), *plain)
    return Zone(found)


def print_zone_file(records: Iterable[Record]) -> str:
    """The records in the format of RFC 1035, section 5, absolute names, each under a comment with its purpose."""
    lines: list[str] = []
    for record in records:
        lines.append(f"; {record.purpose}")
        lines += [
            f"{record.name}. {record.ttl} IN {record.type} {quote(value, record.type)}" for value in record.values
        ]
    return "\n".join(lines) + "\n" if lines else ""


def change_batch(records: Iterable[Record], comment: str) -> dict[str, Json]:
    """A `ChangeBatch` for `aws route53 change-resource-record-sets`.

    It says CREATE, not UPSERT: a record that exists already refuses the whole batch instead of being replaced.
    """
    return {"Comment": comment, "Changes": [_change(record) for record in records]}


def quote(value: str, record_type: str) -> str:
    """A value as a zone file and Route 53 want it: TXT in quoted pieces of 255 octets, hosts with a final dot."""
    if record_type != "TXT":
        return f"{value}."
    escaped = [
        value[start : start + 255].replace("\\", "\\\\").replace('"', '\\"') for start in range(0, len(value), 255)
    ]
    return " ".join(f'"{piece}"' for piece in escaped or [""])


def unquote(value: str) -> str:
    """The text of a TXT value: quoted pieces are joined, anything else is taken as it is."""
    if not value.startswith('"'):
        return value
    text, inside, escaped = "", False, False
    for letter in value:
        if escaped:
            text, escaped = text + letter, False
        elif letter == "\\":
            escaped = True
        elif letter == '"':
            inside = not inside
        elif inside:
            text += letter
    return text


def _change(record: Record) -> Json:
    return {
        "Action": "CREATE",
        "ResourceRecordSet": {
            "Name": f"{record.name}.",
            "Type": record.type,
            "TTL": record.ttl,
            "ResourceRecords": [{"Value": quote(value, record.type)} for value in record.values],
        },
    }


def _bare(name: str) -> str:
    return name.rstrip(".").lower()
