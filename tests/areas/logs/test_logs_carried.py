"""Which day is looked at when events are counted: one that is over, whole periods of it, without the newest events."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from baseops.areas.logs.carried import Measures
from baseops.sandbox.account import open_account
from baseops.sandbox.services.cloudwatch.series import record


@pytest.mark.parametrize(("minutes", "counted"), [(5, 0), (14, 0), (21, 1), (60, 1), (24 * 60, 1), (24 * 60 + 30, 0)])
def test_what_came_only_now_may_still_be_on_its_way(minutes, counted):
    with open_account() as account:
        record("111111111111", "eu-west-1", "AWS/Logs", "IncomingLogEvents", 1.0, dimensions={"LogGroupName": "/web"})
        account.clock.sleep(60 * minutes)
        here = SimpleNamespace(region="eu-west-1")
        measures = Measures(SimpleNamespace(clients=account, clock=account.clock, site=here))

        assert measures.total("AWS/Logs IncomingLogEvents", {"LogGroupName": "/web"}) == counted
