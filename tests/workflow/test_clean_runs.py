"""Runs in an account that nobody breaks refute nothing, whatever the samples, while time goes by between them."""

from datetime import timedelta

import pytest

from baseops.workflow.rehearsed_proof import proven, wait_for_the_window

RUNS = 10


@pytest.mark.slow
def test_ten_clean_runs_refute_nothing(applied_acme):
    declaration, lock, account = applied_acme

    def runs():
        found = []
        for seed in range(RUNS):
            with proven(declaration, lock, account, seed=seed) as run:
                found += [
                    (seed, each["drill"], each["target"], each["reason"])
                    for each in run.records
                    if each["verdict"] == "refuted"
                ]
                found += [(seed, "left behind", each, "") for each in run.head.leftovers]
            account.clock.sleep(timedelta(days=1, hours=seed).total_seconds())
            wait_for_the_window(declaration, lock, account)
        return found

    assert account.fork(runs) == []
