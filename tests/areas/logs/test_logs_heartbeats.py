"""Whether a stream has events is asked page by page: an empty one is not the end."""

from __future__ import annotations

from datetime import UTC, datetime

import boto3
import pytest
from botocore.stub import Stubber

from baseops.areas.logs.heartbeats import has_event

SINCE = datetime(2026, 1, 11, 2, tzinfo=UTC)
ASKED = {
    "logGroupName": "/acme/web",
    "logStreamName": "i-0a1",
    "startTime": 1768096800000,
    "limit": 1,
    "startFromHead": False,
}
EVENT = {"timestamp": 1768096860000, "message": "a line", "ingestionTime": 1768096861000}


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        ([(None, [EVENT], "b/1")], True),
        ([(None, [], "b/1"), ("b/1", [EVENT], "b/2")], True),
        ([(None, [], "b/1"), ("b/1", [], "b/2"), ("b/2", [], "b/2")], False),
    ],
)
def test_an_empty_page_is_not_yet_silence(pages, expected):
    client = boto3.Session("a", "b", region_name="eu-west-1").client("logs")
    with Stubber(client) as stub:
        for token, events, following in pages:
            asked = {**ASKED, **({"nextToken": token} if token else {})}
            stub.add_response("get_log_events", {"events": events, "nextBackwardToken": following}, asked)

        assert has_event(client, "/acme/web", ["i-0a1"], SINCE) is expected
        stub.assert_no_pending_responses()
