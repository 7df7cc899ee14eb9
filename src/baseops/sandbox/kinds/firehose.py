"""Amazon Data Firehose: delivery streams to a bucket and to an HTTP endpoint."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.kinds.kind import Attributes, Context, Example, HandlerError, Kind, Props
from baseops.sandbox.kinds.shapes import as_text, call, only, tag_changes, tag_list

_DESTINATIONS = {
    "ExtendedS3DestinationConfiguration": ("ExtendedS3DestinationUpdate", "ExtendedS3DestinationDescription"),
    "HttpEndpointDestinationConfiguration": ("HttpEndpointDestinationUpdate", "HttpEndpointDestinationDescription"),
}
# What a description calls otherwise than a configuration, or never shows.
_SHOWN_OTHERWISE = ("S3Configuration", "S3BackupConfiguration")


class DeliveryStream(Kind):
    """A stream into which others put; its destination changes in place, its kind of destination does not."""

    type = "AWS::KinesisFirehose::DeliveryStream"
    service = "firehose"
    properties = frozenset(
        {
            *_DESTINATIONS,
            "DeliveryStreamEncryptionConfigurationInput",
            "DeliveryStreamName",
            "DeliveryStreamType",
            "Tags",
        }
    )
    create_only = frozenset({"DeliveryStreamName", "DeliveryStreamType"})
    write_only = frozenset({"HttpEndpointDestinationConfiguration"})
    attributes = frozenset({"Arn"})
    identifier = ("DeliveryStreamName",)
    name_property = "DeliveryStreamName"
    name_limit = 64
    seconds = 60.0
    delete_seconds = 30.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        name = as_text(props.get("DeliveryStreamName", name))
        call(ctx.client("firehose"), "create_delivery_stream", {**props, "DeliveryStreamName": name})
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        return {"Arn": ctx.arn("firehose", f"deliverystream/{physical_id}")}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("firehose")
        try:
            found = client.describe_delivery_stream(DeliveryStreamName=physical_id)["DeliveryStreamDescription"]
        except client.exceptions.ResourceNotFoundException:
            return None
        shown = only(found, ("DeliveryStreamName", "DeliveryStreamType"))
        encryption = found.get("DeliveryStreamEncryptionConfiguration", {})
        if "KeyType" in encryption:
            shown["DeliveryStreamEncryptionConfigurationInput"] = only(encryption, ("KeyARN", "KeyType"))
        for name, (_, described) in _DESTINATIONS.items():
            if name in props and described in found["Destinations"][0]:
                shown[name] = _configuration(found["Destinations"][0][described], props[name])
        return {**shown, "Tags": client.list_tags_for_delivery_stream(DeliveryStreamName=physical_id)["Tags"]}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("firehose")
        for name, (update, _) in _DESTINATIONS.items():
            if (name in old) != (name in new):
                raise HandlerError("Changing the destination type is not supported", "NotUpdatable")
            if name in new and old[name] != new[name]:
                _change(client, physical_id, update, new[name])
        if old.get("DeliveryStreamEncryptionConfigurationInput") != new.get(
            "DeliveryStreamEncryptionConfigurationInput"
        ):
            _encrypt(client, physical_id, new.get("DeliveryStreamEncryptionConfigurationInput"))
        changed, removed = tag_changes(old, new)
        if changed:
            client.tag_delivery_stream(DeliveryStreamName=physical_id, Tags=tag_list(changed))
        if removed:
            client.untag_delivery_stream(DeliveryStreamName=physical_id, TagKeys=removed)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("firehose").delete_delivery_stream(DeliveryStreamName=physical_id)

    def example(self) -> Example:
        trust = {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}
        role = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
        destination = {
            "BucketARN": {"Fn::GetAtt": ["Bucket", "Arn"]},
            "RoleARN": {"Fn::GetAtt": ["Role", "Arn"]},
            "Prefix": "logs/",
            "BufferingHints": {"IntervalInSeconds": 60, "SizeInMBs": 5},
        }
        properties = {"DeliveryStreamName": "example", "ExtendedS3DestinationConfiguration": destination}
        return Example(
            properties,
            changed={**properties, "ExtendedS3DestinationConfiguration": {**destination, "Prefix": "events/"}},
            replaced={**properties, "DeliveryStreamName": "another"},
            beside={
                "Bucket": {"Type": "AWS::S3::Bucket"},
                "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            },
        )


def _configuration(described: Any, given: Any) -> dict[str, Any]:
    """What a description says of the properties that were given."""
    found = only(described, set(given) - set(_SHOWN_OTHERWISE))
    return {**found, **only(given, _SHOWN_OTHERWISE)}


def _change(client: Any, name: str, update: str, destination: Props) -> None:
    found = client.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    renamed = {"S3Configuration": "S3Update", "S3BackupConfiguration": "S3BackupUpdate"}
    values = {renamed.get(key, key): value for key, value in destination.items()}
    place = {
        "DeliveryStreamName": name,
        "CurrentDeliveryStreamVersionId": found["VersionId"],
        "DestinationId": found["Destinations"][0]["DestinationId"],
    }
    call(client, "update_destination", {**place, update: values})


def _encrypt(client: Any, name: str, encryption: Props | None) -> None:
    if encryption is None:
        client.stop_delivery_stream_encryption(DeliveryStreamName=name)
    else:
        place = {"DeliveryStreamName": name, "DeliveryStreamEncryptionConfigurationInput": encryption}
        call(client, "start_delivery_stream_encryption", place)


KINDS = (DeliveryStream(),)
