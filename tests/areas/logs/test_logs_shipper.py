"""The shipping function against a receiver on this machine: what arrives, what is repeated, what is buried."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest
from botocore.credentials import Credentials

from baseops.areas.logs.functions import shipper

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "lambda-events-powertools"


def subscription(*messages, kind="DATA_MESSAGE"):
    batch = {
        "messageType": kind,
        "owner": "111111111111",
        "logGroup": "/acme/web",
        "logStream": "i-1",
        "subscriptionFilters": ["opensearch"],
        # 2025-01-06 and, for the last, the day after.
        "logEvents": [
            {"id": f"id-{number}", "timestamp": 1736207999000 + number * 1000, "message": message}
            for number, message in enumerate(messages)
        ],
    }
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()}}


class Receiver(SimpleNamespace):
    """A receiver that answers as it was told, and then that all is well."""

    def told(self, *answers):
        self.answers = list(answers)

    @property
    def documents(self):
        """Of the bulk requests, by id."""
        lines = [json.loads(line) for _, body, _ in self.requests for line in body.decode().splitlines()]
        return {
            action["index"]["_id"]: (action["index"]["_index"], body)
            for action, body in zip(lines[::2], lines[1::2], strict=True)
        }


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver(answers=[], requests=[])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.requests.append((self.path, body, self.headers))
            status, answer = state.answers.pop(0) if state.answers else (200, {"errors": False, "items": []})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def target(receiver):
    def make(kind="opensearch", **more):
        place = {"opensearch": "logs", "ingestion": "/logs"}[kind]
        return shipper.Receiver(kind=kind, endpoint=receiver.url, target=place, region="eu-west-1", **more)

    return make


@pytest.fixture
def shipped(receiver):
    """Ship a subscription's event; gives what was refused, and how long the function waited."""
    session = SimpleNamespace(get_credentials=lambda: Credentials("AKIDEXAMPLE", "secret"))

    def ship(event, target):
        waited = []
        found = shipper.documents(shipper.decode(event), target)
        refused = [
            each
            for chunk in shipper.chunks(found, target)
            for each in shipper.ship(chunk, target, lambda body: shipper.post(body, session, target), waited.append)
        ]
        return refused, waited

    return ship


def test_an_event_becomes_a_document_of_its_day_under_its_own_id(receiver, target, shipped):
    assert shipped(subscription("one", "two"), target()) == ([], [])
    assert receiver.documents["id-0"] == (
        "logs-2025.01.06",
        {
            "@timestamp": "2025-01-06T23:59:59.000Z",
            "id": "id-0",
            "log_group": "/acme/web",
            "log_stream": "i-1",
            "message": "one",
            "owner": "111111111111",
        },
    )
    assert receiver.documents["id-1"][0] == "logs-2025.01.07"


def test_a_request_is_signed_for_the_service(receiver, target, shipped):
    shipped(subscription("one"), target())
    ((path, _, headers),) = receiver.requests
    assert path == "/_bulk"
    assert "/eu-west-1/es/aws4_request" in headers["Authorization"]
    assert headers["Content-Type"] == "application/x-ndjson"


def test_a_pipeline_gets_an_array(receiver, target, shipped):
    shipped(subscription("one", "two"), target("ingestion"))
    ((path, body, headers),) = receiver.requests
    assert path == "/logs"
    assert [each["message"] for each in json.loads(body)] == ["one", "two"]
    assert "/eu-west-1/osis/aws4_request" in headers["Authorization"]


def test_a_control_message_is_not_shipped(receiver, target, shipped):
    assert shipped(subscription("CWL CONTROL MESSAGE", kind="CONTROL_MESSAGE"), target()) == ([], [])
    assert receiver.requests == []


def test_a_line_of_json_becomes_fields_when_asked_for(receiver, target, shipped):
    shipped(subscription('{"status": 500}', "[1]", "plain"), target(parse_json=True))
    fields = [body.get("fields") for _, body in receiver.documents.values()]
    assert fields == [{"status": 500}, None, None]


def items(*results):
    return {"errors": True, "items": [{"index": result} for result in results]}


def test_only_what_was_not_taken_is_sent_again(receiver, target, shipped):
    receiver.told((200, items({"status": 201}, {"status": 429, "error": {"type": "es_rejected_execution_exception"}})))
    assert shipped(subscription("one", "two"), target()) == ([], [2.0])
    again = receiver.requests[1][1].decode()
    assert '"_id":"id-1"' in again
    assert '"_id":"id-0"' not in again


def test_what_is_refused_for_good_is_given_back_with_its_reason(receiver, target, shipped):
    error = {"type": "mapper_parsing_exception", "reason": "failed to parse field [x] with value secret"}
    receiver.told((200, items({"status": 201}, {"status": 400, "error": error})))
    refused, waited = shipped(subscription("one", "two"), target())
    assert [(document.id, reason) for document, reason in refused] == [("id-1", "mapper_parsing_exception")]
    assert waited == []


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_receiver_that_cannot_now_is_asked_four_times_and_then_lambda_repeats(receiver, target, shipped, status):
    receiver.told(*[(status, {})] * 4)
    with pytest.raises(shipper.ReceiverError, match="1 events were not taken after 4 attempts"):
        shipped(subscription("one"), target())
    assert len(receiver.requests) == 4


def test_a_receiver_that_cannot_be_reached_is_an_error(target, shipped, receiver):
    nobody = shipper.Receiver(kind="opensearch", endpoint="http://127.0.0.1:9", target="logs", region="eu-west-1")
    with pytest.raises(shipper.ReceiverError):
        shipped(subscription("one"), nobody)


def test_a_pipeline_that_refuses_a_chunk_refuses_all_of_it(receiver, target, shipped):
    receiver.told((400, {}))
    refused, _ = shipped(subscription("one", "two"), target("ingestion"))
    assert [reason for _, reason in refused] == ["the receiver answered 400"] * 2


def test_a_large_batch_goes_in_several_requests(receiver, target, shipped):
    shipped(subscription(*["x" * 1_500_000] * 3), target())
    assert [len(body) < shipper.CHUNK_BYTES for _, body, _ in receiver.requests] == [True, True]


class Queue:
    def __init__(self):
        self.letters = []

    def send_message(self, QueueUrl, MessageBody):  # noqa: N803  # botocore's words
        self.letters.append((QueueUrl, json.loads(MessageBody)))


def test_refused_events_are_buried_several_in_a_letter(target):
    found = shipper.documents(shipper.decode(subscription("one", "two", "x" * 200_000)), target())
    queue = Queue()
    shipper.bury([(document, "mapper_parsing_exception") for document in found], queue, "url")
    assert [[each["document"]["id"] for each in letter] for _, letter in queue.letters] == [["id-0", "id-1"], ["id-2"]]
    assert queue.letters[0][1][0]["reason"] == "mapper_parsing_exception"


@pytest.mark.parametrize("name", ["cloudWatchLogEvent.json", "cloudWatchLogEventWithPolicyLevel.json"])
def test_real_events_of_subscriptions_are_understood(receiver, target, shipped, name):
    if not SAMPLES.exists():
        pytest.skip("the sample events are not on this machine")
    event = json.loads((SAMPLES / name).read_text())
    batch = shipper.decode(event)
    shipped(event, target())
    assert sorted(receiver.documents) == sorted(each["id"] for each in batch["logEvents"])
