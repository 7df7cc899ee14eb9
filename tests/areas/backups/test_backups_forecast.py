"""What `baseops backups forecast` foresees is what DLM has made and kept, snapshot for snapshot, over any schedules."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st

from baseops.areas.backups.forecasts import lifecycle
from baseops.areas.backups.operate.forecast import Fleet, forecast
from baseops.areas.backups.policies import snapshot_policy
from baseops.areas.backups.spec import Section
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.resources import to_json
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.sandbox.account import open_account
from baseops.semantics.lifecycle import firings, snapshots_on

SITE = Site("acme", ("111111111111",), "eu-west-1", ("us-east-1", "eu-central-1"))
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
TRUST = '{"Version": "2012-10-17", "Statement": []}'

times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 10, 30]))
intervals = st.builds(
    lambda hours, time: {"interval": f"{hours}h", "time": time}, st.sampled_from([6, 8, 12, 24]), times
)
crons = st.builds(
    lambda minute, hour, days: {"cron": f"{minute} {hour} ? * {days} *"},
    st.sampled_from([0, 30]),
    st.integers(0, 23),
    st.sampled_from(["*", "MON-FRI", "SUN,WED", "TUE"]),
)
counts = st.builds(lambda count: {"count": count}, st.integers(1, 5))
ages = st.builds(lambda days: {"age": f"{days}d"}, st.integers(1, 6))
copies = st.lists(
    st.builds(
        lambda region, days: {"region": region, "retain": f"{days}d"},
        st.sampled_from(["us-east-1", "eu-central-1"]),
        st.integers(1, 4),
    ),
    max_size=2,
    unique_by=lambda copy: copy["region"],
)


def plans(retain):
    return st.builds(
        lambda schedule, kept, copied: {"schedule": schedule, "retain": kept, "copies": copied},
        st.one_of(intervals, crons),
        retain,
        copies,
    )


@st.composite
def backups(draw):
    """Up to three schedules, which DLM wants all to count or all to age; some start at the very times of others."""
    retain = draw(st.sampled_from([counts, ages]))
    found = draw(st.lists(plans(retain), min_size=1, max_size=3))
    if len(found) > 1 and draw(st.booleans()):
        found[-1]["schedule"] = found[0]["schedule"]
    return {f"s{number}": plan for number, plan in enumerate(found)}


def section_of(schedules):
    return Section.model_validate(
        {
            "b": {
                "target": {"resource": "volume", "tags": {"Backup": "b"}},
                "schedules": schedules,
                "promise": {"rpo": "200h"},
            }
        }
    )


def details_of(entry):
    """As the stack declares them, but copies are under the regions' own keys."""
    made = to_json(snapshot_policy("b", entry, "", StackBuilder("backups", SITE), Refs(SITE), {}))
    details = made["Properties"]["PolicyDetails"]
    for schedule in details["Schedules"]:
        for rule in schedule.get("CrossRegionCopyRules", []):
            del rule["CmkArn"]
    return details


def is_clear(policy, start, when):
    """DLM is late by up to an hour: nothing may begin or end just then."""
    begun = list(firings(policy, start - 2 * HOUR, when + HOUR))
    moments = [start, when]
    ends = [
        age.after(each.at) for each in begun for plan in each.schedules for age in (plan.keep.age,) if age is not None
    ]
    ends += [copy.age.after(each.at) for each in begun for copy in each.copies if copy.age is not None]
    near = [*(each.at for each in begun), *ends]
    return not any(moment - 2 * HOUR < each <= moment + HOUR for each in near for moment in moments)


def kept_by_dlm(details, start, when):
    """The snapshots of one volume, and the copies in each region, as an account has them."""
    with open_account(start=start) as account:
        role = account.client("iam").create_role(RoleName="dlm", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        ec2 = account.client("ec2")
        tags = [{"ResourceType": "volume", "Tags": [{"Key": "Backup", "Value": "b"}]}]
        ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=tags)
        account.client("dlm").create_lifecycle_policy(
            ExecutionRoleArn=role, Description="b", State="ENABLED", PolicyDetails=details
        )
        account.clock.sleep((when - start).total_seconds())
        mine = [{"Name": "tag:baseops:backup", "Values": ["b"]}]

        def there(region):
            return account.client("ec2", region).describe_snapshots(OwnerIds=["self"], Filters=mine)["Snapshots"]

        return there("eu-west-1"), {region: len(there(region)) for region in SITE.regions}


def start_of(policy, snapshot):
    """The start that made a snapshot, and the schedule in its tag."""
    name = {each["Key"]: each["Value"] for each in snapshot["Tags"]}["aws:dlm:lifecycle-schedule-name"]
    begun = firings(policy, snapshot["StartTime"] - HOUR, snapshot["StartTime"] + timedelta(seconds=1))
    return next((each.at, name) for each in begun if each.owner.name == name)


@given(schedules=backups(), begins=st.integers(0, 24 * 60 - 1), days=st.integers(2, 9))
# Not shrunk: each try is an account of its own.
@settings(max_examples=max(4, settings().max_examples // 25), phases=[Phase.explicit, Phase.reuse, Phase.generate])
@example(
    schedules={
        "s0": {"schedule": {"interval": "6h", "time": "00:00"}, "retain": {"count": 1}, "copies": []},
        "s1": {"schedule": {"interval": "8h", "time": "03:30"}, "retain": {"count": 2}, "copies": []},
    },
    begins=14 * 60,
    days=2,
)
def test_the_forecast_is_what_dlm_keeps(schedules, begins, days):
    section = section_of(schedules)
    policy = lifecycle("b", section.entries["b"])
    start = MONDAY + timedelta(minutes=begins)
    when = start + timedelta(days=days)
    assume(is_clear(policy, start, when))

    (foreseen,) = forecast(section, start, days, Fleet())
    snapshots, copied = kept_by_dlm(details_of(section.entries["b"]), start, when)

    expected = Counter((each.at, each.schedule) for each in snapshots_on(policy, when, since=start))
    assert expected == Counter(start_of(policy, each) for each in snapshots)
    assert foreseen.days[-1].snapshots == len(snapshots)
    assert dict(foreseen.days[-1].copies) == {region: count for region, count in copied.items() if count}
