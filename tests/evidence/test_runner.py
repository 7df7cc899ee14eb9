"""The runner: verdicts of drills that go right and wrong, limits, and clean-up whatever happens."""

from datetime import timedelta

import jsonschema
import pytest

from baseops.contract.drill import proven, refuted
from baseops.errors import AccessError, InconclusiveError, Interrupted
from baseops.evidence import records, resources


def verdicts(run):
    return {each["target"]: (each["verdict"], each["reason"]) for each in run.records}


def make_volume(ctx, made=None):
    ec2 = ctx.clients.client("ec2")
    identifier = ctx.journal.create(
        resources.volume("eu-west-1"),
        lambda mark: ec2.create_volume(
            AvailabilityZone="eu-west-1a",
            Size=1,
            TagSpecifications=[{"ResourceType": "volume", "Tags": mark.tag_list}],
        )["VolumeId"],
    )
    if made is not None:
        made.append(identifier)
    return identifier


def volumes(account):
    return [each["VolumeId"] for each in account.client("ec2").describe_volumes()["Volumes"]]


def test_each_target_has_a_record_that_follows_the_published_schema(bench, drill):
    def run(ctx):
        ctx.steps.add("look")
        yield proven("backups.daily", measures={"age_seconds": 60})
        yield refuted("backups.daily/vol-1", "it has no snapshot")

    done = bench.run(drill(run))

    assert verdicts(done) == {
        "backups.daily": ("proven", ""),
        "backups.daily/vol-1": ("refuted", "it has no snapshot"),
    }
    assert done.head.counts == {"proven": 1, "refuted": 1, "inconclusive": 0}
    assert done.records[0]["measures"] == {"age_seconds": 60.0, "seconds": 0.0}
    assert done.records[0]["steps"] == [{"at": "2026-01-08T09:00:00.000Z", "text": "look"}]
    for each in done.records:
        jsonschema.validate(dict(each.values), records.schema())


def test_a_target_of_which_nothing_is_said_is_inconclusive(bench, drill):
    done = bench.run(drill(lambda ctx: [proven("backups.a")], targets=("backups.a", "backups.b")))

    assert verdicts(done)["backups.b"] == ("inconclusive", "the drill said nothing of it")


def test_a_missing_permission_is_inconclusive_and_named(bench, drill):
    def run(ctx):
        raise AccessError(
            "cannot list volumes", "not allowed (AccessDenied)", "Allow ec2:DescribeVolumes to the caller."
        )

    assert verdicts(bench.run(drill(run))) == {
        "backups.daily": (
            "inconclusive",
            "a permission is missing: not allowed (AccessDenied). Allow ec2:DescribeVolumes to the caller.",
        )
    }


def test_a_permission_that_aws_refuses_is_named_too(bench, drill, account):
    from baseops.sandbox.faults import Fault

    account.faults.add(Fault("ec2", "DescribeVolumes", "UnauthorizedOperation", "You are not authorized."))

    done = bench.run(drill(lambda ctx: [ctx.clients.client("ec2").describe_volumes()]))

    verdict, reason = verdicts(done)["backups.daily"]
    assert verdict == "inconclusive"
    assert "Allow DescribeVolumes to the caller" in reason


def test_an_unexpected_error_is_inconclusive_even_after_a_proof(bench, drill):
    def run(ctx):
        yield proven("backups.daily")
        raise KeyError("Snapshots")

    assert verdicts(bench.run(drill(run))) == {
        "backups.daily": ("proven", ""),
        "backups/toy": ("inconclusive", "the drill failed: KeyError: 'Snapshots'"),
    }


def test_a_drill_ends_when_its_time_is_over(bench, drill, account):
    def run(ctx):
        ctx.clock.sleep(7200)
        yield proven("backups.daily")

    done = bench.run(drill(run, timeout=timedelta(minutes=10)))

    assert verdicts(done) == {"backups.daily": ("inconclusive", "the drill backups/toy was ended: its time is over")}
    assert account.clock.now().hour == 9


def test_time_that_is_over_ends_a_loop_of_calls_as_well(bench, drill, account):
    def run(ctx):
        ec2 = ctx.clients.client("ec2")
        account.clock.sleep(700)
        while True:
            ec2.describe_volumes()

    done = bench.run(drill(run, timeout=timedelta(minutes=10)))

    assert verdicts(done)["backups.daily"][0] == "inconclusive"


def test_drills_wait_side_by_side(bench, drill, account):
    def run(ctx):
        ctx.clock.sleep(600)
        yield proven("backups.daily")

    begun = account.clock.now()
    bench.run(*(drill(run, name=f"backups/toy-{number}") for number in range(4)))

    assert account.clock.now() - begun == timedelta(minutes=10)


def test_a_drill_that_may_cost_more_than_is_left_does_not_run(bench, drill):
    cheap = drill(lambda ctx: [proven("backups.daily")], cost_usd=0.5)
    dear = drill(lambda ctx: [proven("backups.dear")], name="backups/dear", targets=("backups.dear",), cost_usd=1.0)

    done = bench.run(dear, cheap, max_cost_usd=0.8)

    assert verdicts(done) == {
        "backups.daily": ("proven", ""),
        "backups.dear": ("inconclusive", "it may cost 1.0000 USD, and the run's limit is 0.80 USD"),
    }


def test_spending_more_than_the_limit_ends_a_drill(bench, drill):
    def run(ctx):
        for _ in range(3):
            ctx.budget.spend(cost_usd=1, blocks=10)
        yield proven("backups.daily")

    done = bench.run(drill(run), max_cost_usd=2)

    assert verdicts(done)["backups.daily"][0] == "inconclusive"
    assert "2.0000 of 2.00 USD are spent" in verdicts(done)["backups.daily"][1]


def test_requests_are_counted(bench, drill):
    def run(ctx):
        ctx.clients.client("ec2").describe_volumes()
        list(ctx.clients.client("ec2").get_paginator("describe_snapshots").paginate(OwnerIds=["self"]))
        ctx.budget.spend(blocks=3)
        yield proven("backups.daily")

    assert bench.run(drill(run)).records[0]["measures"] == {"blocks_read": 3, "requests": 2, "seconds": 0}


def test_what_a_drill_made_is_removed_last_first(bench, drill, account):
    deleted = []
    account.record(lambda call, _: deleted.append(call) if call.operation == "DeleteVolume" else None)
    made = []

    def run(ctx):
        make_volume(ctx, made)
        make_volume(ctx, made)
        raise RuntimeError("in the middle")
        yield

    bench.run(drill(run, drill_class="exercise"))

    assert len(made) == 2
    assert [call.parameters["VolumeId"] for call in deleted] == made[::-1]
    assert volumes(account) == []


def test_what_was_made_by_a_call_whose_answer_was_lost_is_removed(bench, drill, account):
    def run(ctx):
        def make(mark):
            tags = [{"ResourceType": "volume", "Tags": mark.tag_list}]
            ctx.clients.client("ec2").create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=tags)
            raise ConnectionError("reset by peer")

        ctx.journal.create(resources.volume("eu-west-1"), make)
        yield proven("backups.daily")

    done = bench.run(drill(run, drill_class="exercise"))

    assert verdicts(done)["backups.daily"][0] == "inconclusive"
    assert volumes(account) == []


def test_what_cannot_be_removed_is_said_and_written_in_the_head(bench, drill, account):
    def run(ctx):
        identifier = make_volume(ctx)
        instance = ctx.clients.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][
            0
        ]
        account.clock.sleep(120)
        ctx.clients.client("ec2").attach_volume(
            Device="/dev/sdf", InstanceId=instance["InstanceId"], VolumeId=identifier
        )
        yield proven("backups.daily")

    done = bench.run(drill(run, drill_class="exercise"))

    assert verdicts(done)["backups.daily"] == ("proven", "")
    verdict, reason = verdicts(done)["backups/toy"]
    assert verdict == "inconclusive"
    assert reason.startswith("not removed: AWS::EC2::Volume vol-")
    assert len(done.head.leftovers) == 1


def test_nothing_is_made_when_it_cannot_be_written_down(bench, drill, account):
    class FullStore(type(bench.store)):
        def put_new(self, key, content):
            if key.startswith("journal/"):
                raise InconclusiveError("the disk is full")
            return super().put_new(key, content)

    done = bench.run(drill(lambda ctx: [make_volume(ctx)], drill_class="exercise"), store=FullStore(bench.store.folder))

    assert verdicts(done)["backups.daily"] == ("inconclusive", "the disk is full")
    assert volumes(account) == []


def test_a_name_that_is_not_a_drills_own_is_refused(bench, drill, account):
    def run(ctx):
        group = resources.log_group("eu-west-1", "/acme/web/nginx")
        ctx.journal.create(group, lambda _: "/acme/web/nginx")
        yield proven("backups.daily")

    verdict, reason = verdicts(bench.run(drill(run)))["backups.daily"]
    assert verdict == "inconclusive"
    assert "does not begin with baseops-acme-drill-" in reason


def test_one_run_at_a_time(bench, drill):
    def run(ctx):
        bench.run(drill(lambda _: [proven("backups.daily")], name="backups/inner"))
        yield proven("backups.daily")

    verdict, reason = verdicts(bench.run(drill(run)))["backups.daily"]

    assert verdict == "inconclusive"
    assert "the lock of the evidence" in reason


def test_an_interrupted_run_cleans_up_and_seals_what_it_has(bench, drill, account):
    def run(ctx):
        make_volume(ctx)
        raise Interrupted("the work was interrupted", "Ctrl-C")
        yield

    with pytest.raises(Interrupted):
        bench.run(drill(run, drill_class="exercise"))

    assert volumes(account) == []
    found = bench.verify()
    assert [(each.kind, each.message) for each in found.problems] == [("incomplete", "the run was interrupted")]
    assert bench.run(drill(lambda ctx: [proven("backups.daily")])).head.previous_run


@pytest.mark.parametrize("drop", ["request", "response"])
def test_a_creation_whose_answer_was_lost_is_a_creation(bench, drill, account, drop):
    from baseops.sandbox.faults import Fault

    account.faults.add(Fault("logs", "CreateLogGroup", drop=drop, times=1))

    def run(ctx):
        name = ctx.journal.path("probe")

        def make(mark):
            ctx.clients.client("logs").create_log_group(logGroupName=name, tags=mark.tags)
            return name

        ctx.journal.create(resources.log_group("eu-west-1", name), make)
        yield proven("backups.daily")

    assert verdicts(bench.run(drill(run, drill_class="exercise"))) == {"backups.daily": ("proven", "")}
    assert account.client("logs").describe_log_groups()["logGroups"] == []


def test_a_name_that_somebody_else_has_is_not_taken_for_a_drills_own(bench, drill, account):
    taken = []

    def run(ctx):
        name = ctx.journal.path("probe")
        account.client("logs").create_log_group(logGroupName=name)
        taken.append(name)

        def make(mark):
            ctx.clients.client("logs").create_log_group(logGroupName=name, tags=mark.tags)
            return name

        ctx.journal.create(resources.log_group("eu-west-1", name), make)
        yield proven("backups.daily")

    verdict, reason = verdicts(bench.run(drill(run, drill_class="exercise")))["backups.daily"]
    assert verdict == "inconclusive"
    assert "AlreadyExists" in reason
    assert [each["logGroupName"] for each in account.client("logs").describe_log_groups()["logGroups"]] == taken


def test_a_creation_that_aws_names_is_found_again_by_its_mark(bench, drill, account):
    from baseops.sandbox.faults import Fault

    account.faults.add(Fault("ec2", "CreateSecurityGroup", drop="response", times=1))
    before = len(account.client("ec2").describe_security_groups()["SecurityGroups"])

    def run(ctx):
        def make(mark):
            tags = [{"ResourceType": "security-group", "Tags": mark.tag_list}]
            return ctx.clients.client("ec2").create_security_group(
                GroupName=ctx.journal.name("probe"), Description="probe", TagSpecifications=tags
            )["GroupId"]

        assert ctx.journal.create(resources.security_group("eu-west-1"), make).startswith("sg-")
        yield proven("backups.daily")

    assert verdicts(bench.run(drill(run, drill_class="exercise"))) == {"backups.daily": ("proven", "")}
    assert len(account.client("ec2").describe_security_groups()["SecurityGroups"]) == before


def test_a_run_that_slept_through_its_lock_cleans_up_and_leaves_the_chain_whole(bench, drill, account):
    def sleep_while_another_runs(ctx):
        yield proven("backups.daily")
        make_volume(ctx)
        account.clock.advance(by=timedelta(minutes=5))  # the lid is closed: nobody renews
        bench.run(drill(lambda _: [refuted("backups.daily", "old")]))
        ctx.journal.create(resources.volume("eu-west-1"), lambda _: pytest.fail("made without a lock"))

    with pytest.raises(InconclusiveError, match="it was taken over"):
        bench.run(drill(sleep_while_another_runs, drill_class="exercise"))

    assert account.client("ec2").describe_volumes()["Volumes"] == []
    found = bench.verify()
    assert (found.runs, found.is_sound) == (1, True), found.problems
    bench.run(drill(lambda _: [proven("backups.daily")]))
    assert bench.verify().is_sound
