"""Runs in an account that nobody breaks refute nothing, whatever the samples, and on one day as on the next."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from baseops.contract.types import DrillClass
from baseops.evidence.admission import next_opening
from baseops.evidence.verify import Verifier
from baseops.workflow.prove import Means, Order, evidence_store, prove, trusted_keys
from baseops.workflow.rehearsed_proof import allowing_all

RUNS = 10
DAILY = "02:00-05:00 UTC"


@pytest.mark.slow
def test_ten_clean_runs_a_day_apart_say_the_same(applied_acme, tmp_path):
    """On one account, into one place of evidence: no run changes what the next one finds."""
    declaration, lock, account = applied_acme
    open_daily = replace(declaration.site, drills=replace(declaration.site.drills, window=DAILY))
    declared = allowing_all(replace(declaration, site=open_daily))
    order = Order(
        classes=get_args(DrillClass),
        every=timedelta(days=1),
        evidence=str(tmp_path / "evidence"),
        state=tmp_path / "state",
    )

    def said(seed):
        means = Means(resolver=account.resolver, random=random.Random(seed))
        run = prove(declared, lock, account, account.clock, order, means=means)
        verdicts = {(each["drill"], each["target"]): each["verdict"] for each in run.records}
        refuted = [each["reason"] for each in run.records if each["verdict"] == "refuted"]
        return account.clock.now(), verdicts, refuted, run.head.leftovers

    def a_day_later(seed):
        if seed:
            morning = next_opening(DAILY, account.clock.now() + timedelta(hours=4))
            account.clock.sleep((morning - account.clock.now()).total_seconds())
        return said(seed)

    def run_daily():
        runs = [a_day_later(seed) for seed in range(RUNS)]
        store = evidence_store(declared, account, order)
        keys = trusted_keys(declared, account, order)
        now, site = account.clock.now(), declared.site
        return runs, Verifier(store, keys, account.account_id, site.region, now).verify()

    runs, verification = account.fork(run_daily)
    ended, verdicts, refuted, leftovers = zip(*runs, strict=True)

    assert [each - ended[0] > timedelta(days=number - 1) for number, each in enumerate(ended)] == [True] * RUNS
    assert refuted == ([],) * RUNS
    assert leftovers == ((),) * RUNS
    assert verdicts == (verdicts[0],) * RUNS
    assert (verification.runs, verification.problems) == (RUNS, ())
