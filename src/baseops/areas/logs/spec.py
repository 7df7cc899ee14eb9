"""The declaration of log sources and what watches them; `check` adds what the schema cannot say.

Pydantic models only; it never reads an account.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from baseops.areas.logs import checks
from baseops.contract.finding import Finding
from baseops.contract.site import Site
from baseops.fields import AreaSection, Days, Duration, EntryName, KeyArn, Strict, TagMap, matching
from baseops.semantics import filters

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTION_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)


def _retention(value: int) -> int:
    if value not in RETENTION_DAYS:
        nearest = min(RETENTION_DAYS, key=lambda days: (abs(days - value), -days))
        listed = ", ".join(map(str, RETENTION_DAYS))
        raise ValueError(
            f"CloudWatch Logs keeps events for one of {listed} days, not {value}; the nearest is {nearest}"
        )
    return value


def _pattern(value: str) -> str:
    try:
        filters.compile(value)
    except filters.PatternError as error:
        raise ValueError(str(error)) from error
    return value


def _period(value: int) -> int:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
    if value not in (10, 20, 30) and (value < 60 or value % 60):
        raise ValueError(f"an alarm's period is 10, 20, 30 or a multiple of 60 seconds, not {value}")
    return value


GroupName = Annotated[
    str,
    matching(r"[\w./#-]{1,512}", "a log group name of 1-512 letters, digits and _ - / . #, such as /acme/web/nginx"),
]
MetricName = Annotated[
    str, matching(r"[A-Za-z][A-Za-z0-9_.-]{0,99}", "a metric name of 1-100 letters, digits and _ . -, such as Http5xx")
]
Percentile = Annotated[str, matching(r"p\d{1,2}(?:\.\d{1,10})?|p100", "a percentile such as p99 or p99.9")]


class Group(Strict):
    """A log group of CloudWatch Logs."""

    name: GroupName
    """Its name, such as /acme/web/nginx."""
    retention_days: Annotated[int, AfterValidator(_retention)] = 90
    """For how many days events are kept."""
    key: KeyArn | None = None
    """A KMS key in place of ours for logs."""
    log_class: Annotated[Literal["STANDARD", "INFREQUENT_ACCESS"], Field(alias="class")] = "STANDARD"
    """STANDARD, or INFREQUENT_ACCESS (cheaper, without metric and subscription filters; never changed later)."""


# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
Unit = Literal[
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
]


class Metric(Strict):
    """A metric filter: what lines count, and as how much."""

    pattern: Annotated[str, Field(max_length=1024), AfterValidator(_pattern)]
    """A filter pattern of CloudWatch Logs."""
    value: Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)] = "1"
    """What one matching line adds: a number, or a field of the pattern such as $.bytes or $bytes."""
    default: float | None = None
    """The value of a minute that has events and no match; not with dimensions."""
    unit: Unit = "None"
    """A CloudWatch unit such as Count, Bytes or Milliseconds."""
    dimensions: Annotated[dict[str, str], Field(max_length=3)] = Field(default_factory=dict)
    """Up to three names, each with a field of the pattern. Each combination of values is a metric of its own."""


class OtherMetric(Strict):
    """A metric that something else publishes."""

    namespace: Annotated[str, Field(min_length=1, max_length=255)]
    """Its namespace, such as AWS/ApplicationELB."""
    name: Annotated[str, Field(min_length=1, max_length=255)]
    """Its name."""
    dimensions: Annotated[dict[str, str], Field(max_length=30)] = Field(default_factory=dict)
    """Its dimensions; all of them, or it is another metric."""


Comparison = Literal[
    "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
]
Treatment = Literal["breaching", "notBreaching", "ignore", "missing"]


class Query(Strict):
    """A query that an alarm runs on a schedule (AWS::CloudWatch::LogAlarm)."""

    query: Annotated[str, Field(min_length=1, max_length=10_000)]
    """CloudWatch Logs Insights query, without its last aggregation."""
    aggregate: Annotated[str, Field(min_length=1, max_length=256)] = "count(*)"
    """What is compared with the threshold, such as count(*) or avg(latency) by host."""
    every: Duration | None = None
    """How often it runs; the alarm's period when left out."""
    groups: tuple[GroupName, ...] = ()
    """Which groups it reads; the entry's own when left out."""


class Alarm(Strict):
    """An alarm on a metric, on a query, or on other alarms."""

    metric: MetricName | OtherMetric | None = None
    """A metric of this entry by name, or any other with namespace and name."""
    query: Query | None = None
    """A scheduled query instead of a metric."""
    rule: Annotated[str, Field(min_length=1, max_length=10_240)] | None = None
    """A composite alarm: an expression such as ALARM(too-many-errors) AND NOT ALARM(maintenance)."""
    statistic: Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"] | Percentile = "Sum"
    """How the values of a period become one."""
    period: Annotated[int, AfterValidator(_period)] = 300
    """Seconds."""
    threshold: float | None = None
    """What the value is compared with."""
    comparison: Comparison = "GreaterThanOrEqualToThreshold"
    """How."""
    evaluation_periods: Annotated[int, Field(ge=1)] = 1
    """N of 'M out of N'."""
    datapoints_to_alarm: Annotated[int, Field(ge=1)] | None = None
    """M of 'M out of N'; N when left out."""
    treat_missing_data: Treatment = "missing"
    """What a period without data is."""
    notify_ok: bool = True
    """Whether the return to OK is told too."""
    log_lines: Annotated[int, Field(ge=0, le=50)] = 0
    """With a query: how many of the lines found go into the notification."""
    actions_suppressor: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """With a rule: the alarm that keeps this one quiet while it rings."""
    actions_suppressor_wait_period: Annotated[int, Field(ge=0, le=86_400)] = 60
    """How many seconds this one waits for the suppressor to ring."""
    actions_suppressor_extension_period: Annotated[int, Field(ge=0, le=86_400)] = 60
    """For how many seconds it stays quiet after the suppressor has stopped."""
    remedy: EntryName | None = None
    """Which remedy of this entry runs when it rings."""
    description: Annotated[str, Field(max_length=1024)] = ""
    """What to know and do when it rings."""

    @model_validator(mode="after")
    def _one_source(self) -> Alarm:
        given = [name for name in ("metric", "query", "rule") if getattr(self, name) is not None]
        if len(given) != 1:
            said = f"got {' and '.join(given)}" if given else "got none"
            raise ValueError(f"an alarm watches one of metric, query and rule; {said}")
        return self


class Heartbeat(Strict):
    """An alarm for silence: it rings when no event has come for a while."""

    silent_for: Duration
    """For how long the source may be silent."""


class SavedQuery(Strict):
    """A query kept in CloudWatch Logs Insights for whoever looks for causes."""

    query: Annotated[str, Field(min_length=1, max_length=10_000)]
    """The query."""
    groups: tuple[GroupName, ...] = ()
    """Which groups it reads, to correlate several sources; the entry's own when left out."""
    language: Literal["CWLI", "SQL", "PPL"] = "CWLI"
    """Logs Insights' own language, SQL or PPL."""


class LineFilter(Strict):
    """Which lines the agent ships or leaves: an expression, applied on the instance."""

    type: Literal["include", "exclude"]
    """Whether matching lines are shipped or left."""
    expression: Annotated[str, Field(min_length=1, max_length=4096)]
    """A regular expression (Go, RE2)."""


class LogFile(Strict):
    """A file that the CloudWatch agent ships."""

    path: Annotated[
        str, matching(r"/\S{1,1023}", "an absolute path such as /var/log/nginx/access.log; * and ** may stand in it")
    ]
    """Where it lies on the instance; `*` and `**` match as in the agent."""
    group: GroupName | None = None
    """Its log group; the entry's own when left out."""
    stream: Annotated[str, Field(min_length=1, max_length=512)] = "{instance_id}"
    """Its log stream; {instance_id}, {hostname}, {local_hostname}, {ip_address} and {date} are filled in."""
    timestamp_format: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """How a line's time is written, as strftime, such as %d/%b/%Y:%H:%M:%S %z."""
    timezone: Literal["UTC", "Local"] = "UTC"
    """Of times without an offset."""
    multi_line_start: str | None = None
    """A regular expression (Go, RE2) that the first line of an event matches, or {timestamp_format}."""
    encoding: Annotated[str, Field(min_length=1, max_length=64)] = "utf-8"
    """Of the file."""
    blacklist: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """A regular expression (Go, RE2): files that match the path and this are left."""
    publish_multi_logs: bool = False
    """Whether every file that matches the path is shipped; the newest alone otherwise."""
    filters: tuple[LineFilter, ...] = ()
    """Which lines are shipped; all when left out."""


class Journal(Strict):
    """What the agent ships of the systemd journal (Amazon Linux 2023 has no /var/log/messages)."""

    units: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = ()
    """Which units, such as nginx.service; all when left out."""
    group: GroupName | None = None
    """Its log group; the entry's own when left out."""
    stream: Annotated[str, Field(min_length=1, max_length=512)] = "{instance_id}"
    """Its log stream."""
    priority: Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] | None = None
    """The least priority that is shipped; any when left out."""
    filters: tuple[LineFilter, ...] = ()
    """Which lines are shipped; all when left out."""


class Agent(Strict):
    """What the unified CloudWatch agent ships from which instances."""

    target: Annotated[TagMap, Field(min_length=1, max_length=5)]
    """The tags of the instances: all of them, key and value."""
    files: tuple[LogFile, ...] = ()
    """Files."""
    journal: Journal | None = None
    """The systemd journal."""
    metrics: bool = False
    """Whether memory, swap and disk use are measured too."""
    install: bool = True
    """Whether the agent is installed; false where the image has it."""

    @model_validator(mode="after")
    def _something(self) -> Agent:
        if not (self.files or self.journal or self.metrics):
            raise ValueError("an agent ships files, the journal or metrics; none is declared")
        return self


class Remedy(Strict):
    """What is done, on which instances, when an alarm rings."""

    document: Annotated[str, matching(r"[\w./:-]{3,200}", "an SSM document such as AWS-RunShellScript, or its ARN")] = (
        "AWS-RunShellScript"
    )
    """A command document of Systems Manager."""
    parameters: dict[str, list[str]] = Field(default_factory=dict)
    """The document's parameters: each a list of texts, such as commands: [systemctl restart nginx]."""
    targets: Annotated[TagMap, Field(max_length=5)] = Field(default_factory=dict)
    """The tags of the instances: a metric has no instance, so a remedy has to name them."""
    max_concurrency: Annotated[
        str, matching(r"[1-9]\d{0,6}|(?:[1-9]\d?|100)%", "a number or a percentage such as 10%")
    ] = "10%"
    """On how many instances at once."""
    max_errors: Annotated[str, matching(r"\d{1,7}|(?:\d{1,2}|100)%", "a number or a percentage such as 10%")] = "0"
    """After how many failures it stops."""
    cooldown: Duration = timedelta(minutes=30)
    """For how long it does not run again."""
    timeout: Duration = timedelta(minutes=10)
    """For how long a command may run on one instance."""


_SUBNET = matching(r"subnet-[0-9a-f]{8,17}", "a subnet such as subnet-0a1b2c3d4e5f60718")
_SECURITY_GROUP = matching(r"sg-[0-9a-f]{8,17}", "a security group such as sg-0a1b2c3d4e5f60718")


class FunctionNetwork(Strict):
    """The network of a function whose receiver is in a VPC."""

    subnets: Annotated[tuple[Annotated[str, _SUBNET], ...], Field(min_length=1, max_length=16)]
    """Its subnets."""
    security_groups: Annotated[tuple[Annotated[str, _SECURITY_GROUP], ...], Field(min_length=1, max_length=5)]
    """Its security groups."""


class OpenSearch(Strict):
    """Shipping to an OpenSearch domain by a function with dead letters."""

    domain: Annotated[str, matching(r"[a-z][a-z0-9-]{2,27}", "the name of an OpenSearch domain, such as logs-domain")]
    """The domain's name, in this account and region."""
    endpoint: Annotated[
        str,
        matching(
            r"[a-z0-9-]+\.[a-z0-9-]+\.es\.amazonaws\.com(?:\.cn)?|[a-z0-9-]+\.aos\.[a-z0-9-]+\.on\.aws",
            "the domain's host name without https://, such as search-logs-domain-abc123.eu-west-1.es.amazonaws.com",
        ),
    ]
    """The domain's endpoint without https://."""
    index: Annotated[
        str, matching(r"[a-z][a-z0-9._-]{0,200}", "an index name of lower-case letters, digits and . _ -")
    ] = "logs"
    """Indices are INDEX-YYYY.MM.DD, by the day of the event in UTC."""
    parse_json: bool = False
    """Whether a line that is a JSON object becomes `fields` of the document."""
    network: FunctionNetwork | None = None
    """Where the function runs when the domain is in a VPC."""


class OpenSearchIngestion(Strict):
    """Shipping to an OpenSearch Ingestion pipeline with an HTTP source, by a function with dead letters."""

    pipeline: Annotated[
        str,
        matching(r"arn:aws[\w-]*:osis:[a-z0-9-]+:\d{12}:pipeline/[a-z][a-z0-9-]{2,27}", "the ARN of a pipeline"),
    ]
    """The pipeline's ARN."""
    endpoint: Annotated[
        str,
        matching(
            r"[a-z0-9-]+\.[a-z0-9-]+\.osis\.amazonaws\.com",
            "the pipeline's host name without https://, such as logs-abc123.eu-west-1.osis.amazonaws.com",
        ),
    ]
    """Its ingestion endpoint without https://."""
    path: Annotated[str, matching(r"/[\w/.-]{0,200}", "the path of the pipeline's HTTP source, such as /logs")] = (
        "/logs"
    )
    """The path of its HTTP source."""
    parse_json: bool = False
    """Whether a line that is a JSON object becomes `fields` of the document."""
    network: FunctionNetwork | None = None
    """Where the function runs when the pipeline is in a VPC."""


class HttpEndpoint(Strict):
    """Shipping to a partner by HTTP, such as Sumo Logic, by Amazon Data Firehose."""

    url: Annotated[str, matching(r"https://[^\s]{1,990}", "an https:// URL")]
    """Where events are posted."""
    name: Annotated[str, Field(min_length=1, max_length=256)] = "partner"
    """The partner's name, shown in the console."""
    access_key_secret: (
        Annotated[str, matching(r"[\w/+=.@-]{1,512}", "the name of a secret such as app/sumo-key")] | None
    ) = None
    """A secret of Secrets Manager that holds the access key as {"api_key": "…"}."""
    buffer: Duration = timedelta(minutes=1)
    """For how long events are collected."""
    buffer_mb: Annotated[int, Field(ge=1, le=64)] = 1
    """How many megabytes are collected at most."""
    retry: Duration = timedelta(minutes=5)
    """For how long a delivery is repeated before it goes to the bucket of failed ones."""
    messages_only: bool = True
    """Whether lines alone are posted; else the batches of CloudWatch Logs, unpacked."""


class Bucket(Strict):
    """Shipping to a bucket by Amazon Data Firehose."""

    bucket: Annotated[str, matching(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket")] | None = None
    """An existing bucket; one is made when left out."""
    key: KeyArn | None = None
    """The KMS key of an existing bucket."""
    prefix: Annotated[str, matching(r"[\w!.*'()/=-]{0,200}", "a prefix of letters, digits and _ ! . * ' ( ) / = -")] = (
        "logs/"
    )
    """What object keys begin with; the hour in UTC follows."""
    retain: Days | None = None
    """For how long objects are kept in a bucket that is made here; for good when left out."""
    buffer: Duration = timedelta(minutes=5)
    """For how long events are collected."""
    buffer_mb: Annotated[int, Field(ge=1, le=128)] = 64
    """How many megabytes are collected at most."""
    messages_only: bool = False
    """Whether lines alone are kept; else the batches of CloudWatch Logs, one a line, with group, stream and ids."""


class Ship(Strict):
    """One place to which events of the group are shipped."""

    opensearch: OpenSearch | None = None
    """An OpenSearch domain, by a function."""
    opensearch_ingestion: OpenSearchIngestion | None = None
    """An OpenSearch Ingestion pipeline, by a function."""
    http: HttpEndpoint | None = None
    """A partner's HTTP endpoint."""
    s3: Bucket | None = None
    """A bucket."""
    pattern: Annotated[str, Field(max_length=1024), AfterValidator(_pattern)] = ""
    """Which events; all when left out."""

    @model_validator(mode="after")
    def _one_place(self) -> Ship:
        given = [
            name for name in ("opensearch", "opensearch_ingestion", "http", "s3") if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise ValueError(
                f"a shipment goes to one of opensearch, opensearch_ingestion, http and s3, not {len(given)}"
            )
        return self


class Promise(Strict):
    """What drills hold the source to."""

    alarm_within: Duration | None = None
    """From a line to the alarm's notification."""


class Entry(Strict):
    """One source of logs: its group, how it gets there, what is made of it."""

    group: Group
    """Where the events are."""
    agent: Agent | None = None
    """How files of instances get there."""
    heartbeat: Heartbeat | None = None
    """An alarm for silence."""
    metrics: dict[MetricName, Metric] = Field(default_factory=dict)
    """Metrics made of lines."""
    alarms: dict[EntryName, Alarm] = Field(default_factory=dict)
    """Alarms."""
    remedies: dict[EntryName, Remedy] = Field(default_factory=dict)
    """What alarms may start."""
    queries: dict[EntryName, SavedQuery] = Field(default_factory=dict)
    """Saved queries."""
    ship: tuple[Ship, ...] = ()
    """Where else the events go."""
    promise: Promise = Promise()
    """What drills hold it to."""
    managed: bool = True
    """false: somebody else made the group and its alarms; baseops only holds them to their promises."""


class AccountClaims(Strict):
    """Nothing: logs have no setting of the whole account here."""


class Section(AreaSection):
    """Sources of logs by name."""

    __pydantic_extra__: dict[EntryName, Entry] = Field(init=False)
    account: AccountClaims = AccountClaims()
    """What is claimed for the whole account."""

    @property
    def entries(self) -> dict[str, Entry]:
        """The sources by name."""
        return self.__pydantic_extra__

    @property
    def managed(self) -> dict[str, Entry]:
        """The sources that are made here."""
        return {name: entry for name, entry in self.entries.items() if entry.managed}


def check(section: Section, site: Site) -> list[Finding]:
    """Cross-references, AWS limits and traps; paths begin with the area."""
    return checks.check(section, site)
