"""Asks what became of events that CloudWatch Logs handed on: of the function's calls, of what a stream delivers.

A receiver that is gone shows nowhere in the subscription. What a function could not ship lies in its dead letters; a
stream to a bucket waits, one to an endpoint puts what is not taken into its bucket. No other places are declared.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.logs.deliveries import FRESHNESS_SECONDS
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext

if TYPE_CHECKING:
    from baseops.areas.logs.shipping import Shipment

# Any: botocore's answers.

DAY, RECENT = timedelta(days=1), timedelta(hours=1)
SETTLES = timedelta(minutes=15)
"""What came since may still be on its way: a call of the function is repeated for as long."""
_PERIOD = 300


@dataclass(frozen=True)
class Told:
    """What the carrier tells of the last day: why events did not arrive, if so, and its counts."""

    fault: str
    measures: Mapping[str, float]


@dataclass(frozen=True)
class Measures:
    """Metrics of a day that ends, to the period, before the newest events may still be on their way."""

    ctx: DrillContext

    @property
    def now(self) -> datetime:
        """The end of the last whole period."""
        return datetime.fromtimestamp(self.ctx.clock.now().timestamp() // _PERIOD * _PERIOD, UTC)

    @property
    def settled(self) -> datetime:
        """Until when what came has arrived or failed."""
        return self.now - SETTLES

    def values(
        self,
        name: str,
        dimensions: Mapping[str, str],
        *,
        statistic: str = "Sum",
        since: timedelta = DAY,
        until: datetime | None = None,
    ) -> list[float]:
        """The values of a metric (`AWS/Logs IncomingLogEvents`) since then, before all is settled; newest first."""
        namespace, _, metric = name.partition(" ")
        wanted = {
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
        with translated(f"cannot read the metric {name}"):
            answer = self.ctx.clients.client("cloudwatch", self.ctx.site.region).get_metric_data(
                MetricDataQueries=[
                    {"Id": "asked", "MetricStat": {"Metric": wanted, "Period": _PERIOD, "Stat": statistic}}
                ],
                StartTime=self.settled - since,
                EndTime=until or self.settled,
                ScanBy="TimestampDescending",
            )
        return [float(value) for each in answer["MetricDataResults"] for value in each["Values"]]

    def total(self, name: str, dimensions: Mapping[str, str], *, until: datetime | None = None) -> float:
        """The sum over the day."""
        return sum(self.values(name, dimensions, until=until))


def by_function(measures: Measures, configuration: Mapping[str, Any]) -> Told:
    """What the function did with the events, and with those that were not taken."""
    letters_to = str(configuration.get("DeadLetterConfig", {}).get("TargetArn", ""))
    if ":sqs:" not in letters_to:
        return Told("the function that ships keeps no dead letters: what is not taken is lost without a word", {})
    function, queue = {"FunctionName": str(configuration["FunctionName"])}, {"QueueName": letters_to.rpartition(":")[2]}
    calls, failed, throttled = (
        measures.total(f"AWS/Lambda {each}", function) for each in ("Invocations", "Errors", "Throttles")
    )
    dropped, unkept = (
        measures.total(f"AWS/Lambda {each}", function, until=measures.now)
        for each in ("AsyncEventsDropped", "DeadLetterErrors")
    )
    letters = measures.total("AWS/SQS NumberOfMessagesSent", queue, until=measures.now)
    counts = {"calls": calls, "failed_calls": failed, "throttled_calls": throttled, "dead_letters": letters}
    return Told(_function_fault(counts, dropped, unkept), counts)


def _function_fault(counts: Mapping[str, float], dropped: float, unkept: float) -> str:
    calls, failed, letters = (counts[each] for each in ("calls", "failed_calls", "dead_letters"))
    if unkept:
        return f"{unkept:.0f} batches of the last day were not taken, and could not be kept as dead letters"
    if letters or dropped:
        return f"{max(letters, dropped):.0f} batches of the last day were not taken, and are dead letters"
    if failed and failed >= calls:
        return f"each of {calls:.0f} calls of the function that ships failed"
    if counts["throttled_calls"] and not calls:
        return f"the function that ships was throttled {counts['throttled_calls']:.0f} times and never ran"
    return ""


def by_stream(measures: Measures, stream: str, shipment: Shipment) -> Told:
    """What the stream did with the events."""
    name, ship = {"DeliveryStreamName": stream}, shipment.ship
    place, buffer = ("HttpEndpoint", ship.http.buffer) if ship.http else ("S3", ship.s3.buffer if ship.s3 else DAY)
    metric = f"AWS/Firehose DeliveryTo{place}"
    waits = measures.values(
        f"{metric}.DataFreshness", name, statistic="Maximum", since=RECENT - SETTLES, until=measures.now
    )
    oldest = waits[0] if waits else 0.0
    throttled = measures.total("AWS/Firehose ThrottledRecords", name)
    counts = {"oldest_event_seconds": oldest, "throttled_records": throttled}
    if oldest > FRESHNESS_SECONDS + buffer.total_seconds():
        return Told(f"the oldest event in {stream} has waited for {oldest / 60:.0f} minutes", counts)
    if ship.http:
        return Told(_endpoint_fault(measures, name), counts)
    return Told("", counts)


def _endpoint_fault(measures: Measures, name: Mapping[str, str]) -> str:
    """An endpoint's bucket gets only what the endpoint did not take."""
    taken = measures.values("AWS/Firehose DeliveryToHttpEndpoint.Success", name, statistic="Average", since=RECENT)
    if taken and not any(taken):
        return "the endpoint took nothing of what was posted to it in the last hour"
    put_away = measures.total("AWS/Firehose DeliveryToS3.Success", name, until=measures.now)
    if put_away:
        return f"{put_away:.0f} batches of the last day were not taken by the endpoint, and lie in its bucket"
    return ""
