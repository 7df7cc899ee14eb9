"""Amazon Route 53: hosted zones, record sets, and groups of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, HandlerError, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, fit, only, tag_changes, tag_list

# Any throughout: values are JSON of whatever shape the API's model says, and botocore's classes exist at run time.

_SET_KEYS = frozenset(
    {
        "AliasTarget",
        "CidrRoutingConfig",
        "Failover",
        "GeoLocation",
        "GeoProximityLocation",
        "HealthCheckId",
        "MultiValueAnswer",
        "Name",
        "Region",
        "ResourceRecords",
        "SetIdentifier",
        "TTL",
        "Type",
        "Weight",
    }
)


class HostedZone(Kind):
    """A hosted zone; one with records other than its own NS and SOA cannot be deleted."""

    type = "AWS::Route53::HostedZone"
    service = "route53"
    properties = frozenset({"HostedZoneConfig", "HostedZoneTags", "Name", "VPCs"})
    create_only = frozenset({"Name"})
    attributes = frozenset({"Id", "NameServers"})
    identifier = ("Id",)
    seconds = 30.0
    tags = "list"
    tag_property = "HostedZoneTags"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("route53")
        given: dict[str, Any] = {"Name": props["Name"], "CallerReference": name}
        if "HostedZoneConfig" in props:
            given["HostedZoneConfig"] = dict(props["HostedZoneConfig"])
        if props.get("VPCs"):
            given["VPC"] = dict(props["VPCs"][0])
        zone_id = _bare(client.create_hosted_zone(**given)["HostedZone"]["Id"])
        self._tag(client, zone_id, {}, props)
        return zone_id

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        servers = ctx.client("route53").get_hosted_zone(Id=physical_id).get("DelegationSet", {}).get("NameServers", [])
        return {"Id": physical_id, "NameServers": servers}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("route53")
        try:
            live = client.get_hosted_zone(Id=physical_id)["HostedZone"]
        except client.exceptions.NoSuchHostedZone:
            return None
        tags = client.list_tags_for_resource(ResourceType="hostedzone", ResourceId=physical_id)["ResourceTagSet"]
        found = {"Name": _as_declared(live["Name"], props.get("Name", "")), "HostedZoneTags": tags.get("Tags", [])}
        comment = only(live.get("Config", {}), ("Comment",))
        return {**found, "HostedZoneConfig": comment} if comment else found

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("route53")
        comment = new.get("HostedZoneConfig", {}).get("Comment", "")
        if old.get("HostedZoneConfig") != new.get("HostedZoneConfig"):
            client.update_hosted_zone_comment(Id=physical_id, Comment=comment)
        self._tag(client, physical_id, old, new)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("route53").delete_hosted_zone(Id=physical_id)

    def example(self) -> Example:
        return Example(
            {"Name": "acme.example"},
            changed={"Name": "acme.example", "HostedZoneConfig": {"Comment": "mail"}},
            replaced={"Name": "other.example"},
        )

    def _tag(self, client: Any, zone_id: str, old: Props, new: Props) -> None:
        changed, removed = tag_changes(old, new, self.tag_property)
        if changed or removed:
            client.change_tags_for_resource(
                ResourceType="hostedzone", ResourceId=zone_id, AddTags=tag_list(changed), RemoveTagKeys=removed
            )


class RecordSet(Kind):
    """One record set of a zone that is named by id or by name; an existing one is refused, never taken over."""

    type = "AWS::Route53::RecordSet"
    service = "route53"
    properties = _SET_KEYS | {"Comment", "HostedZoneId", "HostedZoneName"}
    required = frozenset({"Name", "Type"})
    create_only = frozenset({"HostedZoneId", "HostedZoneName", "Name"})
    write_only = frozenset({"Comment", "HostedZoneName"})
    identifier = ("Name", "HostedZoneId", "Type", "SetIdentifier")
    seconds = 30.0
    delete_seconds = 30.0
    importable = False

    def create(self, ctx: Context, props: Props, name: str) -> str:
        _change(ctx, props, [("CREATE", props)])
        return as_text(props["Name"]).rstrip(".")

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        live = _live(ctx, props, props)
        if live is None:
            return None
        return {**_written(live, props), **only(props, ("HostedZoneId",))}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        if _identity(old) == _identity(new):
            _change(ctx, new, [("UPSERT", new)])
        else:
            _change(ctx, new, [("DELETE", old), ("CREATE", new)])

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        # What is there is what has to be named, whoever changed it since.
        live = _live(ctx, props, props)
        if live is not None:
            _change(ctx, props, [("DELETE", live)])

    def example(self) -> Example:
        properties = {
            "HostedZoneId": {"Ref": "Zone"},
            "Name": "bounce.acme.example.",
            "Type": "MX",
            "TTL": "300",
            "ResourceRecords": ["10 feedback-smtp.eu-west-1.amazonses.com"],
        }
        return Example(
            properties,
            changed={**properties, "TTL": "600"},
            replaced={**properties, "Name": "back.acme.example."},
            beside={"Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "acme.example"}}},
        )


class RecordSetGroup(Kind):
    """Several record sets of one zone as one resource."""

    type = "AWS::Route53::RecordSetGroup"
    service = "route53"
    properties = frozenset({"Comment", "HostedZoneId", "HostedZoneName", "RecordSets"})
    create_only = frozenset({"HostedZoneId", "HostedZoneName"})
    write_only = frozenset({"Comment", "HostedZoneName"})
    attributes = frozenset({"Id"})
    identifier = ("Id",)
    seconds = 30.0
    delete_seconds = 30.0
    drift = False
    importable = False

    def create(self, ctx: Context, props: Props, name: str) -> str:
        _change(ctx, props, [("CREATE", each) for each in props.get("RecordSets", ())])
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Id": physical_id}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        sets = [(each, _live(ctx, props, each)) for each in props.get("RecordSets", ())]
        if not any(live for _, live in sets):
            return None
        return {**props, "RecordSets": [_written(live, each) for each, live in sets if live]}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        before = {_identity(each): each for each in old.get("RecordSets", ())}
        after = {_identity(each): each for each in new.get("RecordSets", ())}
        gone = [("DELETE", each) for key, each in before.items() if key not in after]
        kept = [("UPSERT" if key in before else "CREATE", each) for key, each in after.items()]
        _change(ctx, new, gone + kept)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        found = [_live(ctx, props, each) for each in props.get("RecordSets", ())]
        _change(ctx, props, [("DELETE", each) for each in found if each is not None])

    def example(self) -> Example:
        txt = {"Name": "acme.example.", "Type": "TXT", "TTL": "300", "ResourceRecords": ['"v=spf1 -all"']}
        a = {"Name": "www.acme.example.", "Type": "A", "TTL": "300", "ResourceRecords": ["192.0.2.1"]}
        properties = {"HostedZoneId": {"Ref": "Zone"}, "RecordSets": [txt]}
        return Example(
            properties,
            changed={**properties, "RecordSets": [txt, a]},
            beside={"Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "acme.example"}}},
        )


def _change(ctx: Context, owner: Props, changes: list[tuple[str, Props]]) -> None:
    if not changes:
        return
    client = ctx.client("route53")
    shape = client.meta.service_model.shape_for("ResourceRecordSet")
    batch = [{"Action": action, "ResourceRecordSet": fit(shape, _api(each))} for action, each in changes]
    client.change_resource_record_sets(HostedZoneId=_zone_id(ctx, owner), ChangeBatch={"Changes": batch})


def _api(record_set: Mapping[str, Any]) -> dict[str, Any]:
    """A template's record set as the API takes it; the API's own form stays as it is."""
    given = only(record_set, _SET_KEYS)
    if "ResourceRecords" in given:
        values = [each["Value"] if isinstance(each, Mapping) else each for each in given["ResourceRecords"]]
        given["ResourceRecords"] = [{"Value": value} for value in values]
    return given


def _written(live: Mapping[str, Any], declared: Props) -> dict[str, Any]:
    """A live record set in the template's words."""
    found = only(live, _SET_KEYS)
    found["Name"] = _as_declared(live["Name"], as_text(declared["Name"]))
    if "ResourceRecords" in found:
        found["ResourceRecords"] = [each["Value"] for each in found["ResourceRecords"]]
    return {**found, "TTL": as_text(found["TTL"])} if "TTL" in found else found


def _live(ctx: Context, owner: Props, record_set: Props) -> Mapping[str, Any] | None:
    client = ctx.client("route53")
    try:
        pages = client.get_paginator("list_resource_record_sets").paginate(HostedZoneId=_zone_id(ctx, owner))
        found = [each for page in pages for each in page["ResourceRecordSets"]]
    except client.exceptions.NoSuchHostedZone:
        return None
    return next((each for each in found if _identity(each) == _identity(record_set)), None)


def _identity(record_set: Mapping[str, Any]) -> tuple[str, str, str]:
    name = as_text(record_set["Name"]).rstrip(".").lower()
    return name, as_text(record_set["Type"]), as_text(record_set.get("SetIdentifier", ""))


def _zone_id(ctx: Context, owner: Props) -> str:
    if "HostedZoneId" in owner:
        return as_text(owner["HostedZoneId"])
    name = as_text(owner.get("HostedZoneName", ""))
    zones = ctx.client("route53").list_hosted_zones_by_name(DNSName=name)["HostedZones"]
    found = [each for each in zones if each["Name"].rstrip(".") == name.rstrip(".")]
    if len(found) != 1:
        raise HandlerError(f"No hosted zones named {name} found", "InvalidRequest")
    return _bare(found[0]["Id"])


def _bare(zone_id: str) -> str:
    return zone_id.rpartition("/")[2]


def _as_declared(live: str, declared: str) -> str:
    """Names have a final dot in the API; in a template they may do without."""
    return declared if live.rstrip(".").lower() == declared.rstrip(".").lower() else live


KINDS = (HostedZone(), RecordSet(), RecordSetGroup())
