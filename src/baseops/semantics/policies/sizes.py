"""Packs statements into documents that keep within what IAM stores. White space is not counted.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from baseops.contract.types import Json

MANAGED = 6_144
"""Characters of a managed policy."""
INLINE = 10_240
"""Characters of all inline policies of a role together."""

_FRAME = len('{"Version":"2012-10-17","Statement":[]}')


def size(statements: Sequence[Mapping[str, Json]]) -> int:
    """The characters of a document with these statements; intrinsic functions count as they are written."""
    return _FRAME + sum(map(_length, statements)) + max(len(statements) - 1, 0)


def packed(statements: Sequence[Mapping[str, Json]], limit: int = MANAGED) -> list[list[Mapping[str, Json]]]:
    """The statements in as few documents as their order allows; one that is too long for any is cut in two."""
    documents: list[list[Mapping[str, Json]]] = [[]]
    for each in (part for statement in statements for part in _fitting(statement, limit)):
        if documents[-1] and size([*documents[-1], each]) > limit:
            documents.append([])
        documents[-1].append(each)
    return documents


def _fitting(statement: Mapping[str, Json], limit: int) -> Iterator[Mapping[str, Json]]:
    """The statement, or several that say the same: each with a part of its longest list."""
    lists = {name: each for name, each in statement.items() if isinstance(each, list) and len(each) > 1}
    if size([statement]) <= limit or not lists:
        yield statement
        return
    name = max(lists, key=lambda each: _length(lists[each]))
    middle = len(lists[name]) // 2
    for letter, part in (("A", lists[name][:middle]), ("B", lists[name][middle:])):
        named: dict[str, Json] = {"Sid": f"{statement['Sid']}{letter}"} if "Sid" in statement else {}
        yield from _fitting({**statement, **named, name: part}, limit)


def _length(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")))
