"""What goes on in a rehearsal without anybody's doing: subscribers confirm, servers log, agents ship their lines.

An instance ships while it runs and has a profile; without one its agent may write nothing. It reads what is declared
of files and streams, and nothing of what is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section

# Any: botocore's clients and answers.

_EVERY = timedelta(minutes=5)
_REST_FROM, _BEFORE_ANYBODY_LOOKS = timedelta(hours=6), timedelta(hours=1)
_REQUESTS = (
    ("GET / HTTP/1.1", 200, 0.021, 5120),
    ("GET /style.css HTTP/1.1", 304, 0.002, 0),
    ("POST /orders HTTP/1.1", 201, 0.184, 312),
    ("GET /orders/4711 HTTP/1.1", 404, 0.009, 153),
    ("GET /reports HTTP/1.1", 200, 1.352, 88210),
)


def confirm(account: SandboxAccount, text: str) -> None:
    """Follow the link of a mail that asks for a confirmation."""
    links = [word for word in text.split() if word.startswith("https://sns.")]
    for link in links:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
        sns = account.client("sns", urlsplit(link).netloc.split(".")[1])
        sns.confirm_subscription(TopicArn=asked["TopicArn"], Token=asked["Token"])


def begin(section: Section, account: SandboxAccount, site: Site) -> None:
    """Ship at once, and from then on every few minutes, for as long as time passes.

    While nobody looks at the account for many hours the servers rest until an hour before somebody does: what nobody
    will read need not be written. Alarms on silence ring meanwhile, as they should, and have stopped by then.
    """
    for entry in section.entries.values():
        if entry.group.log_class == "STANDARD":
            for group, stream in _streams(entry, account, site):
                _write(account.client("logs", site.region), group, stream, account.clock.now())
    again = partial(begin, section, account, site)
    account.later(again, when=_following(section, account), name="visitors of the servers")


def _following(section: Section, account: SandboxAccount) -> datetime:
    """When the servers have visitors next."""
    now, unseen_until = account.clock.now(), account.unseen_until
    if unseen_until - now > _REST_FROM:
        return unseen_until - _BEFORE_ANYBODY_LOOKS
    silences = [entry.heartbeat.silent_for for entry in section.entries.values() if entry.heartbeat]
    return now + min([_EVERY, *(max(each / 3, timedelta(minutes=1)) for each in silences)])


def _streams(entry: Entry, account: SandboxAccount, site: Site) -> Iterator[tuple[str, str]]:
    """The group and stream of each file of each instance; a source without agent has one of its own."""
    if entry.agent is None:
        yield entry.group.name, "application"
        return
    places = [(each.group, each.stream) for each in entry.agent.files]
    places += [(entry.agent.journal.group, entry.agent.journal.stream)] if entry.agent.journal else []
    for instance in _instances(account.client("ec2", site.region), entry.agent.target):
        for group, stream in places:
            yield group or entry.group.name, _named(stream, instance)


def _instances(ec2: Any, tags: Mapping[str, str]) -> list[Mapping[str, Any]]:
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["running"]})
    found = [each for group in ec2.describe_instances(Filters=filters)["Reservations"] for each in group["Instances"]]
    return [each for each in found if each.get("IamInstanceProfile")]


def _named(stream: str, instance: Mapping[str, Any]) -> str:
    host = str(instance.get("PrivateDnsName") or instance["InstanceId"])
    known = {"{instance_id}": instance["InstanceId"], "{hostname}": host, "{local_hostname}": host}
    for place, value in known.items():
        stream = stream.replace(place, value)
    return stream


def _write(logs: Any, group: str, stream: str, now: datetime) -> None:
    when = int(now.timestamp() * 1000)
    events = [
        {"timestamp": when - 1000 * number, "message": _line(now - timedelta(seconds=number), each)}
        for number, each in enumerate(_REQUESTS)
    ][::-1]
    wanted = {"logGroupName": group, "logStreamName": stream, "logEvents": events}
    try:
        logs.put_log_events(**wanted)
    except logs.exceptions.ResourceNotFoundException:
        try:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        except logs.exceptions.ResourceNotFoundException:
            return  # the group is gone
        logs.put_log_events(**wanted)


def _line(when: datetime, request: tuple[str, int, float, int]) -> str:
    line, status, duration, size = request
    found = {"time": when.isoformat(), "request": line, "status": status, "duration": duration, "bytes": size}
    return json.dumps(found)
