"""How CloudTrail names operations, and which of them it keeps as management events. Knows tables, no state.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
"""

from __future__ import annotations

from collections.abc import Mapping

GLOBAL_SERVICES = {"iam", "route53", "cloudfront", "organizations"}
_SOURCES: Mapping[str, str] = {
    "cloudwatch": "monitoring",
    "sesv2": "ses",
    "stepfunctions": "states",
    "elbv2": "elasticloadbalancing",
    "opensearch": "es",
    "service-quotas": "servicequotas",
    "resourcegroupstaggingapi": "tagging",
    "accessanalyzer": "access-analyzer",
    "s3control": "s3",
}
_NAMES: Mapping[tuple[str, str], str] = {
    ("s3", "ListObjectsV2"): "ListObjects",
    ("s3", "GetBucketLifecycleConfiguration"): "GetBucketLifecycle",
    ("s3", "PutBucketLifecycleConfiguration"): "PutBucketLifecycle",
    ("s3", "GetPublicAccessBlock"): "GetBucketPublicAccessBlock",
    ("s3", "PutPublicAccessBlock"): "PutBucketPublicAccessBlock",
    ("s3", "GetBucketNotificationConfiguration"): "GetBucketNotification",
    ("s3", "PutBucketNotificationConfiguration"): "PutBucketNotification",
}
_LAMBDA_2 = {"AddPermission", "RemovePermission", "UpdateFunctionCode", "UpdateFunctionConfiguration", "GetFunction"}
_LAMBDA_2 |= {"GetFunctionConfiguration", "GetPolicy", "PublishVersion"}
_LAMBDA_1 = {"CreateFunction", "DeleteFunction", "ListFunctions", "CreateEventSourceMapping", "ListVersionsByFunction"}

# Data events by the type of resource that a trail selects them with.
DATA_EVENTS: Mapping[tuple[str, str], str] = {
    **{
        ("s3", name): "AWS::S3::Object"
        for name in (
            "GetObject", "HeadObject", "PutObject", "DeleteObject", "DeleteObjects", "CopyObject", "ListObjectsV2",
            "ListObjects", "UploadPart", "CreateMultipartUpload", "CompleteMultipartUpload", "AbortMultipartUpload",
            "GetObjectTagging", "PutObjectTagging", "GetObjectAttributes",
        )
    },
    **{
        ("ebs", name): "AWS::EC2::Snapshot"
        for name in ("GetSnapshotBlock", "PutSnapshotBlock", "ListSnapshotBlocks", "ListChangedBlocks")
    },
    ("lambda", "Invoke"): "AWS::Lambda::Function",
    **{("sns", name): "AWS::SNS::Topic" for name in ("Publish", "PublishBatch")},
    **{
        ("sqs", name): "AWS::SQS::Queue"
        for name in ("SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch")
    },
    **{("ses", name): "AWS::SES::EmailIdentity" for name in ("SendEmail", "SendRawEmail")},
    **{("sesv2", name): "AWS::SES::EmailIdentity" for name in ("SendEmail", "SendBulkEmail")},
    **{("cloudwatch", name): "AWS::CloudWatch::Metric" for name in ("PutMetricData", "GetMetricData")},
}  # fmt: skip

# Nobody can select these: they are in no trail.
UNRECORDED = {
    ("logs", "PutLogEvents"),
    ("firehose", "PutRecord"),
    ("firehose", "PutRecordBatch"),
    ("kinesis", "PutRecord"),
}

_READING = ("BatchGet", "Describe", "Filter", "Get", "Head", "List", "Lookup", "Search", "Simulate", "Test")
_ALSO_READING = {
    ("sts", "AssumeRole"),
    ("kms", "Decrypt"),
    ("kms", "Encrypt"),
    ("kms", "GenerateDataKey"),
    ("kms", "GenerateMac"),
    ("kms", "Sign"),
    ("kms", "Verify"),
    ("kms", "VerifyMac"),
    ("kms", "ReEncrypt"),
    ("iam", "GenerateCredentialReport"),
    ("iam", "GenerateServiceLastAccessedDetails"),
    ("logs", "StartQuery"),
}


def source_of(service: str) -> str:
    """The event source."""
    return f"{_SOURCES.get(service, service)}.amazonaws.com"


def name_of(service: str, operation: str) -> str:
    """The event's name; Lambda's carry the version of its API."""
    if service == "lambda" and operation in _LAMBDA_1 | _LAMBDA_2:
        return f"{operation}20150331{'v2' if operation in _LAMBDA_2 else ''}"
    return _NAMES.get((service, operation), operation)


def is_reading(service: str, operation: str) -> bool:
    """Whether CloudTrail calls it read-only."""
    return operation.startswith(_READING) or (service, operation) in _ALSO_READING
