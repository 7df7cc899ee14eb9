"""Runs in an account that nobody breaks refute nothing, whatever the samples."""

from datetime import timedelta

import pytest

from baseops.workflow.rehearsed_proof import proven

RUNS = 10


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(RUNS))
def test_a_clean_run_refutes_nothing(applied_acme, seed):
    """Minutes apart: the world's machines log no further, and a heartbeat would rightly be missed."""
    declaration, lock, account = applied_acme

    def run_once():
        account.clock.sleep(timedelta(minutes=seed).total_seconds())
        with proven(declaration, lock, account, seed=seed) as run:
            refuted = [each for each in run.records if each["verdict"] == "refuted"]
            return [(each["drill"], each["target"], each["reason"]) for each in refuted], run.head.leftovers

    assert account.fork(run_once) == ([], ())
