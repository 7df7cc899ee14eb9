"""Amazon SES: identities, configuration sets and their event destinations, receipt rules."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.shapes import as_bool, as_text, call, only, tag_changes, tag_list

# Any throughout: values are JSON of whatever shape the API's model says, and botocore's classes exist at run time.

_EVENT_TYPES = {
    "send": "SEND",
    "reject": "REJECT",
    "bounce": "BOUNCE",
    "complaint": "COMPLAINT",
    "delivery": "DELIVERY",
    "open": "OPEN",
    "click": "CLICK",
    "renderingfailure": "RENDERING_FAILURE",
    "deliverydelay": "DELIVERY_DELAY",
    "subscription": "SUBSCRIPTION",
}
_SOURCES = {"messagetag": "MESSAGE_TAG", "emailheader": "EMAIL_HEADER", "linktag": "LINK_TAG"}


class EmailIdentity(Kind):
    """A domain or an address; CloudFormation never waits for its verification."""

    type = "AWS::SES::EmailIdentity"
    service = "sesv2"
    properties = frozenset(
        {
            "ConfigurationSetAttributes",
            "DkimAttributes",
            "DkimSigningAttributes",
            "EmailIdentity",
            "FeedbackAttributes",
            "MailFromAttributes",
            "Tags",
        }
    )
    required = frozenset({"EmailIdentity"})
    create_only = frozenset({"EmailIdentity"})
    write_only = frozenset({"DkimSigningAttributes"})
    attributes = frozenset(f"DkimDNSToken{word}{number}" for word in ("Name", "Value") for number in (1, 2, 3))
    identifier = ("EmailIdentity",)
    name_property = "EmailIdentity"
    seconds = 5.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("sesv2")
        name = as_text(props["EmailIdentity"])
        given: dict[str, Any] = {"EmailIdentity": name, "Tags": list(props.get("Tags", ())) or None}
        given["DkimSigningAttributes"] = props.get("DkimSigningAttributes")
        given["ConfigurationSetName"] = props.get("ConfigurationSetAttributes", {}).get("ConfigurationSetName")
        call(client, "create_email_identity", given)
        try:
            self._put_rest(client, name, {}, {key: props[key] for key in _PUT_AFTERWARDS if key in props})
        except Exception:
            client.delete_email_identity(EmailIdentity=name)
            raise
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        dkim = ctx.client("sesv2").get_email_identity(EmailIdentity=physical_id)["DkimAttributes"]
        zone = dkim.get("SigningHostedZone", "")
        found = dict.fromkeys(self.attributes, "")
        for number, token in enumerate(dkim.get("Tokens", ()) if zone else (), 1):
            found[f"DkimDNSTokenName{number}"] = f"{token}._domainkey.{physical_id}"
            found[f"DkimDNSTokenValue{number}"] = f"{token}.{zone}"
        return found

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("sesv2")
        try:
            live = client.get_email_identity(EmailIdentity=physical_id)
        except client.exceptions.NotFoundException:
            return None
        mail_from = only(live["MailFromAttributes"], ("MailFromDomain", "BehaviorOnMxFailure"))
        found = {
            "EmailIdentity": physical_id,
            "DkimAttributes": only(live["DkimAttributes"], ("SigningEnabled",)),
            "FeedbackAttributes": {"EmailForwardingEnabled": live["FeedbackForwardingStatus"]},
            "ConfigurationSetAttributes": only(live, ("ConfigurationSetName",)),
            "Tags": live.get("Tags", []),
        }
        return {**found, "MailFromAttributes": mail_from} if "MailFromDomain" in mail_from else found

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("sesv2")
        self._put_rest(client, physical_id, old, new)
        changed, removed = tag_changes(old, new)
        arn = ctx.arn("ses", f"identity/{physical_id}")
        _tag(client, arn, changed, removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("sesv2").delete_email_identity(EmailIdentity=physical_id)

    def example(self) -> Example:
        mail_from = {"MailFromDomain": "bounce.acme.example", "BehaviorOnMxFailure": "USE_DEFAULT_VALUE"}
        properties = {"EmailIdentity": "acme.example", "MailFromAttributes": mail_from}
        rejecting = {**mail_from, "BehaviorOnMxFailure": "REJECT_MESSAGE"}
        return Example(
            properties,
            changed={**properties, "MailFromAttributes": rejecting, "Tags": [{"Key": "owner", "Value": "platform"}]},
            replaced={"EmailIdentity": "other.example"},
        )

    def _put_rest(self, client: Any, name: str, old: Props, new: Props) -> None:
        """What has an operation of its own, where it changed."""
        for group, (operation, spread) in _PUT_AFTERWARDS.items():
            if old.get(group) != new.get(group):
                call(client, operation, {"EmailIdentity": name, **spread(new.get(group, {}))})


def _signing(attributes: Props) -> dict[str, Any]:
    origin = "EXTERNAL" if attributes.get("DomainSigningSelector") else "AWS_SES"
    return {"SigningAttributesOrigin": origin, "SigningAttributes": dict(attributes)}


_PUT_AFTERWARDS: dict[str, tuple[str, Any]] = {
    "ConfigurationSetAttributes": ("put_email_identity_configuration_set_attributes", dict),
    "DkimAttributes": ("put_email_identity_dkim_attributes", lambda given: {"SigningEnabled": True, **given}),
    "DkimSigningAttributes": ("put_email_identity_dkim_signing_attributes", _signing),
    "FeedbackAttributes": (
        "put_email_identity_feedback_attributes",
        lambda given: {"EmailForwardingEnabled": True, **given},
    ),
    "MailFromAttributes": ("put_email_identity_mail_from_attributes", dict),
}


class ConfigurationSet(Kind):
    """A configuration set without its event destinations."""

    type = "AWS::SES::ConfigurationSet"
    service = "sesv2"
    properties = frozenset(
        {
            "ArchivingOptions",
            "DeliveryOptions",
            "Name",
            "ReputationOptions",
            "SendingOptions",
            "SuppressionOptions",
            "Tags",
            "TrackingOptions",
            "VdmOptions",
        }
    )
    create_only = frozenset({"Name"})
    identifier = ("Name",)
    name_property = "Name"
    name_limit = 64
    seconds = 3.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        name = as_text(props.get("Name", name))
        rest = {key: value for key, value in props.items() if key != "Name"}
        call(ctx.client("sesv2"), "create_configuration_set", {**rest, "ConfigurationSetName": name})
        return name

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("sesv2")
        try:
            live = client.get_configuration_set(ConfigurationSetName=physical_id)
        except client.exceptions.NotFoundException:
            return None
        return {**only(live, self.properties), "Name": physical_id}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("sesv2")
        for group, operation in _SET_OPERATIONS.items():
            if old.get(group) != new.get(group):
                call(client, operation, {"ConfigurationSetName": physical_id, **new.get(group, {})})
        if old.get("VdmOptions") != new.get("VdmOptions"):
            given = {"ConfigurationSetName": physical_id, "VdmOptions": new.get("VdmOptions", {})}
            call(client, "put_configuration_set_vdm_options", given)
        changed, removed = tag_changes(old, new)
        _tag(client, ctx.arn("ses", f"configuration-set/{physical_id}"), changed, removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("sesv2").delete_configuration_set(ConfigurationSetName=physical_id)

    def example(self) -> Example:
        properties = {"Name": "transactional", "DeliveryOptions": {"TlsPolicy": "REQUIRE"}}
        return Example(
            properties,
            changed={**properties, "SuppressionOptions": {"SuppressedReasons": []}},
            replaced={**properties, "Name": "marketing"},
        )


_SET_OPERATIONS = {
    "DeliveryOptions": "put_configuration_set_delivery_options",
    "ReputationOptions": "put_configuration_set_reputation_options",
    "SendingOptions": "put_configuration_set_sending_options",
    "SuppressionOptions": "put_configuration_set_suppression_options",
    "TrackingOptions": "put_configuration_set_tracking_options",
}


class ConfigurationSetEventDestination(Kind):
    """One destination of a configuration set's events."""

    type = "AWS::SES::ConfigurationSetEventDestination"
    service = "sesv2"
    properties = frozenset({"ConfigurationSetName", "EventDestination"})
    required = properties
    create_only = frozenset({"ConfigurationSetName"})
    conditional = frozenset({"EventDestination"})
    attributes = frozenset({"Id"})
    identifier = ("Id", "ConfigurationSetName")
    importable = False

    def create(self, ctx: Context, props: Props, name: str) -> str:
        chosen = as_text(props["EventDestination"].get("Name", name))[:64]
        call(ctx.client("sesv2"), "create_configuration_set_event_destination", _destination(props, chosen))
        return f"{props['ConfigurationSetName']}|{chosen}"

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Id": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("sesv2")
        set_name, _, name = physical_id.partition("|")
        try:
            live = client.get_configuration_set_event_destinations(ConfigurationSetName=set_name)
        except client.exceptions.NotFoundException:
            return None
        found = [each for each in live["EventDestinations"] if each["Name"] == name]
        if not found:
            return None
        return {"ConfigurationSetName": set_name, "EventDestination": _written(found[0], props["EventDestination"])}

    def must_replace(self, old: Props, new: Props) -> bool:
        names = [props["EventDestination"].get("Name") for props in (old, new)]
        return super().must_replace(old, new) or names[0] != names[1]

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        name = physical_id.partition("|")[2]
        call(ctx.client("sesv2"), "update_configuration_set_event_destination", _destination(new, name))

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        set_name, _, name = physical_id.partition("|")
        ctx.client("sesv2").delete_configuration_set_event_destination(
            ConfigurationSetName=set_name, EventDestinationName=name
        )

    def example(self) -> Example:
        dimension = {
            "DimensionName": "stream",
            "DimensionValueSource": "messageTag",
            "DefaultDimensionValue": "none",
        }
        destination = {
            "Name": "metrics",
            "Enabled": True,
            "MatchingEventTypes": ["bounce", "renderingFailure"],
            "CloudWatchDestination": {"DimensionConfigurations": [dimension]},
        }
        properties = {"ConfigurationSetName": {"Ref": "Set"}, "EventDestination": destination}
        return Example(
            properties,
            changed={**properties, "EventDestination": {**destination, "MatchingEventTypes": ["bounce"]}},
            replaced={**properties, "ConfigurationSetName": {"Ref": "Other"}},
            beside={
                "Set": {"Type": "AWS::SES::ConfigurationSet", "Properties": {"Name": "transactional"}},
                "Other": {"Type": "AWS::SES::ConfigurationSet", "Properties": {"Name": "marketing"}},
            },
        )


def _destination(props: Props, name: str) -> dict[str, Any]:
    """A template's destination as the API takes it: its own words for events and sources, and `Arn` for `ARN`."""
    given = {key: value for key, value in props["EventDestination"].items() if key != "Name"}
    given["MatchingEventTypes"] = [_EVENT_TYPES.get(each.lower(), each) for each in given["MatchingEventTypes"]]
    if "CloudWatchDestination" in given:
        dimensions = given["CloudWatchDestination"].get("DimensionConfigurations", [])
        given["CloudWatchDestination"] = {"DimensionConfigurations": [_sourced(each) for each in dimensions]}
    return {
        "ConfigurationSetName": props["ConfigurationSetName"],
        "EventDestinationName": name,
        "EventDestination": given,
    }


def _sourced(dimension: Props) -> dict[str, Any]:
    source = as_text(dimension["DimensionValueSource"])
    return {**dimension, "DimensionValueSource": _SOURCES.get(source.lower(), source)}


def _written(live: Props, declared: Props) -> dict[str, Any]:
    """A live destination in the template's words: spelled as declared where it means the same."""
    same = _destination({"ConfigurationSetName": "", "EventDestination": declared}, live["Name"])["EventDestination"]
    found: dict[str, Any] = {} if "Name" not in declared else {"Name": live["Name"]}
    for key, value in live.items():
        if key == "Name":
            continue
        written = next((name for name in declared if name.lower() == key.lower()), key)
        is_same = _plain(same.get(written)) == _plain(value)
        found[written] = declared[written] if written in declared and is_same else value
    return found


def _plain(value: Any) -> Any:
    """A value with keys in one spelling and truth as truth, for comparing."""
    if isinstance(value, dict):
        return {key.lower(): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return sorted((_plain(each) for each in value), key=repr)
    return as_bool(value) if value in (True, False, "true", "false") else value


class ReceiptRuleSet(Kind):
    """A set of receipt rules; which one is active is no part of it."""

    type = "AWS::SES::ReceiptRuleSet"
    service = "ses"
    properties = frozenset({"RuleSetName"})
    create_only = properties
    identifier = ("RuleSetName",)
    name_property = "RuleSetName"
    name_limit = 64

    def create(self, ctx: Context, props: Props, name: str) -> str:
        name = as_text(props.get("RuleSetName", name))
        ctx.client("ses").create_receipt_rule_set(RuleSetName=name)
        return name

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        return {"RuleSetName": physical_id} if _rule_set(ctx, physical_id) else None

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("ses").delete_receipt_rule_set(RuleSetName=physical_id)

    def example(self) -> Example:
        return Example({"RuleSetName": "inbound"}, replaced={"RuleSetName": "received"})


class ReceiptRule(Kind):
    """A rule of a receipt rule set; `After` places it and cannot be read."""

    type = "AWS::SES::ReceiptRule"
    service = "ses"
    properties = frozenset({"After", "Rule", "RuleSetName"})
    required = frozenset({"Rule", "RuleSetName"})
    create_only = frozenset({"RuleSetName"})
    conditional = frozenset({"Rule"})
    write_only = frozenset({"After"})
    attributes = frozenset({"RuleName"})
    identifier = ("RuleName", "RuleSetName")
    importable = False

    def create(self, ctx: Context, props: Props, name: str) -> str:
        rule = {**props["Rule"], "Name": as_text(props["Rule"].get("Name", name))[:64]}
        given = {"RuleSetName": props["RuleSetName"], "Rule": rule, "After": props.get("After")}
        call(ctx.client("ses"), "create_receipt_rule", given)
        return str(rule["Name"])

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"RuleName": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        found = _rule_set(ctx, as_text(props["RuleSetName"]))
        rules = [each for each in found["Rules"] if each["Name"] == physical_id] if found else []
        return {"RuleSetName": props["RuleSetName"], "Rule": rules[0]} if rules else None

    def must_replace(self, old: Props, new: Props) -> bool:
        return super().must_replace(old, new) or old["Rule"].get("Name") != new["Rule"].get("Name")

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("ses")
        given = {"RuleSetName": new["RuleSetName"], "Rule": {**new["Rule"], "Name": physical_id}}
        call(client, "update_receipt_rule", given)
        if old.get("After") != new.get("After"):
            place = {"RuleSetName": new["RuleSetName"], "RuleName": physical_id, "After": new.get("After")}
            call(client, "set_receipt_rule_position", place)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("ses").delete_receipt_rule(RuleSetName=props["RuleSetName"], RuleName=physical_id)

    def example(self) -> Example:
        rule = {"Name": "stop", "Enabled": True, "Recipients": ["acme.example"], "TlsPolicy": "Require"}
        rule["Actions"] = [{"StopAction": {"Scope": "RuleSet"}}]
        properties = {"RuleSetName": {"Ref": "Rules"}, "Rule": rule}
        return Example(
            properties,
            changed={**properties, "Rule": {**rule, "Recipients": ["replies@acme.example"]}},
            replaced={"RuleSetName": {"Ref": "Other"}, "Rule": {**rule, "Name": "halt"}},
            beside={
                "Rules": {"Type": "AWS::SES::ReceiptRuleSet", "Properties": {"RuleSetName": "inbound"}},
                "Other": {"Type": "AWS::SES::ReceiptRuleSet", "Properties": {"RuleSetName": "other"}},
            },
        )


def _rule_set(ctx: Context, name: str) -> Props | None:
    client = ctx.client("ses")
    try:
        found: Props = client.describe_receipt_rule_set(RuleSetName=name)
    except client.exceptions.RuleSetDoesNotExistException:
        return None
    return {"Rules": [], **found}


def _tag(client: Any, arn: str, changed: dict[str, str], removed: list[str]) -> None:
    if changed:
        client.tag_resource(ResourceArn=arn, Tags=tag_list(changed))
    if removed:
        client.untag_resource(ResourceArn=arn, TagKeys=removed)


KINDS = (EmailIdentity(), ConfigurationSet(), ConfigurationSetEventDestination(), ReceiptRuleSet(), ReceiptRule())
