"""Amazon Data Firehose: delivery streams to a bucket and to an HTTP endpoint, with roles, buckets, logs and alarms.

CloudWatch Logs puts gzipped batches into a stream; processors unpack them.
https://docs.aws.amazon.com/firehose/latest/dev/writing-with-cloudwatch-logs-decompression.html
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from troposphere import GetAtt, Ref, Sub, cloudwatch, firehose, logs, s3

from baseops.areas.logs import names
from baseops.areas.logs.own_logs import add_own_group
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.parts import alarm, private_bucket, refuse_plain_http, service_role
from baseops.cloudformation.resources import lacking, logical_id
from baseops.contract.refs import Refs

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Bucket, HttpEndpoint

# Any: troposphere takes a text or a helper such as Ref for every property.

FRESHNESS_SECONDS = 900
FAILED_RETENTION_DAYS = 30
_HOUR = "!{timestamp:yyyy/MM/dd/HH}/"
_FAILED = "!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/"


def add_s3(stack: StackBuilder, name: str, shipment: str, declared: Bucket, refs: Refs) -> firehose.DeliveryStream:
    """A stream into a bucket: one made here, or an existing one."""
    key = declared.key if declared.bucket else stack.use(refs.key("logs"))
    arn: Any = Sub(f"arn:${{AWS::Partition}}:s3:::{declared.bucket}")
    if declared.bucket is None:
        arn = GetAtt(_bucket(stack, name, shipment, key, declared.retain), "Arn")
    own_logs = _logs(stack, name, shipment, refs)
    role = stack.add(_role(name, shipment, _write(arn, key)))
    destination = firehose.ExtendedS3DestinationConfiguration(
        BucketARN=arn,
        RoleARN=GetAtt(role, "Arn"),
        Prefix=f"{declared.prefix}{_HOUR}",
        ErrorOutputPrefix=f"failed/{declared.prefix}{_FAILED}",
        CompressionFormat="GZIP",
        BufferingHints=_hints(declared.buffer, declared.buffer_mb),
        EncryptionConfiguration=_encryption(key),
        CloudWatchLoggingOptions=own_logs,
        ProcessingConfiguration=_unpacked(messages_only=declared.messages_only, lines=True),
    )
    stream = stack.add(_stream(stack, name, shipment, refs, ExtendedS3DestinationConfiguration=destination))
    _alarms(stack, name, shipment, stream, "DeliveryToS3.DataFreshness", declared.buffer, refs)
    return stream


def add_http(
    stack: StackBuilder, name: str, shipment: str, declared: HttpEndpoint, refs: Refs
) -> firehose.DeliveryStream:
    """A stream to an HTTP endpoint; what it does not take goes into a bucket."""
    key = stack.use(refs.key("logs"))
    bucket = _bucket(stack, name, shipment, key, timedelta(days=FAILED_RETENTION_DAYS))
    own_logs = _logs(stack, name, shipment, refs)
    secret = declared.access_key_secret
    arn = GetAtt(bucket, "Arn")
    role = stack.add(_role(name, shipment, [*_write(arn, key), *(_read_secret(secret) if secret else [])]))
    hints = _hints(declared.buffer, declared.buffer_mb)
    destination = firehose.HttpEndpointDestinationConfiguration(
        RoleARN=GetAtt(role, "Arn"),
        EndpointConfiguration=firehose.HttpEndpointConfiguration(Name=declared.name, Url=declared.url),
        RequestConfiguration=firehose.HttpEndpointRequestConfiguration(ContentEncoding="GZIP"),
        BufferingHints=hints,
        RetryOptions=firehose.RetryOptions(DurationInSeconds=int(declared.retry.total_seconds())),
        CloudWatchLoggingOptions=own_logs,
        ProcessingConfiguration=_unpacked(messages_only=declared.messages_only, lines=False),
        S3BackupMode="FailedDataOnly",
        S3Configuration=firehose.S3DestinationConfiguration(
            BucketARN=arn,
            RoleARN=GetAtt(role, "Arn"),
            Prefix=f"undelivered/{_HOUR}",
            ErrorOutputPrefix=f"failed/{_FAILED}",
            CompressionFormat="GZIP",
            BufferingHints=_hints(timedelta(minutes=5), 5),
            EncryptionConfiguration=_encryption(key),
            CloudWatchLoggingOptions=own_logs,
        ),
    )
    if secret:
        lacking(destination, SecretsManagerConfiguration=_secret_configuration(secret, role))
    stream = stack.add(_stream(stack, name, shipment, refs, HttpEndpointDestinationConfiguration=destination))
    _alarms(stack, name, shipment, stream, "DeliveryToHttpEndpoint.DataFreshness", declared.buffer, refs)
    return stream


def _bucket(stack: StackBuilder, name: str, shipment: str, key: Any, retain: timedelta | None) -> s3.Bucket:
    rules = []
    if retain:
        rules = [s3.LifecycleRule(Id="keep-as-long-as-declared", Status="Enabled", ExpirationInDays=retain.days)]
    bucket = stack.add(private_bucket(logical_id(name, shipment, "Bucket"), key=key, rules=rules))
    stack.add(
        s3.BucketPolicy(
            f"{bucket.title}Policy",
            Bucket=Ref(bucket),
            PolicyDocument={
                "Version": "2012-10-17",
                "Statement": [refuse_plain_http("s3:*", GetAtt(bucket, "Arn"), Sub(f"${{{bucket.title}.Arn}}/*"))],
            },
        )
    )
    return bucket


def _logs(stack: StackBuilder, name: str, shipment: str, refs: Refs) -> firehose.CloudWatchLoggingOptions:
    group = add_own_group(stack, logical_id(name, shipment, "DeliveryLogs"), name, shipment, refs)
    stream = stack.add(
        logs.LogStream(
            logical_id(name, shipment, "DeliveryLogStream"), LogGroupName=Ref(group), LogStreamName="delivery"
        )
    )
    return firehose.CloudWatchLoggingOptions(Enabled=True, LogGroupName=Ref(group), LogStreamName=Ref(stream))


def _role(name: str, shipment: str, statements: list[dict[str, Any]]) -> Any:
    # https://docs.aws.amazon.com/firehose/latest/dev/controlling-access.html
    write_logs = {
        "Sid": "WriteItsLogs",
        "Effect": "Allow",
        "Action": "logs:PutLogEvents",
        "Resource": GetAtt(logical_id(name, shipment, "DeliveryLogs"), "Arn"),
    }
    return service_role(logical_id(name, shipment, "DeliveryRole"), "firehose", [*statements, write_logs])


def _write(bucket: Any, key: Any) -> list[dict[str, Any]]:
    objects = Sub("${Bucket}/*", Bucket=bucket)
    found: list[dict[str, Any]] = [
        {
            "Sid": "FindTheBucket",
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            "Resource": bucket,
        },
        {
            "Sid": "WriteObjects",
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            "Resource": objects,
        },
    ]
    if key is not None:
        found.append(
            {
                "Sid": "EncryptObjects",
                "Effect": "Allow",
                "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
                "Resource": key,
                "Condition": {"StringEquals": {"kms:ViaService": Sub("s3.${AWS::Region}.amazonaws.com")}},
            }
        )
    return found


def _read_secret(secret: str) -> list[dict[str, Any]]:
    # The six characters that Secrets Manager adds to a name.
    arn = Sub(f"arn:${{AWS::Partition}}:secretsmanager:${{AWS::Region}}:${{AWS::AccountId}}:secret:{secret}-??????")
    return [
        {
            "Sid": "ReadTheAccessKey",
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": arn,
        },
        {
            "Sid": "DecryptTheAccessKey",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": Sub("arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:key/*"),
            "Condition": {
                "StringEquals": {"kms:ViaService": Sub("secretsmanager.${AWS::Region}.amazonaws.com")},
                "StringLike": {"kms:EncryptionContext:SecretARN": arn},
            },
        },
    ]


def _secret_configuration(secret: str, role: Any) -> dict[str, Any]:
    arn = Sub(f"arn:${{AWS::Partition}}:secretsmanager:${{AWS::Region}}:${{AWS::AccountId}}:secret:{secret}")
    return {"Enabled": True, "RoleARN": GetAtt(role, "Arn"), "SecretARN": arn}


def _stream(stack: StackBuilder, name: str, shipment: str, refs: Refs, **destination: Any) -> firehose.DeliveryStream:
    return firehose.DeliveryStream(
        logical_id(name, shipment, "DeliveryStream"),
        DeliveryStreamName=names.stream_name(stack.site, name, shipment),
        DeliveryStreamType="DirectPut",
        DeliveryStreamEncryptionConfigurationInput=firehose.DeliveryStreamEncryptionConfigurationInput(
            KeyType="CUSTOMER_MANAGED_CMK", KeyARN=stack.use(refs.key("logs"))
        ),
        **destination,
    )


def _unpacked(*, messages_only: bool, lines: bool) -> firehose.ProcessingConfiguration:
    # troposphere knows neither of the two processors for CloudWatch Logs.
    processors = [
        _processor("Decompression", "CompressionFormat", "GZIP"),
        _processor("CloudWatchLogProcessing", "DataMessageExtraction", str(messages_only).lower()),
        *([_processor("AppendDelimiterToRecord", "Delimiter", "\\n")] if lines else []),
    ]
    return lacking(firehose.ProcessingConfiguration(Enabled=True), Processors=processors)


def _processor(kind: str, parameter: str, value: str) -> dict[str, Any]:
    return {"Type": kind, "Parameters": [{"ParameterName": parameter, "ParameterValue": value}]}


def _hints(interval: timedelta, megabytes: int) -> firehose.BufferingHints:
    return firehose.BufferingHints(IntervalInSeconds=int(interval.total_seconds()), SizeInMBs=megabytes)


def _encryption(key: Any) -> firehose.EncryptionConfiguration:
    if key is None:
        return firehose.EncryptionConfiguration(NoEncryptionConfig="NoEncryption")
    return firehose.EncryptionConfiguration(KMSEncryptionConfig=firehose.KMSEncryptionConfig(AWSKMSKeyARN=key))


def _alarms(
    stack: StackBuilder, name: str, shipment: str, stream: Any, freshness: str, buffer: timedelta, refs: Refs
) -> None:
    """The oldest event that waits is old, or CloudWatch Logs brings more than the stream takes.

    https://docs.aws.amazon.com/firehose/latest/dev/monitoring-with-cloudwatch-metrics.html
    """
    dimensions = [cloudwatch.MetricDimension(Name="DeliveryStreamName", Value=Ref(stream))]
    topic = stack.use(refs.topic())
    stack.add(
        alarm(
            logical_id(name, shipment, "FreshnessAlarm"),
            name=names.alarm_name(stack.site, name, f"{shipment}-late"),
            topic=topic,
            AlarmDescription=f"Logs {name}: events are not delivered to {shipment}",
            Namespace="AWS/Firehose",
            MetricName=freshness,
            Dimensions=dimensions,
            Statistic="Maximum",
            Threshold=FRESHNESS_SECONDS + int(buffer.total_seconds()),
            EvaluationPeriods=2,
            DatapointsToAlarm=2,
        )
    )
    stack.add(
        alarm(
            logical_id(name, shipment, "ThrottledAlarm"),
            name=names.alarm_name(stack.site, name, f"{shipment}-throttled"),
            topic=topic,
            AlarmDescription=f"Logs {name}: the stream to {shipment} takes no more, and events may be lost",
            Namespace="AWS/Firehose",
            MetricName="ThrottledRecords",
            Dimensions=dimensions,
        )
    )
