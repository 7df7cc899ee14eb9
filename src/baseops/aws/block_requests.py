"""The requests of the EBS direct APIs: through botocore, or lean over a socket where that is possible.

Both raise botocore's `ClientError` and connection errors; neither retries nor verifies what it got.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

from botocore.exceptions import ClientError
from botocore.httpsession import get_cert_path

from baseops.aws.block_connection import Answer, BlockConnection
from baseops.aws.signing import GetSigner
from baseops.contract.clients import Clients

KEPT_CONNECTIONS = 64

# Any throughout: what botocore answers, and its credentials.


@dataclass(frozen=True)
class Listing:
    """A page of blocks: (index, token); in a comparison, the token of the second snapshot, "" where it has none."""

    blocks: list[tuple[int, str]]
    following: str | None
    volume_bytes: int
    block_size: int
    expires: datetime


@dataclass(frozen=True)
class Received:
    """A block as it came, with what AWS says of it."""

    data: bytes | bytearray | memoryview
    checksum: str
    algorithm: str


class BlockRequests(Protocol):
    """What a source of blocks asks."""

    def list_blocks(self, snapshot_id: str, start: int, results: int, token: str | None) -> Listing:
        """ListSnapshotBlocks."""

    def list_changed(self, first_id: str, second_id: str, token: str | None) -> Listing:
        """ListChangedBlocks."""

    def get_block(self, snapshot_id: str, index: int, token: str, into: memoryview | None = None) -> Received:
        """GetSnapshotBlock; where it can, into memory of the caller's."""

    def close(self) -> None:
        """Close connections of its own."""


class BotoRequests:
    """Through a botocore client."""

    def __init__(self, client: Any) -> None:
        """Keep the client."""
        self._client = client

    def list_blocks(self, snapshot_id: str, start: int, results: int, token: str | None) -> Listing:
        """ListSnapshotBlocks; `start` counts only without a token."""
        where: dict[str, Any] = {"NextToken": token} if token else {"StartingBlockIndex": start}
        answer = self._client.list_snapshot_blocks(SnapshotId=snapshot_id, MaxResults=results, **where)
        return _listing(answer, [(each["BlockIndex"], each["BlockToken"]) for each in answer.get("Blocks", ())])

    def list_changed(self, first_id: str, second_id: str, token: str | None) -> Listing:
        """ListChangedBlocks."""
        where = {"NextToken": token} if token else {}
        answer = self._client.list_changed_blocks(
            FirstSnapshotId=first_id, SecondSnapshotId=second_id, MaxResults=10_000, **where
        )
        found = answer.get("ChangedBlocks", ())
        return _listing(answer, [(each["BlockIndex"], each.get("SecondBlockToken", "")) for each in found])

    def get_block(self, snapshot_id: str, index: int, token: str, into: memoryview | None = None) -> Received:  # noqa: ARG002
        """GetSnapshotBlock; botocore has memory of its own."""
        answer = self._client.get_snapshot_block(SnapshotId=snapshot_id, BlockIndex=index, BlockToken=token)
        return Received(answer["BlockData"].read(), answer.get("Checksum", ""), answer.get("ChecksumAlgorithm", ""))

    def close(self) -> None:
        """The client's connections are the session's."""


class LeanRequests(BotoRequests):
    """Blocks over kept connections, signed and read straight into place; listings through botocore.

    A part of the client's CPU time of boto3: see `bench/export.py`.
    """

    def __init__(self, client: Any, credentials: Any) -> None:
        """Ready for the client's endpoint and region."""
        super().__init__(client)
        address = urlsplit(client.meta.endpoint_url)
        self._address = address
        self._signer = GetSigner("ebs", client.meta.region_name, address.netloc, credentials)
        self._context = ssl.create_default_context(cafile=get_cert_path(True)) if address.scheme == "https" else None
        self._kept: list[BlockConnection] = []
        self._lock = threading.Lock()

    def get_block(self, snapshot_id: str, index: int, token: str, into: memoryview | None = None) -> Received:
        """GetSnapshotBlock; where it can, into memory of the caller's."""
        path, query = f"/snapshots/{quote(snapshot_id, safe='')}/blocks/{index}", f"blockToken={quote(token, safe='')}"
        headers = self._signer.headers(path, query)
        with self._connection() as connection:
            answer = connection.get(f"{path}?{query}", headers, into)
        if answer.status != 200:
            raise _refusal(answer)
        found = answer.headers
        return Received(answer.body, found.get("x-amz-checksum", ""), found.get("x-amz-checksum-algorithm", ""))

    def close(self) -> None:
        """Close the kept connections."""
        with self._lock:
            for each in self._kept:
                each.close()
            self._kept.clear()

    @contextmanager
    def _connection(self) -> Iterator[BlockConnection]:
        """A kept connection; one that broke, or whose answer was not read to its end, is not kept."""
        with self._lock:
            connection = self._kept.pop() if self._kept else self._connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._lock:
            if len(self._kept) < KEPT_CONNECTIONS:
                self._kept.append(connection)
                return
        connection.close()

    def _connect(self) -> BlockConnection:
        address = self._address
        port = address.port or (443 if self._context is not None else 80)
        return BlockConnection(address.hostname or "", port, self._context)


def requests_for(clients: Clients, region: str) -> BlockRequests:
    """The lean way where the session has credentials and no proxy stands between; else through botocore."""
    client = clients.client("ebs", region)
    credentials = getattr(clients, "credentials", None)
    if credentials is None or is_proxied(client.meta.endpoint_url):
        return BotoRequests(client)
    return LeanRequests(client, credentials)


def is_proxied(url: str) -> bool:
    """Whether a proxy stands between here and an endpoint."""
    address = urlsplit(url)
    return address.scheme in getproxies() and not proxy_bypass(address.hostname or "")


def _listing(answer: Any, blocks: list[tuple[int, str]]) -> Listing:
    return Listing(
        blocks=blocks,
        following=answer.get("NextToken"),
        volume_bytes=int(answer["VolumeSize"]) << 30,
        block_size=int(answer["BlockSize"]),
        expires=answer["ExpiryTime"],
    )


def _refusal(answer: Answer) -> ClientError:
    """The same error that botocore would raise."""
    try:
        body = json.loads(bytes(answer.body) or b"{}")
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    code = answer.headers.get("x-amzn-errortype") or str(body.get("__type", "")) or f"{answer.status}"
    message = str(body.get("message") or body.get("Message") or answer.reason)
    described = {
        "Error": {"Code": code.split(":")[0].rpartition("#")[2], "Message": message},
        "Reason": body.get("Reason", ""),
        "ResponseMetadata": {"HTTPStatusCode": answer.status},
    }
    return ClientError(described, "GetSnapshotBlock")
