"""A small EC2 query server on 127.0.0.1: volumes and one snapshot of each, with pages and filters; counts its calls.

Every fifth volume's snapshot is three days old, the others' a few hours. It prepares its answers' items once, so that
what is measured is who asks.
"""

from __future__ import annotations

import socketserver
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from urllib.parse import parse_qs

ACCOUNT = "123456789012"
STALE_EVERY = 5


def volume_id(number: int) -> str:
    return f"vol-{number:017x}"


class Fleet(socketserver.ThreadingTCPServer):
    """So many volumes; `calls` counts by action."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, volumes: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        now = datetime.now(UTC)
        self.calls: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.volumes = [_volume(number, now - timedelta(days=40)) for number in range(volumes)]
        starts = [
            now - (timedelta(hours=72) if number % STALE_EVERY == 0 else timedelta(hours=5))
            for number in range(volumes)
        ]
        self.starts = [f"{start:%Y-%m-%dT%H:%M:%S}.000Z" for start in starts]
        self.snapshots = [_snapshot(number, start) for number, start in enumerate(self.starts)]
        self.numbers = {volume_id(number): number for number in range(volumes)}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, query: dict[str, list[str]]) -> str:
        action = query["Action"][0]
        with self.lock:
            self.calls[action] += 1
        filters = {query[key][0]: _values(query, key[:-5]) for key in query if key.endswith(".Name")}
        if action == "DescribeVolumes":
            return _page(action, "volumeSet", self.volumes, query, 500)
        if action == "DescribeSnapshots":
            return _page(action, "snapshotSet", self._selected(filters), query, 1000)
        if action == "GetCallerIdentity":
            return _identity()
        return _page(action, "set", [], query, 1000)

    def _selected(self, filters: dict[str, list[str]]) -> list[str]:
        numbers = range(len(self.snapshots))
        if "volume-id" in filters:
            return [self.snapshots[self.numbers[each]] for each in filters["volume-id"] if each in self.numbers]
        if "start-time" in filters:
            days = {
                start[:10]: any(fnmatchcase(start[:10], one) for one in filters["start-time"]) for start in self.starts
            }
            return [self.snapshots[number] for number in numbers if days[self.starts[number][:10]]]
        return self.snapshots


@contextmanager
def fleet(volumes: int) -> Iterator[Fleet]:
    """The server while it runs."""
    with Fleet(volumes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class _Handler(socketserver.StreamRequestHandler):
    server: Fleet

    def handle(self) -> None:
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()) not in (b"\r\n", b""):
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            query = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
            body = self.server.answer(query).encode()
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )


def _values(query: dict[str, list[str]], prefix: str) -> list[str]:
    return [each[0] for key, each in query.items() if key.startswith(f"{prefix}.Value")]


def _page(action: str, member: str, items: list[str], query: dict[str, list[str]], most: int) -> str:
    start = int(query.get("NextToken", ["0"])[0] or 0)
    size = min(int(query.get("MaxResults", [str(most)])[0]), most)
    following = f"<nextToken>{start + size}</nextToken>" if start + size < len(items) else ""
    inner = "".join(items[start : start + size])
    space = 'xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"'
    return (
        f"<{action}Response {space}><requestId>r</requestId><{member}>{inner}</{member}>{following}</{action}Response>"
    )


def _volume(number: int, made: datetime) -> str:
    name, created = volume_id(number), f"{made:%Y-%m-%dT%H:%M:%S}.000Z"
    attachment = (
        f"<item><volumeId>{name}</volumeId><instanceId>i-{number:017x}</instanceId><device>/dev/xvda</device>"
        f"<status>attached</status><attachTime>{created}</attachTime></item>"
    )
    tags = f"<item><key>Backup</key><value>daily</value></item><item><key>Name</key><value>srv{number}</value></item>"
    return (
        f"<item><volumeId>{name}</volumeId><size>8</size><snapshotId/><availabilityZone>us-east-1a</availabilityZone>"
        f"<status>in-use</status><createTime>{created}</createTime><attachmentSet>{attachment}</attachmentSet>"
        f"<volumeType>gp3</volumeType><iops>3000</iops><encrypted>true</encrypted><throughput>125</throughput>"
        f"<tagSet>{tags}</tagSet></item>"
    )


def _snapshot(number: int, start: str) -> str:
    return (
        f"<item><snapshotId>snap-{number:017x}</snapshotId><volumeId>{volume_id(number)}</volumeId>"
        f"<status>completed</status><startTime>{start}</startTime><progress>100%</progress><ownerId>{ACCOUNT}</ownerId>"
        f"<volumeSize>8</volumeSize><description>Created for policy: policy-0123</description>"
        f"<encrypted>true</encrypted>"
        f"<tagSet><item><key>Backup</key><value>daily</value></item></tagSet></item>"
    )


def _identity() -> str:
    inner = f"<Arn>arn:aws:iam::{ACCOUNT}:user/bench</Arn><UserId>AIDA</UserId><Account>{ACCOUNT}</Account>"
    space = 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"'
    name = "GetCallerIdentity"
    return f"<{name}Response {space}><{name}Result>{inner}</{name}Result></{name}Response>"
