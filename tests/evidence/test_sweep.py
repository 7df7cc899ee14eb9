"""What a crashed run leaves is swept from any machine, and nothing else is touched."""

import json
import socket
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from baseops.contract.drill import Call, Mark, proven
from baseops.errors import AccessError, InconclusiveError
from baseops.evidence import resources
from baseops.evidence.sweep import Sweeper


@pytest.fixture
def sweeper(bench, account, tmp_path):
    return Sweeper(account, account.clock, "111111111111", bench.setup.site, bench.store, tmp_path / "another-machine")


@pytest.fixture
def crash(bench, drill, killed):
    """Run a drill that dies where it raises `killed`, which it is given."""

    def run(function):
        bench.crash(drill(partial(function, killed=killed), drill_class="exercise"))

    return run


def tags_of(mark):
    return [{"ResourceType": "volume", "Tags": mark.tag_list}]


def new_volume(ec2, tags):
    return ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=tags)["VolumeId"]


def volume_then_die(ctx, killed):
    ec2 = ctx.clients.client("ec2")
    ctx.journal.create(resources.volume("eu-west-1"), lambda mark: new_volume(ec2, tags_of(mark)))
    raise killed
    yield


def die_before_the_answer(ctx, killed):
    ec2 = ctx.clients.client("ec2")

    def make(mark):
        new_volume(ec2, tags_of(mark))
        raise killed

    ctx.journal.create(resources.volume("eu-west-1"), make)
    yield proven("backups.daily")


def die_before_the_call(ctx, killed):
    def make(_):
        raise killed

    ctx.journal.create(resources.volume("eu-west-1"), make)
    yield proven("backups.daily")


def volumes(account):
    return account.client("ec2").describe_volumes()["Volumes"]


@pytest.mark.parametrize("death", [volume_then_die, die_before_the_answer])
def test_what_was_left_is_removed_from_another_machine(crash, sweeper, account, death):
    crash(death)
    assert len(volumes(account)) == 1

    assert [each.outcome for each in sweeper.sweep()] == ["removed"]
    assert volumes(account) == []
    assert sweeper.sweep() == []


def test_what_never_came_to_be_is_waited_for_and_then_forgotten(crash, sweeper, account):
    crash(die_before_the_call)

    assert [each.outcome for each in sweeper.sweep()] == ["waiting"]
    account.clock.advance(by=timedelta(minutes=11))
    assert [each.outcome for each in sweeper.sweep()] == ["gone"]
    assert sweeper.sweep() == []


def test_a_production_look_alike_with_our_tag_is_reported_and_left(crash, sweeper, account):
    crash(volume_then_die)
    tags = volumes(account)[0]["Tags"]
    copied = new_volume(account.client("ec2"), [{"ResourceType": "volume", "Tags": tags}])

    swept = sweeper.sweep()

    assert [each["VolumeId"] for each in volumes(account)] == [copied]
    assert [(each.outcome, each.kind) for each in swept] == [("removed", "AWS::EC2::Volume")]


def test_two_that_carry_the_mark_of_an_unanswered_call_are_both_left(crash, sweeper, account):
    crash(die_before_the_answer)
    new_volume(account.client("ec2"), [{"ResourceType": "volume", "Tags": volumes(account)[0]["Tags"]}])

    assert [(each.outcome, each.reason) for each in sweeper.sweep()] == [("left", "several carry the same mark")] * 2
    assert len(volumes(account)) == 2


def test_a_resource_whose_tag_was_taken_off_is_left(crash, sweeper, account):
    crash(volume_then_die)
    account.client("ec2").delete_tags(Resources=[volumes(account)[0]["VolumeId"]], Tags=[{"Key": "baseops:drill"}])

    (swept,) = sweeper.sweep()

    assert swept.outcome == "left"
    assert swept.reason.startswith("its tag baseops:drill is not 2026")
    assert len(volumes(account)) == 1


def test_one_that_came_to_be_at_another_time_is_left(crash, sweeper, account):
    crash(die_before_the_call)
    account.clock.advance(by=timedelta(days=2))
    key = next(each for each in sweeper.store.keys("journal/") if each.endswith("intent.json"))
    mark = sweeper.store.read(key).decode().split('"mark":"')[1].split('"')[0]
    new_volume(account.client("ec2"), tags_of(Mark(mark, "ci", "acme")))

    (swept,) = sweeper.sweep()

    assert swept.outcome == "left"
    assert swept.reason == "it was created at 2026-01-10 09:03, the journal says 2026-01-08 09:00"


def test_what_carries_the_tag_and_stands_in_no_journal_is_reported(sweeper, account):
    new_volume(
        account.client("ec2"),
        [{"ResourceType": "volume", "Tags": [{"Key": "baseops:drill", "Value": "20250101T000000Z-abcdef/1"}]}],
    )

    (swept,) = sweeper.sweep()

    assert (swept.outcome, swept.reason) == ("left", "no journal knows 20250101T000000Z-abcdef/1")
    assert len(volumes(account)) == 1


def test_a_dry_run_removes_nothing(crash, sweeper, account):
    crash(volume_then_die)

    assert [(each.outcome, each.reason) for each in replace(sweeper, dry_run=True).sweep()] == [
        ("left", "it would be removed")
    ]
    assert len(volumes(account)) == 1


def test_named_resources_are_swept_by_their_name_and_tags(crash, sweeper, account):
    def run(ctx, killed):
        logs = ctx.clients.client("logs")
        name = ctx.journal.path("probe")

        def make(mark):
            logs.create_log_group(logGroupName=name, tags=mark.tags)
            return name

        ctx.journal.create(resources.log_group("eu-west-1", name), make)
        raise killed
        yield

    crash(run)
    account.client("logs").create_log_group(logGroupName="/baseops/acme/drill/somebody-elses")

    assert [(each.outcome, each.kind) for each in sweeper.sweep()] == [("removed", "AWS::Logs::LogGroup")]
    groups = account.client("logs").describe_log_groups()["logGroups"]
    assert [each["logGroupName"] for each in groups] == ["/baseops/acme/drill/somebody-elses"]


def test_nothing_is_swept_while_a_run_is_going_on(bench, drill, sweeper):
    def run(ctx):
        with pytest.raises(InconclusiveError, match="the lock of the evidence"):
            sweeper.sweep()
        yield proven("backups.daily")

    assert bench.run(drill(run)).head.counts["proven"] == 1


def test_a_dead_runs_lock_ends_by_itself(bench, account, sweeper):
    from baseops.evidence.lock import Lease

    Lease(bench.store, "111111111111", "a run", account.clock).take()
    with pytest.raises(InconclusiveError):
        sweeper.sweep()
    account.clock.advance(by=timedelta(minutes=3))

    assert sweeper.sweep() == []


def test_a_long_drill_keeps_its_lock(bench, drill):
    def run(ctx):
        ctx.clock.sleep(1200)
        with pytest.raises(InconclusiveError):
            bench.run()
        yield proven("backups.daily")

    assert bench.run(drill(run)).head.counts["proven"] == 1


def test_a_suppressed_address_is_swept_and_never_written_down(crash, sweeper, account, bench):
    sesv2 = account.client("sesv2")
    sesv2.put_account_details(MailType="TRANSACTIONAL", WebsiteURL="https://acme.example", ProductionAccessEnabled=True)
    sesv2.put_suppressed_destination(EmailAddress="jo@elsewhere.example", Reason="BOUNCE")

    def run(ctx, killed):
        label = ctx.journal.name("listed")

        def put(_):
            address = f"success+{label}@simulator.amazonses.com"
            ctx.clients.client("sesv2").put_suppressed_destination(EmailAddress=address, Reason="BOUNCE")
            return label

        ctx.journal.create(resources.suppressed_address("eu-west-1", label), put)
        raise killed
        yield

    crash(run)
    assert len(sesv2.list_suppressed_destinations()["SuppressedDestinationSummaries"]) == 2
    assert all(b"@" not in bench.store.read(key) for key in bench.store.keys(""))

    assert [(each.kind, each.outcome) for each in sweeper.sweep()] == [("AWS::SES::SuppressedDestination", "removed")]
    left = sesv2.list_suppressed_destinations()["SuppressedDestinationSummaries"]
    assert [each["EmailAddress"] for each in left] == ["jo@elsewhere.example"]


def test_a_journal_that_asks_for_more_than_a_removal_is_not_obeyed(bench, sweeper, account, killed, drill):
    def run(ctx):
        resource = resources.volume("eu-west-1")
        worse = replace(resource, remove=(Call("modify_volume", {"VolumeId": "$id", "Size": 9}),))
        ctx.journal.create(worse, lambda mark: new_volume(ctx.clients.client("ec2"), tags_of(mark)))
        raise killed
        yield

    bench.crash(drill(run, drill_class="exercise"))

    (found,) = sweeper.sweep()
    assert (found.outcome, found.reason) == (
        "left",
        "the journal asks for ec2 modify volume: no drill removes by that",
    )
    assert len(volumes(account)) == 1


def test_a_role_that_cannot_be_assumed_is_said_and_the_sweep_goes_on(crash, sweeper, account):
    def clients_of(drill_class):
        raise AccessError(f"cannot assume the role of {drill_class}")

    crash(volume_then_die)
    sweeper.clients_of = clients_of

    (swept,) = sweeper.sweep()

    assert (swept.outcome, swept.reason) == ("left", "cannot assume the role of exercise")
    assert len(volumes(account)) == 1


def test_what_drills_of_a_class_left_is_removed_with_the_clients_of_that_class(crash, sweeper, account):
    asked = []

    def clients_of(drill_class):
        asked.append(drill_class)
        return account

    crash(volume_then_die)
    sweeper.clients_of = clients_of

    assert [each.outcome for each in sweeper.sweep()] == ["removed"]
    assert set(asked) == {"exercise"}


def test_what_is_another_declarations_is_left(crash, sweeper, account):
    crash(volume_then_die)
    volume = volumes(account)[0]["VolumeId"]
    account.client("ec2").create_tags(Resources=[volume], Tags=[{"Key": "baseops:declaration", "Value": "other"}])

    (swept,) = sweeper.sweep()

    assert (swept.outcome, swept.reason) == ("left", "its tag baseops:declaration is not acme")
    assert len(volumes(account)) == 1


@pytest.mark.parametrize("process", [-1, 0, 10**30, True, "1"])
def test_a_lock_that_names_no_process_ends_with_its_time(bench, account, sweeper, process):
    lease = {"holder": "a run", "expires": "2026-01-08T09:03:00.000Z", "host": socket.gethostname(), "process": process}
    bench.store.put_new("lock/account=111111111111.json", json.dumps(lease).encode())

    with pytest.raises(InconclusiveError, match="a run holds it until"):
        sweeper.sweep()
    account.clock.advance(by=timedelta(minutes=4))
    assert sweeper.sweep() == []


def test_a_run_whose_lock_is_taken_away_is_not_sealed(bench, drill, account):
    def run(ctx):
        (bench.store.folder / "lock/account=111111111111.json").unlink()
        ctx.clock.sleep(120)
        yield proven("backups.daily")

    with pytest.raises(InconclusiveError, match="taken over, or away"):
        bench.run(drill(run))

    assert bench.store.keys("heads/") == []
