"""Where evidence lies: a folder, or a bucket and prefix. What is written once is never overwritten.

Both keep the same files under the same keys (`records/account=…/region=…/date=…/…`), so a bucket can be copied into
a folder and checked there. Only the lock of a run is ever replaced, and only by who has seen its present content.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Protocol

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.errors import AwsError, NotFoundError, UsageError

_KEY = re.compile(r"(?!\.)[\w=.+-]+(?:/(?!\.)[\w=.+-]+)*", re.ASCII)


class Store(Protocol):
    """Bytes by key. Keys are ours: letters, digits, `= . + _ -` and slashes."""

    @property
    def url(self) -> str:
        """How a person names it."""

    def read(self, key: str) -> bytes:
        """What lies there; raises `NotFoundError`."""

    def put_new(self, key: str, content: bytes) -> bool:
        """Write where nothing lies; False when something else does. Writing the same bytes again is True."""

    def replace(self, key: str, content: bytes, former: bytes) -> bool:
        """Write in place of `former`; False when that, or anything, is not there any more. For locks alone."""

    def keys(self, prefix: str) -> list[str]:
        """All keys that begin with the prefix, sorted."""

    def folders(self, prefix: str) -> list[str]:
        """The names directly under a prefix that ends with a slash, sorted."""


def open_store(url: str, clients: Clients, region: str) -> Store:
    """The store at `s3://bucket/prefix` or in a folder; nothing is read yet."""
    if not url.startswith("s3://"):
        return FolderStore(Path(url))
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if not bucket:
        raise UsageError(f"{url} is no place for evidence", "it names no bucket", "Write s3://bucket/prefix.")
    return BucketStore(clients, region, bucket, prefix.strip("/"))


def is_key(key: str) -> bool:
    """Whether a key is one that we would make: in a bucket lies what anybody has put there."""
    return bool(_KEY.fullmatch(key))


def checked(key: str) -> str:
    """The key, when it is one that we would make; names from AWS get into keys."""
    if not is_key(key):
        raise UsageError(f"{key!r} is no key of evidence", "it would lead out of the store")
    return key


class FolderStore:
    """Evidence in a folder of this machine, each file synced to the disk."""

    def __init__(self, folder: Path) -> None:
        """The folder is made with the first file."""
        self.folder = folder

    @property
    def url(self) -> str:
        """The folder's path."""
        return str(self.folder)

    def read(self, key: str) -> bytes:
        """What lies there; raises `NotFoundError`."""
        try:
            return (self.folder / checked(key)).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"there is no {key} in {self.url}") from error

    def put_new(self, key: str, content: bytes) -> bool:
        """Write under another name, then link: a half-written file is never seen."""
        path = self.folder / checked(key)
        temporary = self._written(path, content)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return path.read_bytes() == content
        finally:
            temporary.unlink()
        _sync_folder(path.parent)
        return True

    def replace(self, key: str, content: bytes, former: bytes) -> bool:
        """Write in place of `former`; who takes part locks a file meanwhile, which no death leaves locked."""
        path = self.folder / checked(key)
        if not path.exists():
            return False
        with path.with_name(f".{path.name}.replacing").open("a") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            if not path.exists() or path.read_bytes() != former:
                return False
            self._written(path, content).replace(path)
            return True

    def keys(self, prefix: str) -> list[str]:
        """All keys that begin with the prefix, sorted."""
        top = self.folder / prefix.rpartition("/")[0]
        found = (path for path in top.rglob("*") if path.is_file() and not path.name.startswith("."))
        return sorted(
            key for key in (path.relative_to(self.folder).as_posix() for path in found) if key.startswith(prefix)
        )

    def folders(self, prefix: str) -> list[str]:
        """The names directly under a prefix, sorted."""
        top = self.folder / prefix
        return sorted(path.name for path in top.iterdir()) if top.is_dir() else []

    def _written(self, path: Path, content: bytes) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return Path(name)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class BucketStore:
    """Evidence in S3, by conditional writes.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """

    def __init__(self, clients: Clients, region: str, bucket: str, prefix: str) -> None:
        """No call is made yet."""
        self._clients = clients
        self._region = region
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    @property
    def url(self) -> str:
        """As `--evidence` takes it."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def read(self, key: str) -> bytes:
        """What lies there; raises `NotFoundError`. Calls GetObject."""
        return self._read(key)[0]

    def put_new(self, key: str, content: bytes) -> bool:
        """Write where nothing lies. Calls PutObject with If-None-Match; GetObject when something does."""
        for _ in range(_CONFLICTS):
            try:
                self._put(key, content, IfNoneMatch="*")
            except AwsError as error:
                if error.code not in _CONDITION_FAILED:
                    raise
                try:
                    # A first answer that was lost makes the retry meet our own object.
                    return self._is(key, content)
                except NotFoundError:
                    # Another write was under way at that moment, and has not come to anything: S3 asks for a retry.
                    continue
            return True
        return False

    def replace(self, key: str, content: bytes, former: bytes) -> bool:
        """Write in place of `former`. Calls GetObject, PutObject with If-Match."""
        try:
            present, etag = self._read(key)
            if present != former:
                return False
            self._put(key, content, IfMatch=etag)
        except NotFoundError:
            return False
        except AwsError as error:
            if error.code not in _CONDITION_FAILED:
                raise
            return self._is(key, content)
        return True

    def keys(self, prefix: str) -> list[str]:
        """All keys that begin with the prefix, sorted. Calls ListObjectsV2."""
        return sorted(each["Key"][len(self._prefix) :] for page in self._pages(prefix) for each in page["Contents"])

    def folders(self, prefix: str) -> list[str]:
        """The names directly under a prefix, sorted. Calls ListObjectsV2."""
        start = len(self._prefix + prefix)
        pages = list(self._pages(prefix, Delimiter="/"))
        below = {each["Prefix"][start:].strip("/") for page in pages for each in page["CommonPrefixes"]}
        return sorted(below | {each["Key"][start:] for page in pages for each in page["Contents"]})

    def _pages(self, prefix: str, **options: str) -> list[dict[str, list[dict[str, str]]]]:
        client = self._clients.client("s3", self._region)
        with translated(f"cannot list {self.url}"):
            paginator = client.get_paginator("list_objects_v2")
            pages = list(paginator.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix, **options))
        return [
            {"Contents": page.get("Contents", []), "CommonPrefixes": page.get("CommonPrefixes", [])} for page in pages
        ]

    def _put(self, key: str, content: bytes, **condition: str) -> None:
        client = self._clients.client("s3", self._region)
        with translated(f"cannot write {key} to {self.url}"):
            client.put_object(Bucket=self._bucket, Key=self._prefix + checked(key), Body=content, **condition)

    def _read(self, key: str) -> tuple[bytes, str]:
        client = self._clients.client("s3", self._region)
        with translated(f"cannot read {key} in {self.url}"):
            answer = client.get_object(Bucket=self._bucket, Key=self._prefix + checked(key))
            return bytes(answer["Body"].read()), str(answer["ETag"])

    def _is(self, key: str, content: bytes) -> bool:
        return hashlib.sha256(self.read(key)).digest() == hashlib.sha256(content).digest()


_CONFLICTS = 5
_CONDITION_FAILED = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
