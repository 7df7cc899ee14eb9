"""A run killed at any moment leaves nothing that a sweep does not remove, and no look-alike is touched."""

import random
from datetime import timedelta

import pytest

from baseops.contract.drill import proven
from baseops.evidence import resources
from baseops.evidence.lock import LEASE
from baseops.evidence.sweep import Sweeper


class _Mortal:
    """Counts calls of a client or a store and dies at one of them: before it takes effect, or after."""

    def __init__(self, inner, life):
        self._inner = inner
        self._life = life

    def __getattr__(self, name):
        found = getattr(self._inner, name)
        if name == "client":
            return lambda *place: _Mortal(found(*place), self._life)
        if not callable(found) or name in ("can_paginate", "get_paginator"):
            return found

        def call(*positional, **named):
            self._life["left"] -= 1
            if self._life["left"] < 0 or (self._life["left"] == 0 and self._life["early"]):
                self._life["left"] = 0
                raise self._life["killed"]
            answer = found(*positional, **named)
            if self._life["left"] == 0:
                raise self._life["killed"]
            return answer

        return call


def build_and_remove(ctx):
    ec2, logs = ctx.clients.client("ec2"), ctx.clients.client("logs")
    for number in range(2):
        ctx.journal.create(
            resources.volume("eu-west-1"),
            lambda mark: ec2.create_volume(
                AvailabilityZone="eu-west-1a",
                Size=1,
                TagSpecifications=[{"ResourceType": "volume", "Tags": mark.tag_list}],
            )["VolumeId"],
        )
        name = ctx.journal.path(f"probe-{number}")

        def make(mark, name=name):
            logs.create_log_group(logGroupName=name, tags=mark.tags)
            return name

        ctx.journal.create(resources.log_group("eu-west-1", name), make)
    yield proven("backups.daily")


@pytest.mark.parametrize("moment", range(20))
def test_nothing_is_left_after_a_kill_and_a_sweep(bench, drill, account, killed, tmp_path, moment):
    chance = random.Random(moment)
    life = {"left": chance.randrange(1, 26), "early": chance.random() < 0.5, "killed": killed}
    ec2, logs = account.client("ec2"), account.client("logs")
    production = [
        {"Key": "baseops:drill", "Value": "20250101T000000Z-abcdef/1"},
        {"Key": "Name", "Value": "production"},
    ]
    tags = [{"ResourceType": "volume", "Tags": production}]
    kept = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=tags)["VolumeId"]
    logs.create_log_group(logGroupName="/baseops/acme/drill/not-a-drills")

    try:
        bench.run(
            drill(build_and_remove, drill_class="exercise"),
            clients_of=lambda _: _Mortal(account, life),
            store=_Mortal(bench.store, life),
        )
    except killed:
        account.clock.advance(by=LEASE)
    sweeper = Sweeper(account, account.clock, "111111111111", bench.setup.site, bench.store, tmp_path / "elsewhere")
    sweeper.sweep()
    account.clock.advance(by=timedelta(minutes=11))
    sweeper.sweep()

    assert [each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]] == [kept]
    groups = [each["logGroupName"] for each in logs.describe_log_groups()["logGroups"]]
    assert groups == ["/baseops/acme/drill/not-a-drills"]
