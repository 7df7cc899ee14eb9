"""A sweep compares ages: what carries our marks and was made at another time is reported and stays."""

import inspect
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from baseops.contract.drill import Resource
from baseops.evidence import resources
from baseops.evidence.ages import AGELESS, moment
from baseops.evidence.sweep import Sweeper

REGION, ACCOUNT = "eu-west-1", "111111111111"
NOON = datetime(2026, 1, 8, 12, tzinfo=UTC)
LIVE_GROUP, LIVE_TOPIC = "/acme/web/nginx", f"arn:aws:sns:{REGION}:{ACCOUNT}:live"
PROBE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:baseops-acme-drill-probe"
AUTOMATION = {
    "schemaVersion": "0.3",
    "mainSteps": [{"name": "a", "action": "aws:sleep", "inputs": {"Duration": "PT1S"}}],
}


def tagged(mark, kind):
    return [{"ResourceType": kind, "Tags": mark.tag_list}]


def volume(account, name, mark):
    ec2 = account.client("ec2")
    specifications = tagged(mark, "volume")
    return ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, TagSpecifications=specifications)["VolumeId"]


def instance(account, name, mark):
    ec2 = account.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    request = {"ImageId": image, "SubnetId": subnet, "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
    return ec2.run_instances(**request, TagSpecifications=tagged(mark, "instance"))["Instances"][0]["InstanceId"]


def log_group(account, name, mark):
    account.client("logs").create_log_group(logGroupName=name, tags=mark.tags)
    account.client("logs").create_log_group(logGroupName=f"{name}-of-another")
    return name


def log_stream(account, name, mark):
    logs = account.client("logs")
    logs.create_log_group(logGroupName=LIVE_GROUP)
    logs.create_log_stream(logGroupName=LIVE_GROUP, logStreamName=name)
    return name


def alarm(account, name, mark):
    account.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="acme",
        MetricName="Http5xx",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Tags=mark.tag_list,
    )
    return name


def queue(account, name, mark):
    account.client("sqs").create_queue(QueueName=name, tags=mark.tags)
    return name


def suppressed_address(account, name, mark):
    sesv2 = account.client("sesv2")
    sesv2.put_account_details(MailType="TRANSACTIONAL", WebsiteURL="https://acme.example", ProductionAccessEnabled=True)
    sesv2.put_suppressed_destination(EmailAddress=f"success+{name}@simulator.amazonses.com", Reason="BOUNCE")
    return name


def document(account, name, mark):
    account.client("ssm").create_document(
        Name=name,
        Content=json.dumps(AUTOMATION),
        DocumentType="Automation",
        DocumentFormat="JSON",
        Tags=mark.tag_list,
    )
    return name


def security_group(account, name, mark):
    ec2 = account.client("ec2")
    specifications = tagged(mark, "security-group")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    made = ec2.create_security_group(GroupName=name, Description="a", VpcId=vpc, TagSpecifications=specifications)
    return made["GroupId"]


def topic(account, name, mark):
    account.client("sns").create_topic(Name=name, Tags=mark.tag_list)
    return name


def subscription(account, name, mark):
    sns = account.client("sns")
    sns.create_topic(Name="live")
    account.client("sqs").create_queue(QueueName=PROBE.rpartition(":")[2])
    made = sns.subscribe(TopicArn=LIVE_TOPIC, Protocol="sqs", Endpoint=PROBE, ReturnSubscriptionArn=True)
    return made["SubscriptionArn"]


def configuration_set(account, name, mark):
    account.client("sesv2").create_configuration_set(ConfigurationSetName=name, Tags=mark.tag_list)
    return name


def rule(account, name, mark):
    pattern = json.dumps({"source": ["aws.cloudwatch"]})
    account.client("events").put_rule(Name=name, EventPattern=pattern, Tags=mark.tag_list)
    return name


KINDS = {
    volume: lambda name: resources.volume(REGION),
    instance: lambda name: resources.instance(REGION),
    log_group: lambda name: resources.log_group(REGION, name),
    log_stream: lambda name: resources.log_stream(REGION, LIVE_GROUP, name),
    alarm: lambda name: resources.alarm(REGION, name, ACCOUNT),
    queue: lambda name: resources.queue(REGION, name, ACCOUNT),
    suppressed_address: lambda name: resources.suppressed_address(REGION, name),
    document: lambda name: resources.document(REGION, name),
    security_group: lambda name: resources.security_group(REGION),
    topic: lambda name: resources.topic(REGION, name, ACCOUNT),
    subscription: lambda name: resources.subscription(REGION, LIVE_TOPIC, PROBE),
    configuration_set: lambda name: resources.configuration_set(REGION, name, ACCOUNT),
    rule: lambda name: resources.rule(REGION, name, ACCOUNT),
}
WITHOUT_AGE = [each for each in KINDS if KINDS[each]("baseops-acme-drill-a").kind in AGELESS]
WITH_AGE = [each for each in KINDS if each not in WITHOUT_AGE]


@pytest.fixture
def sweeper(bench, account, tmp_path):
    return Sweeper(account, account.clock, ACCOUNT, bench.setup.site, bench.store, tmp_path / "another-machine")


@pytest.fixture
def journaled(bench, drill, killed):
    """Dies before it makes the thing, or right after; gives the thing's name and mark."""

    def run(kind, *, makes, changed=lambda resource: resource):
        known = []

        def dying(ctx):
            name = ctx.journal.path("probe") if kind is log_group else ctx.journal.name("probe")

            def make(mark):
                known.extend((name, mark))
                if makes:
                    return kind(ctx.clients, name, mark)
                raise killed

            ctx.journal.create(changed(KINDS[kind](name)), make)
            raise killed
            yield

        bench.crash(drill(dying, drill_class="exercise"))
        return tuple(known)

    return run


def told(sweeper):
    return [(each.outcome, each.reason) for each in sweeper.sweep() if each.kind.startswith("AWS::")]


@pytest.mark.parametrize("kind", WITH_AGE, ids=lambda each: each.__name__)
def test_a_look_alike_of_another_age_is_reported_and_stays(journaled, sweeper, account, kind):
    name, mark = journaled(kind, makes=False)
    account.clock.advance(by=timedelta(days=2))
    kind(account, name, mark)

    found = [("left", "it was created at 2026-01-10 09:03, the journal says 2026-01-08 09:00")]
    assert told(sweeper) == found
    assert told(sweeper) == found


@pytest.mark.parametrize("kind", WITH_AGE, ids=lambda each: each.__name__)
def test_what_a_drill_made_is_of_the_age_that_the_journal_says(journaled, sweeper, account, kind):
    journaled(kind, makes=True)
    account.clock.advance(by=timedelta(days=2))

    assert told(sweeper) == [("removed", "")]
    assert told(sweeper) == []


@pytest.mark.parametrize("kind", WITHOUT_AGE, ids=lambda each: each.__name__)
def test_of_what_has_no_age_it_is_said(journaled, sweeper, kind):
    journaled(kind, makes=True)

    assert told(sweeper) == [("removed", "AWS keeps no age of it to compare")]
    assert told(sweeper) == []


def test_a_journal_that_does_not_say_where_an_age_is_found_removes_nothing(journaled, sweeper, account):
    journaled(queue, makes=True, changed=lambda resource: replace(resource, created=None))

    ((outcome, reason),) = told(sweeper)
    assert (outcome, "as no drill of this declaration and version does" in reason) == ("left", True)
    assert len(account.client("sqs").list_queues()["QueueUrls"]) == 1


def test_every_kind_says_its_age_or_is_named_among_those_without():
    factories = {
        name
        for name, each in inspect.getmembers(resources, inspect.isfunction)
        if not name.startswith("_") and inspect.signature(each).return_annotation == Resource.__name__
    }

    assert {each.__name__ for each in KINDS} == factories
    for factory in KINDS.values():
        resource = factory("baseops-acme-drill-a")
        assert (resource.created is None) == (resource.kind in AGELESS), resource.kind


@pytest.mark.parametrize(
    "told_by_aws",
    [
        NOON,
        1767873600,
        "1767873600",
        1767873600000,
        "1767873600000",
        "2026-01-08T12:00:00.000+0000",
        "2026-01-08T13:00:00+01:00",
        "2026-01-08T12:00:00Z",
    ],
    ids=repr,
)
def test_a_time_is_read_in_each_of_aws_ways(told_by_aws):
    assert moment(told_by_aws) == NOON


@pytest.mark.parametrize(
    "told_by_aws", ["", "yesterday", "2026-01-08T12:00:00", None, [], float("inf"), float("nan")], ids=repr
)
def test_what_is_no_time_is_none(told_by_aws):
    assert moment(told_by_aws) is None


@pytest.mark.parametrize(
    ("region", "arn", "url"),
    [
        ("eu-west-1", "arn:aws:sns:eu-west-1:1:$id", "https://sqs.eu-west-1.amazonaws.com/1/$id"),
        ("cn-north-1", "arn:aws-cn:sns:cn-north-1:1:$id", "https://sqs.cn-north-1.amazonaws.com.cn/1/$id"),
        ("us-gov-west-1", "arn:aws-us-gov:sns:us-gov-west-1:1:$id", "https://sqs.us-gov-west-1.amazonaws.com/1/$id"),
    ],
)
def test_names_are_those_of_the_regions_partition(region, arn, url):
    assert resources.topic(region, "a", "1").remove[0].parameters == {"TopicArn": arn}
    assert resources.queue(region, "a", "1").remove[0].parameters == {"QueueUrl": url}
