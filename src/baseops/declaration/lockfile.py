"""`baseops.lock` on disk: what must not move by itself, written so that a review shows each change as one line.

JSON, not YAML: it is data that a program writes and people only review. With sorted keys and a line for each value
the same lock always has the same bytes, and there is no second way to write or read a value. Never edited in place:
a new file takes the old one's name when it is whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar

from baseops.contract.lock import Lock, LockedBase, LockedComponent
from baseops.errors import DeclarationError

VERSION = 1
_RESTORE = "Take it back from version control: git checkout -- {path}"
_Value = TypeVar("_Value", str, int)


def print_lock(lock: Lock) -> str:
    """The text of a lock: the same for the same content."""
    content = {key: value for key, value in asdict(lock).items() if key != "declaration" or value}
    return json.dumps({"version": VERSION, **content}, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_lock(path: Path) -> Lock:
    """The lock in a file; an empty one where there is no file. A damaged or newer lock is a DeclarationError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Lock()
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError(f"cannot read {path}", str(error), _RESTORE.format(path=path)) from error
    return _parse(text, path)


def write_lock(path: Path, lock: Lock) -> None:
    """Put a lock in place of the one at `path`, whole or not at all, also when the machine stops."""
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False) as new:
        temporary = Path(new.name)
        try:
            new.write(print_lock(lock))
            new.flush()
            os.fsync(new.fileno())
            temporary.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename last: https://man7.org/linux/man-pages/man2/fsync.2.html says that the folder needs its own."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _parse(text: str, path: Path) -> Lock:
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        conflict = "it holds a merge conflict" if "<<<<<<< " in text else f"it is not JSON: {error}"
        raise _damaged(path, conflict) from error
    except KeyError as error:
        raise _damaged(path, f"the key {error} stands twice") from error
    version = data.get("version") if isinstance(data, dict) else None
    if type(version) is int and version > VERSION:
        why = f"it has version {version}, and this baseops knows {VERSION}"
        raise DeclarationError(f"{path} was written by a newer baseops", why, "Run: pip install --upgrade baseops-aws")
    if type(version) is not int or version != VERSION:
        raise _damaged(path, f"its version is {version!r}, not {VERSION}")
    try:
        return _to_lock(data)
    except (TypeError, AttributeError) as error:
        raise _damaged(path, str(error)) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:  # Any: what stands in the file
    """An object, where merges may have left a key twice."""
    made = dict(pairs)
    if len(made) < len(pairs):
        raise KeyError(next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place])))
    return made


def _to_lock(data: Mapping[str, Any]) -> Lock:  # Any: what stands in the file
    unknown = sorted(set(data) - {"version", *asdict(Lock())})
    if unknown:
        raise TypeError(f"the key {unknown[0]!r} is not known")
    return Lock(
        bases={name: LockedBase(**_all(str, base)) for name, base in data.get("bases", {}).items()},
        components={
            image: {name: LockedComponent(**_all(str, one)) for name, one in components.items()}
            for image, components in data.get("components", {}).items()
        },
        places={stack: _all(int, units) for stack, units in data.get("places", {}).items()},
        frozen=_all(str, data.get("frozen", {})),
        declaration=_all(str, {"declaration": data.get("declaration", "")})["declaration"],
    )


def _all(kind: type[_Value], values: Mapping[str, Any]) -> dict[str, _Value]:  # Any: what stands in the file
    for name, value in values.items():
        if type(value) is not kind:
            raise TypeError(f"{name} is {value!r}, not of type {kind.__name__}")
    return dict(values)


def _damaged(path: Path, why: str) -> DeclarationError:
    return DeclarationError(f"{path} is damaged", why, _RESTORE.format(path=path))
