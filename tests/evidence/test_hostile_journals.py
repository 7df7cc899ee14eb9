"""Who can write a journal commands nothing: a sweep removes what drills are known to make, and what is theirs."""

import json
from dataclasses import replace

import pytest

from baseops.contract.drill import Call
from baseops.evidence import resources
from baseops.evidence.calls import as_json
from baseops.evidence.records import canonical
from baseops.evidence.sweep import Sweeper

PLACE = "account=111111111111/region=eu-west-1"


@pytest.fixture
def sweeper(bench, account, tmp_path):
    return Sweeper(account, account.clock, "111111111111", bench.setup.site, bench.store, tmp_path / "another-machine")


def entry(resource, number=1, **changes):
    """An intent as the journal keeps it, which anybody might have written."""
    run = "20260108T080000Z-abcdef"
    values = {
        "schema": "baseops/journal/1",
        "run": run,
        "number": number,
        "event": "intent",
        "at": "2026-01-08T09:00:00.000Z",
        "creator": "ci",
        "declaration": "acme",
        "drill": "backups/toy",
        "class": "exercise",
        "mark": f"{run}/{number}",
        "resource": as_json(resource),
        **changes,
    }
    return f"journal/{PLACE}/date=2026-01-08/{run}/{number:04d}-intent.json", canonical(values)


def hostile():
    """Resources that a journal may name, each with a call that removes what is no drill's."""
    topic = resources.topic("eu-west-1", "baseops-acme-drill-a", "111111111111")
    stream = resources.log_stream("eu-west-1", "/acme/web", "baseops-acme-drill-a")
    live = "arn:aws:sns:eu-west-1:111111111111:live"
    yield replace(topic, tags=None, remove=(Call("delete_topic", {"TopicArn": live}),))
    yield replace(topic, service="s3", tags=None, remove=(Call("delete_bucket", {"Bucket": "production"}),))
    yield replace(topic, kind="AWS::IAM::Role", service="iam", remove=(Call("delete_role", {"RoleName": "admin"}),))
    yield replace(topic, name="live", tags=None)
    yield resources.topic("eu-west-1", "live", "111111111111")
    yield replace(stream, remove=(Call("delete_log_group", {"logGroupName": "/acme/web"}),))
    yield resources.log_stream("eu-west-1", "/acme/web", "production")
    yield resources.subscription("eu-west-1", live, "arn:aws:sqs:eu-west-1:111111111111:orders")


@pytest.mark.parametrize("resource", list(hostile()), ids=[str(number) for number in range(8)])
def test_a_journal_of_anybodys_removes_nothing(bench, sweeper, account, resource):
    calls = []
    account.record(lambda call, _: calls.append(call.operation))
    bench.store.put_new(*entry(resource))

    (found,) = sweeper.sweep()

    assert (found.outcome, "as no drill of this declaration" in found.reason) == ("left", True)
    assert [each for each in calls if not each.startswith(("Get", "List", "Describe"))] == []


def test_what_a_journal_says_was_created_is_looked_at_under_its_own_name(bench, sweeper, account):
    account.client("sqs").create_queue(
        QueueName="orders",
        tags={
            "baseops:drill": "20260108T080000Z-abcdef/1",
            "baseops:drill-creator": "ci",
            "baseops:declaration": "acme",
        },
    )
    key, text = entry(resources.queue("eu-west-1", "baseops-acme-drill-a", "111111111111"))
    bench.store.put_new(key, text)
    created = {**json.loads(text), "event": "created", "identifier": "orders"}
    bench.store.put_new(key.replace("intent", "created"), canonical(created))

    (found,) = [each for each in sweeper.sweep() if each.kind == "AWS::SQS::Queue"]

    assert (found.outcome, found.reason) == ("left", "its name is none that drills of this declaration give")
    assert len(account.client("sqs").list_queues()["QueueUrls"]) == 1


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"[" * 100_000, b'{"schema":"baseops/journal/1"}', b'{"schema":"baseops/journal/1","run":1}'],
)
def test_an_entry_that_is_none_stops_no_sweep(bench, sweeper, account, text):
    key, _ = entry(resources.volume("eu-west-1"))
    bench.store.put_new(key, text)
    sweeper.state.joinpath("journal").mkdir(parents=True)
    sweeper.state.joinpath("journal/cut-off.jsonl").write_bytes(b'{"schema":"baseops/journal/1","resource":{"tags":{}')

    found = sweeper.sweep()

    assert {(each.kind, each.outcome) for each in found} == {("journal", "left")}
    assert key in {each.identifier for each in found}
    assert all(each.reason.startswith("it is no entry of a journal") for each in found)
