"""Finds what is newest in a store by path alone: the last head, the last records of each drill."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from baseops.errors import BaseopsError, NotFoundError
from baseops.evidence.records import Head, Place, Record, Sealed, run_of, sha256
from baseops.evidence.store import Store, is_key

READERS = 8


def head_keys(store: Store, account: str, region: str) -> list[str]:
    """The keys of all heads, oldest first."""
    return [key for key in store.keys(f"heads/account={account}/region={region}/") if _is_runs(key)]


def newest_head(store: Store, account: str, region: str) -> tuple[Head, bytes] | None:
    """The last run's head, and its text; raises `BaseopsError` where it is none."""
    top = f"heads/account={account}/region={region}/"
    for date in reversed(store.folders(top)):
        keys = [key for key in store.keys(f"{top}{date}/") if _is_runs(key)]
        if keys:
            text = store.read(keys[-1])
            return _head(keys[-1], text), text
    return None


def _is_runs(key: str) -> bool:
    """Whether a run may have written it: in a bucket lies what anybody has put there."""
    return bool(run_of(key)) and is_key(key)


def read_head(store: Store, key: str) -> Head:
    """The head at a key; raises `BaseopsError` where it is none."""
    return _head(key, store.read(key))


def _head(key: str, text: bytes) -> Head:
    try:
        return Head.parse(text)
    except ValueError as error:
        raise BaseopsError(f"{key} is no head of a run", str(error), "Run: baseops evidence verify") from error


def newest_records(store: Store, account: str, region: str, *, days: int = 60) -> dict[str, list[Record]]:
    """The last records of each drill, by its name; looks at the newest `days` dates that have any."""
    recent = recent_records(store, account, region, runs=1, days=days)
    return {drill: found[0] for drill, found in recent.items()}


def recent_records(
    store: Store, account: str, region: str, *, runs: int = 12, days: int = 60
) -> dict[str, list[list[Record]]]:
    """The records of each drill's last `runs`, newest run first; looks at the newest `days` dates that have any.

    Runs without a head do not count: who can write a file, and not sign, could have made theirs. Reads up to `READERS`
    files at once: a bucket takes its time for each.
    """
    top = f"records/account={account}/region={region}/"
    ended = {run_of(key) for key in head_keys(store, account, region)}
    recent: dict[str, list[str]] = {}
    for date in reversed(store.folders(top)[-days:]):
        keys = [key for key in store.keys(f"{top}{date}/") if _is_runs(key) and run_of(key) in ended]
        for key in sorted(keys, key=run_of, reverse=True):
            found = recent.setdefault(_drill(key), [])
            if len(found) < runs:
                found.append(key)
    keys = [key for found in recent.values() for key in found]
    with ThreadPoolExecutor(READERS) as pool:
        read = dict(zip(keys, pool.map(partial(_whole, store), keys), strict=True))
    return {drill: [read[key] for key in found] for drill, found in sorted(recent.items())}


def unfinished_files(store: Store, place: Place, last: Head | None, run: str) -> tuple[Sealed, ...]:
    """The files and journal entries of runs that died after the last head was sealed and before a run began."""
    since = f"date={last.started[:10]}" if last else ""
    known = {each.key for each in last.unfinished} if last else set()
    found = []
    for top in (f"{each}/account={place.account}/region={place.region}/" for each in ("records", "journal")):
        keys = [key for date in store.folders(top) if date >= since for key in store.keys(f"{top}{date}/")]
        found += [key for key in keys if (last.run if last else "") < run_of(key) < run and key not in known]
    return tuple(sealed(key, store.read(key)) for key in found if is_key(key))


def sealed(key: str, content: bytes) -> Sealed:
    """What a head says of a file."""
    return Sealed(key, sha256(content), len(content.splitlines()))


def read_records(store: Store, key: str) -> Iterator[Record]:
    """The records of one file; raises `BaseopsError` where there is something else in it."""
    for line in store.read(key).splitlines():
        try:
            record = Record.parse(line)
        except ValueError as error:
            raise BaseopsError(f"{key} holds no evidence", str(error), "Run: baseops evidence verify") from error
        yield record


def records_of(store: Store, head: Head) -> Iterator[Record]:
    """All records of a run; what has been removed is passed over (`verify` names it)."""
    for sealed in head.files:
        try:
            yield from read_records(store, sealed.key)
        except NotFoundError:
            continue


def _whole(store: Store, key: str) -> list[Record]:
    return list(read_records(store, key))


def _drill(key: str) -> str:
    part = next((each for each in key.split("/") if each.startswith("drill=")), "")
    return part.removeprefix("drill=").replace("+", "/")
