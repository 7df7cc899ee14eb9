"""Events that CloudWatch Logs hands on have to be taken too: a receiver that is gone refutes, whoever carries them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from baseops.declaration import load
from baseops.sandbox.account import open_account
from baseops.workflow.apply import apply
from baseops.workflow.compile import compile_declaration, sections
from baseops.workflow.load import SPECS, load_lock
from baseops.workflow.rehearse import START
from baseops.workflow.rehearsed_proof import let_time_pass, proven
from baseops.workflow.sabotage import sabotages
from baseops.workflow.world import build_world

SHIPPED = """
logs:
  web:
    group: {name: /acme/web}
    ship:
      - http: {url: https://collector.example/in, name: Sumo}
      - opensearch: {domain: logs-domain, endpoint: search-logs-abc.eu-west-1.es.amazonaws.com}
  api:
    group: {name: /acme/api}
    ship:
      - opensearch_ingestion:
          pipeline: arn:aws:osis:eu-west-1:111111111111:pipeline/logs
          endpoint: logs-abc.eu-west-1.osis.amazonaws.com
      - s3: {prefix: api/}
"""
GONE = {
    "logs/http-gone": ("logs.web/http", "were not taken by the endpoint, and lie in its bucket"),
    "logs/opensearch-gone": ("logs.web/opensearch", "batches of the last day were not taken, and are dead letters"),
    "logs/opensearch-ingestion-gone": (
        "logs.api/opensearch-ingestion",
        "batches of the last day were not taken, and are dead letters",
    ),
    "logs/bucket-closed": ("logs.api/s3", "the oldest event in baseops-acme-logs-api-s3 has waited for"),
}


@pytest.fixture(scope="module")
def applied():
    top = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\n'
    declaration = load(top + SHIPPED, SPECS)
    with open_account("111111111111", "eu-west-1", start=START) as account:
        list(build_world(declaration, account))
        lock = load_lock(declaration)
        for area, section in sections(declaration):
            lock = area.account.complete_lock(section, lock, account)
        compiled = compile_declaration(declaration, lock)
        apply(compiled, account, account.clock)
        let_time_pass(declaration, account)
        yield declaration, compiled.lock, account


@pytest.fixture
def shipping_says(applied):
    """What the drill says in a copy, after a break and some time."""
    declaration, lock, account = applied

    def after(break_=lambda _: None, passes=timedelta(0)):
        def in_a_copy():
            break_(account)
            account.clock.sleep(passes.total_seconds())
            with proven(declaration, lock, account, names=["logs/shipping"]) as run:
                return {each["target"]: dict(each.values) for each in run.records}

        return account.fork(in_a_copy)

    return after


def test_what_is_taken_is_proven(shipping_says):
    found = shipping_says()

    assert {target: each["verdict"] for target, each in found.items()} == {
        target: "proven" for target, _ in GONE.values()
    }
    assert found["logs.web/opensearch"]["measures"]["failed_calls"] == 0
    assert found["logs.web/opensearch"]["measures"]["dead_letters"] == 0
    assert found["logs.web/opensearch"]["measures"]["calls"] > 0


def test_the_generated_policies_suffice(applied, permitted):
    declaration, lock, account = applied

    def in_a_copy():
        who = permitted(declaration, account)
        with proven(declaration, lock, account, names=["logs/shipping"], **who) as run:
            return {each["target"]: each["verdict"] for each in run.records}

    assert account.fork(in_a_copy) == {target: "proven" for target, _ in GONE.values()}


@pytest.mark.parametrize("name", GONE)
def test_a_receiver_that_is_gone_is_noticed(applied, shipping_says, name):
    broken = {each.name: each for each in sabotages(applied[0])}[name]
    target, reason = GONE[name]
    found = shipping_says(broken.break_, broken.passes)

    assert [each for each, record in found.items() if record["verdict"] == "refuted"] == [target]
    assert reason in found[target]["reason"]


def test_a_function_whose_role_lost_its_policy_is_refuted(applied, shipping_says):
    broken = {each.name: each for each in sabotages(applied[0])}["logs/function-without-permission"]
    found = shipping_says(broken.break_)

    assert found["logs.web/opensearch"]["reason"] == "the role of the function that ships may not call es:ESHttpPost"
    assert found["logs.api/opensearch-ingestion"]["verdict"] == "proven"


def test_a_function_without_dead_letters_is_refuted(shipping_says):
    def forget(account):
        functions = account.client("lambda").list_functions()["Functions"]
        (name,) = [each["FunctionName"] for each in functions if "WebOpensearchShipper" in each["FunctionName"]]
        account.client("lambda").update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": ""})

    found = shipping_says(forget)
    assert found["logs.web/opensearch"]["reason"] == (
        "the function that ships keeps no dead letters: what is not taken is lost without a word"
    )
