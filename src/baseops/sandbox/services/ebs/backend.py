"""Reading and writing snapshots by blocks. https://docs.aws.amazon.com/ebs/latest/APIReference/."""

from __future__ import annotations

from base64 import b64encode
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

from moto.ec2.models.elastic_block_store import Snapshot
from moto.ec2.utils import random_snapshot_id

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import Members, SandboxBackend, ServiceError
from baseops.sandbox.services.ebs.tokens import BLOCK_TOKEN_LIFE, PAGE_TOKEN_LIFE, Tokens
from baseops.sandbox.volume_files import content_of_volume
from baseops.sandbox.volumes import BLOCK_SIZE, Block, Content, content_of_snapshot, contents_of, store_block

DEFAULT_RESULTS = 100
BLOCKS_PER_GIB = (1 << 30) // BLOCK_SIZE
COMPLETION = timedelta(seconds=20)
NO_VOLUME = "vol-ffffffff"


class Ebs(SandboxBackend):
    """The snapshots of one account and region, by blocks. They are EC2's; what is held here is only tokens."""

    service = "ebs"

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._tokens = Tokens(self.hex(32).encode())
        self._writing: dict[str, dict[int, Block]] = {}
        self._parents: dict[str, Content] = {}
        self._started: dict[str, str] = {}

    def list_snapshot_blocks(
        self,
        snapshot_id: str,
        next_token: str | None = None,
        max_results: int | None = None,
        starting_block_index: int = 0,
    ) -> Members:
        snapshot, content = self._readable(snapshot_id)
        count = _results(max_results)
        start = self._start(f"list {snapshot_id}", next_token, starting_block_index)
        call, expires = self._tokens.next_call(), self.now() + BLOCK_TOKEN_LIFE
        at = bisect_left(content.indexes, start)
        page = content.indexes[at : at + count]
        following = content.indexes[at + count : at + count + 1]
        return {
            "Blocks": [
                {"BlockIndex": index, "BlockToken": self._tokens.write(f"block {snapshot_id}", index, call, expires)}
                for index in page
            ],
            **self._described(snapshot, expires),
            **self._next_page(f"list {snapshot_id}", following),
        }

    def list_changed_blocks(
        self,
        second_snapshot_id: str,
        first_snapshot_id: str | None = None,
        next_token: str | None = None,
        max_results: int | None = None,
        starting_block_index: int = 0,
    ) -> Members:
        second, new = self._readable(second_snapshot_id)
        old = Content({}, new.lineage)
        if first_snapshot_id:
            old = self._readable(first_snapshot_id)[1]
        if old.lineage != new.lineage:
            raise _invalid("The snapshots are not related: they are not of one volume.", "UNRELATED_SNAPSHOTS")
        purpose = f"changed {first_snapshot_id} {second_snapshot_id}"
        start = self._start(purpose, next_token, starting_block_index)
        # A page covers so many blocks of the volume, changed or not: as with AWS, it may be empty and not the last.
        end = start + _results(max_results)
        last = second.volume.size * BLOCKS_PER_GIB
        expires = self.now() + BLOCK_TOKEN_LIFE
        found = self._changes(old, new, range(start, min(end, last)), (first_snapshot_id, second_snapshot_id), expires)
        return {
            "ChangedBlocks": list(found),
            **self._described(second, expires),
            **self._next_page(purpose, [end] if end < last else []),
        }

    def get_snapshot_block(self, snapshot_id: str, block_index: int, block_token: str) -> Members:
        _, content = self._readable(snapshot_id)
        if self._tokens.read(f"block {snapshot_id}", block_token, self.now()) != block_index:
            raise _invalid("The block token is not valid for this block, or has expired.", "INVALID_BLOCK_TOKEN")
        block = content.blocks.get(block_index)
        if block is None:
            raise _invalid(f"Block {block_index} of {snapshot_id} was never written.", "INVALID_BLOCK")
        return {
            "DataLength": BLOCK_SIZE,
            "BlockData": block.read(),
            "Checksum": b64encode(block.digest).decode(),
            "ChecksumAlgorithm": "SHA256",
        }

    def start_snapshot(
        self,
        volume_size: int,
        parent_snapshot_id: str | None = None,
        tags: Sequence[Mapping[str, str]] = (),
        description: str = "",
        client_token: str | None = None,
        encrypted: bool = False,
        kms_key_arn: str | None = None,
        timeout: int = 60,
    ) -> Members:
        del timeout  # nobody waits that long here
        if client_token and client_token in self._started:
            return self._started_snapshot(self._started[client_token], parent_snapshot_id)
        ec2 = self._ec2()
        parent = self._readable(parent_snapshot_id)[1] if parent_snapshot_id else Content()
        identifier = random_snapshot_id()
        volume = SimpleNamespace(id=NO_VOLUME, size=volume_size, encrypted=encrypted)
        snapshot = Snapshot(ec2, identifier, volume, description, encrypted, kms_key_arn)
        snapshot.status = "pending"
        snapshot.add_tags({each["Key"]: each.get("Value", "") for each in tags})
        ec2.snapshots[identifier] = snapshot
        self._writing[identifier] = {}
        self._parents[identifier] = Content(parent.blocks, parent.lineage or identifier)
        if client_token:
            self._started[client_token] = identifier
        return self._started_snapshot(identifier, parent_snapshot_id)

    def put_snapshot_block(
        self,
        snapshot_id: str,
        block_index: int,
        block_data: bytes,
        data_length: int,
        checksum: str,
        checksum_algorithm: str,
        progress: int = 0,
    ) -> Members:
        del progress, checksum_algorithm  # the model allows SHA256 alone
        data = block_data.read() if hasattr(block_data, "read") else bytes(block_data)
        if snapshot_id not in self._writing:
            raise _invalid(f"The snapshot {snapshot_id} is not in the state pending.", "INVALID_SNAPSHOT_ID")
        if data_length != BLOCK_SIZE or len(data) != BLOCK_SIZE:
            raise _invalid(f"A block has {BLOCK_SIZE} bytes.", "INVALID_BLOCK")
        if checksum != b64encode(sha256(data).digest()).decode():
            raise _invalid("The checksum does not match the data.", "INVALID_BLOCK")
        if block_index >= self._ec2().snapshots[snapshot_id].volume.size * BLOCKS_PER_GIB:
            raise _invalid("The block lies beyond the end of the volume.", "INVALID_BLOCK")
        self._writing[snapshot_id][block_index] = store_block(data)
        return {"Checksum": checksum, "ChecksumAlgorithm": "SHA256"}

    def complete_snapshot(
        self,
        snapshot_id: str,
        changed_blocks_count: int,
        checksum: str | None = None,
        checksum_algorithm: str | None = None,
        checksum_aggregation_method: str | None = None,
    ) -> Members:
        del checksum_algorithm, checksum_aggregation_method  # the model allows SHA256 and LINEAR alone
        written = self._writing.get(snapshot_id)
        if written is None:
            raise _invalid(f"The snapshot {snapshot_id} is not in the state pending.", "INVALID_SNAPSHOT_ID")
        if changed_blocks_count != len(written):
            raise _invalid(f"{len(written)} blocks were written.", "INVALID_PARAMETER_VALUE")
        joined = b"".join(written[index].digest for index in sorted(written))
        if checksum and checksum != b64encode(sha256(joined).digest()).decode():
            raise _invalid("The checksum of the checksums does not match.", "INVALID_PARAMETER_VALUE")
        del self._writing[snapshot_id]
        parent = self._parents.pop(snapshot_id)
        contents_of(self._ec2()).snapshots[snapshot_id] = Content({**parent.blocks, **written}, parent.lineage)
        self.sandbox.clock.ticker.after(COMPLETION, lambda: self._finish(snapshot_id), f"completion of {snapshot_id}")
        return {"Status": "pending"}

    # Any: moto's EC2 backend and its snapshots carry no types.
    def _ec2(self) -> Any:
        return moto_backend("ec2", self.account_id, self.region_name)

    def _finish(self, snapshot_id: str) -> None:
        snapshot = self._ec2().snapshots.get(snapshot_id)
        if snapshot is not None:
            snapshot.status = "completed"

    def _readable(self, snapshot_id: str) -> tuple[Any, Content]:
        """The snapshot and its blocks, where the caller's account may read it."""
        for account_id in (self.account_id, *self._other_accounts()):
            ec2 = moto_backend("ec2", account_id, self.region_name)
            snapshot = ec2.snapshots.get(snapshot_id)
            mine = account_id == self.account_id
            if snapshot is not None and (mine or self.account_id in snapshot.create_volume_permission_userids):
                _check_state(snapshot)
                return snapshot, _content(ec2, snapshot)
        raise ServiceError(
            f"The snapshot '{snapshot_id}' does not exist.",
            code="ResourceNotFoundException",
            Reason="SNAPSHOT_NOT_FOUND",
        )

    def _other_accounts(self) -> list[str]:
        from moto.ec2.models import ec2_backends

        return [each for each in list(ec2_backends) if each != self.account_id]

    def _changes(
        self,
        old: Content,
        new: Content,
        window: range,
        snapshots: tuple[str | None, str],
        expires: datetime,
    ) -> Iterator[dict[str, Any]]:
        call = self._tokens.next_call()
        names = ("FirstBlockToken", "SecondBlockToken")
        for index in window:
            before, after = old.blocks.get(index), new.blocks.get(index)
            if (before and before.digest) == (after and after.digest):
                continue
            tokens = {
                name: self._tokens.write(f"block {snapshot}", index, call, expires)
                for name, snapshot, block in zip(names, snapshots, (before, after), strict=True)
                if block is not None
            }
            yield {"BlockIndex": index, **tokens}

    def _start(self, purpose: str, token: str | None, start: int) -> int:
        if not token:
            return start
        found = self._tokens.read(purpose, token, self.now())
        if found is None:
            raise _invalid("The page token is not valid, or has expired.", "INVALID_PAGE_TOKEN")
        return found

    def _next_page(self, purpose: str, following: Sequence[int]) -> dict[str, Any]:
        if not following:
            return {}
        call, expires = self._tokens.next_call(), self.now() + PAGE_TOKEN_LIFE
        return {"NextToken": self._tokens.write(purpose, following[0], call, expires)}

    def _described(self, snapshot: Any, expires: datetime) -> dict[str, Any]:
        return {"ExpiryTime": expires, "VolumeSize": snapshot.volume.size, "BlockSize": BLOCK_SIZE}

    def _started_snapshot(self, identifier: str, parent: str | None) -> Members:
        snapshot = self._ec2().snapshots[identifier]
        return {
            "SnapshotId": identifier,
            "Description": snapshot.description,
            "OwnerId": snapshot.owner_id,
            "Status": snapshot.status,
            "StartTime": snapshot.start_time,
            "VolumeSize": snapshot.volume.size,
            "BlockSize": BLOCK_SIZE,
            **({"ParentSnapshotId": parent} if parent else {}),
        }


Ebs.register()


def _content(ec2: Any, snapshot: Any) -> Content:
    state = contents_of(ec2)
    volume = ec2.volumes.get(snapshot.volume.id)
    if snapshot.id not in state.snapshots and volume is not None:
        # Made by something that says nothing of it: what its volume holds when first asked.
        state.snapshots[snapshot.id] = content_of_volume(ec2, volume)
    return content_of_snapshot(ec2, snapshot.id)


def _check_state(snapshot: Any) -> None:
    if snapshot.status != "completed":
        raise _invalid(f"The snapshot {snapshot.id} is in the state {snapshot.status}.", "INVALID_SNAPSHOT_ID")
    if snapshot.storage_tier == "archive":
        raise _invalid(f"The snapshot {snapshot.id} is archived.", "INVALID_SNAPSHOT_ID")


def _results(asked: int | None) -> int:
    count = DEFAULT_RESULTS if asked is None else asked
    if not 100 <= count <= 10_000:
        raise _invalid("maxResults must be between 100 and 10000.", "INVALID_PARAMETER_VALUE")
    return count


def _invalid(message: str, reason: str) -> ServiceError:
    return ServiceError(message, code="ValidationException", Reason=reason)
