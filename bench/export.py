"""A whole snapshot to a file: `export` beside boto3 with 16 threads, from a local server of blocks (no TLS).

Run: python bench/export.py [MIB]. Every client verifies SHA-256; CPU seconds are of the client's process alone, start
included, best of three turns. The third way is flexible-snapshot-proxy's: segments, each with its own client and pool
of threads, the file opened for every block. Targets: 1.5 CPU s per GB, half of boto3's, a third of the third's,
300 MB resident.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from pathlib import Path

BLOCK = 524288
SNAPSHOT = "snap-0123456789abcdef0"
TOKEN = "AAABAbcdefghijklmnopqrstuvwxyz0123456789"
DISTINCT = 64

ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}


class Server(socketserver.ThreadingTCPServer):
    """Answers ListSnapshotBlocks and GetSnapshotBlock with prepared bytes."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, count: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.count = count
        bodies = [os.urandom(BLOCK) for _ in range(DISTINCT)]
        self.answers = [head(body) + body for body in bodies]


def head(body: bytes) -> bytes:
    checksum = b64encode(hashlib.sha256(body).digest()).decode()
    return (
        f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nx-amz-Data-Length: {len(body)}\r\n"
        f"x-amz-Checksum: {checksum}\r\nx-amz-Checksum-Algorithm: SHA256\r\n\r\n"
    ).encode()


class Handler(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        while line := self.rfile.readline():
            while self.rfile.readline() not in (b"\r\n", b""):
                pass
            path = line.split(b" ")[1].decode()
            if "/blocks/" in path:
                index = int(path.split("/blocks/")[1].split("?")[0])
                self.connection.sendall(self.server.answers[index % DISTINCT])
            else:
                self.connection.sendall(self.listing(path))

    def listing(self, path: str) -> bytes:
        query = dict(each.split("=") for each in path.partition("?")[2].split("&") if each)
        start = int(query.get("pageToken", query.get("startingBlockIndex", "0")))
        end = min(self.server.count, start + int(query.get("maxResults", "100")))
        page = {
            "Blocks": [{"BlockIndex": index, "BlockToken": TOKEN} for index in range(start, end)],
            "BlockSize": BLOCK,
            "VolumeSize": -(-self.server.count * BLOCK >> 30) or 1,
            "ExpiryTime": time.time() + 600_000,
            **({"NextToken": str(end)} if end < self.server.count else {}),
        }
        body = json.dumps(page).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def ours(url: str, target: str) -> None:
    from baseops.areas.backups.operate.export import export
    from baseops.aws.block_requests import requests_for
    from baseops.aws.clock import SystemClock
    from baseops.aws.ebs import EbsBlocks
    from baseops.aws.session import Session
    from baseops.aws.spending import Pace, Spending

    clock = SystemClock()
    requests = requests_for(Session(endpoint_url=url), "us-east-1")
    blocks = EbsBlocks(SNAPSHOT, requests, clock, Spending(), Pace(clock, per_second=100_000, burst=100_000))
    export(blocks, SNAPSHOT, Path(target), clock)


def by_boto3(url: str, target: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import boto3
    from botocore.config import Config

    client = boto3.client("ebs", endpoint_url=url, config=Config(max_pool_connections=16))
    with Path(target).open("wb") as file:
        descriptor = file.fileno()

        def one(block: dict[str, object]) -> None:
            fetch_boto3(client, block, descriptor)

        with ThreadPoolExecutor(16) as pool:
            token: dict[str, str] = {}
            while True:
                page = client.list_snapshot_blocks(SnapshotId=SNAPSHOT, MaxResults=10000, **token)
                list(pool.map(one, page["Blocks"]))
                if "NextToken" not in page:
                    return
                token = {"NextToken": page["NextToken"]}


def fetch_boto3(client: object, block: dict[str, object], descriptor: int) -> None:
    answer = client.get_snapshot_block(SnapshotId=SNAPSHOT, **block)  # type: ignore[attr-defined]
    data = answer["BlockData"].read()
    if b64encode(hashlib.sha256(data).digest()).decode() != answer["Checksum"]:
        raise SystemExit("wrong checksum")
    os.pwrite(descriptor, data, int(str(block["BlockIndex"])) * BLOCK)


def by_segments(url: str, target: str) -> None:
    """As flexible-snapshot-proxy does it, in outline: pages of 100, 16 segments with a client and 16 threads each."""
    from concurrent.futures import ThreadPoolExecutor

    import boto3

    lister = boto3.client("ebs", endpoint_url=url)
    blocks, token = [], {}
    while True:
        page = lister.list_snapshot_blocks(SnapshotId=SNAPSHOT, **token)
        blocks += page["Blocks"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    Path(target).write_bytes(b"")

    def segment(number: int) -> None:
        client = boto3.session.Session().client("ebs", endpoint_url=url)

        def one(block: dict[str, object]) -> None:
            with Path(target).open("r+b") as file:
                fetch_boto3(client, block, file.fileno())

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(one, blocks[number::16]))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(segment, range(16)))


WAYS = {"baseops export": ours, "boto3, 16 threads": by_boto3, "segments of clients": by_segments}


def child(way: str, url: str, target: str) -> None:
    begun = time.perf_counter()
    WAYS[way](url, target)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps([used.ru_utime + used.ru_stime, time.perf_counter() - begun, used.ru_maxrss / 1024]))


def main() -> None:
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 2048
    server = Server(mib * 2)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    gigabytes = mib * 2 * BLOCK / 1e9
    found: dict[str, list[list[float]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(3):
            for name in WAYS:
                target = f"{folder}/{turn}-{len(found[name])}-{name[:3]}.img"
                command = [sys.executable, __file__, "--child", name, url, target]
                done = subprocess.run(
                    command, check=True, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT}
                )
                found[name].append(json.loads(done.stdout))
                Path(target).unlink()
    best = {name: min(each) for name, each in found.items()}
    for name, (cpu, wall, memory) in best.items():
        ratio = cpu / best["baseops export"][0]
        print(
            f"{name:22} {cpu / gigabytes:5.2f} CPU s/GB  {gigabytes * 1000 / wall:6.0f} MB/s"
            f"  {memory:5.0f} MB resident  {ratio:4.1f} x ours"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
