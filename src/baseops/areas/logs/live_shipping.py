"""Asks whether events go on to where they are shipped: live subscriptions, their destinations, what was not delivered.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from baseops.areas.logs import names
from baseops.areas.logs.carried import Measures, Told, by_function, by_stream
from baseops.areas.logs.shipping import Shipment, shipments
from baseops.aws.errors import translated
from baseops.aws.roles import read_role
from baseops.contract.drill import DrillContext, Evidence, proven, refuted
from baseops.errors import NotFoundError
from baseops.semantics.partitions import partition_of
from baseops.semantics.policies import Context, Policies, Policy, Principal, Request, evaluate

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Entry, Section, Ship

# Any: botocore's clients and answers.

_BY_FUNCTION = ("opensearch", "opensearch_ingestion")


def ships(section: Section, ctx: DrillContext) -> Iterator[Evidence]:
    """Each declared shipment has its subscription, whose destination takes what comes and got all of the last day."""
    measures = Measures(ctx)
    for name, entry in section.managed.items():
        if not entry.ship:
            continue
        live = _subscriptions(ctx, entry.group.name)
        for each in shipments(entry):
            target = f"logs.{name}/{each.name}"
            found = live.get(each.name)
            why = _fault(ctx, name, entry, each, found) if found else f"{entry.group.name} has no such subscription"
            if why or not found:
                yield refuted(target, why)
            else:
                yield _delivered(measures, target, entry, each, _told(measures, each, str(found["destinationArn"])))


def _delivered(measures: Measures, target: str, entry: Entry, shipment: Shipment, told: Told) -> Evidence:
    group = {"LogGroupName": entry.group.name}
    kind = "Lambda" if shipment.kind in _BY_FUNCTION else "Firehose"
    here = {**group, "DestinationType": kind, "FilterName": shipment.name}
    lost, sent = (
        measures.total(f"AWS/Logs {each}", here, until=measures.now)
        for each in ("DeliveryErrors", "ForwardedLogEvents")
    )
    counts = {"forwarded_events": sent, "undelivered_events": lost, **told.measures}
    if lost:
        return refuted(target, f"{lost:.0f} events of the last day could not be delivered", measures=counts)
    if shipment.ship.pattern == "" and not sent and measures.total("AWS/Logs IncomingLogEvents", group):
        return refuted(target, "events came within the last day, and none was sent on", measures=counts)
    if told.fault:
        return refuted(target, told.fault, measures=counts)
    return proven(target, f"{sent:.0f} events of the last day were sent on, and taken", measures=counts)


def _told(measures: Measures, shipment: Shipment, carrier: str) -> Told:
    if shipment.kind not in _BY_FUNCTION:
        return by_stream(measures, carrier.rpartition("/")[2], shipment)
    client = measures.ctx.clients.client("lambda", measures.ctx.site.region)
    with translated("cannot read the function that ships"):
        configuration = client.get_function_configuration(FunctionName=carrier)
    return by_function(measures, configuration)


def _subscriptions(ctx: DrillContext, group: str) -> dict[str, Mapping[str, Any]]:
    try:
        with translated(f"cannot read the subscriptions of {group}"):
            client = ctx.clients.client("logs", ctx.site.region)
            pages = client.get_paginator("describe_subscription_filters").paginate(logGroupName=group)
            return {each["filterName"]: each for page in pages for each in page["subscriptionFilters"]}
    except NotFoundError:
        return {}


def _fault(ctx: DrillContext, name: str, entry: Entry, shipment: Shipment, live: Mapping[str, Any]) -> str:
    if live["filterPattern"] != shipment.ship.pattern:
        return "the pattern of the live subscription is not the declared one"
    arn = str(live["destinationArn"])
    if shipment.kind in _BY_FUNCTION:
        return _function_fault(ctx, entry, arn, shipment.ship)
    stream = names.stream_name(ctx.site, name, shipment.name)
    if arn.rpartition("/")[2] != stream:
        return f"the live subscription sends to {arn.rpartition('/')[2]}, not to {stream}"
    return _stream_fault(ctx, arn, stream, str(live.get("roleArn", "")))


def _stream_fault(ctx: DrillContext, arn: str, stream: str, role_arn: str) -> str:
    try:
        with translated(f"cannot describe the delivery stream {stream}"):
            firehose = ctx.clients.client("firehose", ctx.site.region)
            found = firehose.describe_delivery_stream(DeliveryStreamName=stream)["DeliveryStreamDescription"]
    except NotFoundError:
        return f"there is no delivery stream {stream}"
    if found["DeliveryStreamStatus"] != "ACTIVE":
        return f"the delivery stream {stream} is {found['DeliveryStreamStatus']}"
    try:
        role = read_role(ctx.clients, role_arn)
    except NotFoundError:
        return "the subscription's role does not exist"
    place = arn.rpartition(":deliverystream/")[0].replace(":firehose:", ":logs:")
    if not role.trusts("logs.amazonaws.com", {"aws:SourceAccount": ctx.account, "aws:SourceArn": f"{place}:any"}):
        return "CloudWatch Logs may not assume the subscription's role"
    missing = [each for each in ("firehose:PutRecord", "firehose:PutRecordBatch") if not role.may(each, arn)]
    return f"the subscription's role may not call {missing[0]}" if missing else ""


def _function_fault(ctx: DrillContext, entry: Entry, arn: str, ship: Ship) -> str:
    client = ctx.clients.client("lambda", ctx.site.region)
    try:
        with translated("cannot read the function that ships"):
            configuration = client.get_function_configuration(FunctionName=arn)
            policy = Policy.parse(json.loads(client.get_policy(FunctionName=arn)["Policy"]), "function")
    except NotFoundError:
        return "the function that ships is not there, or nothing may call it"
    state = configuration.get("State", "Active")
    if state not in ("Active", "Inactive"):
        return f"the function that ships is {state}"
    group = f"{arn.partition(':function:')[0].replace(':lambda:', ':logs:')}:log-group:{entry.group.name}:*"
    told = Context({"aws:SourceAccount": ctx.account, "aws:SourceArn": group})
    callers = ("logs.amazonaws.com", f"logs.{ctx.site.region}.amazonaws.com")
    asked = [Request(Principal.parse(each), "lambda:InvokeFunction", arn, told) for each in callers]
    allowed = any(evaluate(each, Policies(resource=policy)).allowed for each in asked)
    if not allowed:
        return "CloudWatch Logs may not call the function that ships"
    return _role_fault(ctx, str(configuration["Role"]), ship)


def _role_fault(ctx: DrillContext, role_arn: str, ship: Ship) -> str:
    """Whether the function's role may give events to the receiver."""
    action, resource = "osis:Ingest", ship.opensearch_ingestion.pipeline if ship.opensearch_ingestion else ""
    if ship.opensearch:
        place = f"arn:{partition_of(ctx.site.region)}:es:{ctx.site.region}:{ctx.account}"
        action, resource = "es:ESHttpPost", f"{place}:domain/{ship.opensearch.domain}/_bulk"
    try:
        role = read_role(ctx.clients, role_arn)
    except NotFoundError:
        return "the role of the function that ships does not exist"
    return "" if role.may(action, resource) else f"the role of the function that ships may not call {action}"
