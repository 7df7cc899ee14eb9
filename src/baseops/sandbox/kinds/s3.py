"""Amazon S3: buckets and their policies."""

from __future__ import annotations

from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
from baseops.sandbox.kinds.s3_configuration import CONFIGURATIONS, absent_as_none
from baseops.sandbox.kinds.shapes import as_bool, as_text, document, tag_list, tag_map

_DOMAINS = {
    "DomainName": "{0}.s3.amazonaws.com",
    "DualStackDomainName": "{0}.s3.dualstack.{1}.amazonaws.com",
    "RegionalDomainName": "{0}.s3.{1}.amazonaws.com",
    "WebsiteURL": "http://{0}.s3-website-{1}.amazonaws.com",
}


class Bucket(Kind):
    """A bucket; one that is not empty cannot be deleted."""

    type = "AWS::S3::Bucket"
    service = "s3"
    properties = frozenset({"BucketName", "ObjectLockEnabled", "Tags", *CONFIGURATIONS})
    create_only = frozenset({"BucketName"})
    attributes = frozenset({"Arn", *_DOMAINS})
    identifier = ("BucketName",)
    name_property = "BucketName"
    name_limit = 63
    lower_names = True
    seconds = 20.0
    tags = "list"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        client = ctx.client("s3")
        name = as_text(props.get("BucketName", name))
        place = {} if ctx.region == "us-east-1" else {"LocationConstraint": ctx.region}
        client.create_bucket(
            Bucket=name,
            ObjectLockEnabledForBucket=as_bool(props.get("ObjectLockEnabled", False)),
            **({"CreateBucketConfiguration": place} if place else {}),
        )
        try:
            self.update(ctx, name, {}, props)
        except client.exceptions.ClientError:
            client.delete_bucket(Bucket=name)
            raise
        return name

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        domains = {name: pattern.format(physical_id, ctx.region) for name, pattern in _DOMAINS.items()}
        return {"Arn": f"arn:aws:s3:::{physical_id}", **domains}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("s3")
        owned = [each["Name"] for each in client.list_buckets()["Buckets"]]
        if physical_id not in owned:
            return None
        found = {name: each.read(client, physical_id) for name, each in CONFIGURATIONS.items()}
        live = {name: value for name, value in found.items() if value is not None}
        lock = live.get("ObjectLockConfiguration")
        tags = absent_as_none(lambda: client.get_bucket_tagging(Bucket=physical_id)["TagSet"])
        return {"BucketName": physical_id, **live, "Tags": tags or [], "ObjectLockEnabled": lock is not None}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        client = ctx.client("s3")
        for name, each in CONFIGURATIONS.items():
            if old.get(name) != new.get(name):
                each.write(client, physical_id, new.get(name))
        before, after = (tag_map(props.get("Tags", ())) for props in (old, new))
        if after and before != after:
            client.put_bucket_tagging(Bucket=physical_id, Tagging={"TagSet": tag_list(after)})
        elif before and not after:
            client.delete_bucket_tagging(Bucket=physical_id)

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("s3").delete_bucket(Bucket=physical_id)

    def example(self) -> Example:
        rule = {
            "Id": "forget",
            "Status": "Enabled",
            "ExpirationInDays": 30,
            "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
        default = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
        block = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        notification = {"Event": "s3:ObjectCreated:*", "Queue": {"Fn::GetAtt": ["Queue", "Arn"]}}
        properties = {
            "BucketName": "example-one-111111111111",
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [default]},
            "LifecycleConfiguration": {"Rules": [rule]},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": dict.fromkeys(block, True),
            "Tags": [{"Key": "owner", "Value": "a"}],
            "VersioningConfiguration": {"Status": "Enabled"},
        }
        return Example(
            properties,
            changed={
                **properties,
                "LifecycleConfiguration": {"Rules": [{**rule, "ExpirationInDays": 60}]},
                "NotificationConfiguration": {"QueueConfigurations": [notification]},
                "Tags": [{"Key": "owner", "Value": "b"}],
            },
            replaced={**properties, "BucketName": "example-two-111111111111"},
            beside={"Queue": {"Type": "AWS::SQS::Queue"}},
        )


class BucketPolicy(Kind):
    """The policy of one bucket."""

    type = "AWS::S3::BucketPolicy"
    service = "s3"
    properties = frozenset({"Bucket", "PolicyDocument"})
    required = properties
    create_only = frozenset({"Bucket"})
    identifier = ("Bucket",)
    name_property = "Bucket"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        self.update(ctx, as_text(props["Bucket"]), {}, props)
        return as_text(props["Bucket"])

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        client = ctx.client("s3")
        policy = absent_as_none(lambda: client.get_bucket_policy(Bucket=physical_id)["Policy"])
        return None if policy is None else {"Bucket": physical_id, "PolicyDocument": document(policy)}

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        ctx.client("s3").put_bucket_policy(Bucket=physical_id, Policy=as_text(new["PolicyDocument"]))

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        ctx.client("s3").delete_bucket_policy(Bucket=physical_id)

    def example(self) -> Example:
        statement = {
            "Sid": "Encrypted",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": {"Fn::GetAtt": ["Bucket", "Arn"]},
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        other = {**policy, "Statement": [{**statement, "Sid": "OnlyEncrypted"}]}
        return Example(
            {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": policy},
            changed={"Bucket": {"Ref": "Bucket"}, "PolicyDocument": other},
            replaced={"Bucket": {"Ref": "Other"}, "PolicyDocument": policy},
            beside={"Bucket": {"Type": "AWS::S3::Bucket"}, "Other": {"Type": "AWS::S3::Bucket"}},
        )


KINDS = (Bucket(), BucketPolicy())
