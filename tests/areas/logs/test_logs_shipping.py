"""Shipping: subscriptions, carriers, delivery streams, and the alarms on what does not arrive."""

from __future__ import annotations

import io
import zipfile

import pytest

from baseops.areas.logs import carriers
from baseops.declaration import load
from baseops.workflow.load import SPECS

TOP_OF_LONG = """version: 1
name: a-long-declaration-1
accounts: ["111111111111"]
region: eu-west-1
logs:
"""
S3 = "logs: {web: {group: {name: /acme/web}, ship: [{s3: {prefix: web/, retain: 90d}, pattern: ERROR}]}}\n"
HTTP = """logs:
  web:
    group: {name: /acme/web}
    ship: [{http: {url: https://collector.example/in, name: Sumo, access_key_secret: app/sumo}}]
"""
SEARCH = """logs:
  web:
    group: {name: /acme/web}
    ship: [{opensearch: {domain: logs-domain, endpoint: search-logs-abc.eu-west-1.es.amazonaws.com}}]
"""
INGESTION = """logs:
  web:
    group: {name: /acme/web}
    ship:
      - opensearch_ingestion:
          pipeline: arn:aws:osis:eu-west-1:111111111111:pipeline/logs
          endpoint: logs-abc.eu-west-1.osis.amazonaws.com
"""


def statements(found, role):
    (policy,) = found[role]["Properties"]["Policies"]
    return {each["Sid"]: each for each in policy["PolicyDocument"]["Statement"]}


def test_a_bucket_gets_unpacked_lines_by_the_hour(declared, compiled):
    found = compiled(declared(S3))
    destination = found["WebS3DeliveryStream"]["Properties"]["ExtendedS3DestinationConfiguration"]
    assert destination["Prefix"] == "web/!{timestamp:yyyy/MM/dd/HH}/"
    assert destination["CompressionFormat"] == "GZIP"
    processors = destination["ProcessingConfiguration"]["Processors"]
    assert [each["Type"] for each in processors] == [
        "Decompression",
        "CloudWatchLogProcessing",
        "AppendDelimiterToRecord",
    ]
    rules = found["WebS3Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert {"Id": "keep-as-long-as-declared", "Status": "Enabled", "ExpirationInDays": 90} in rules
    assert found["WebS3Bucket"]["DeletionPolicy"] == "Retain"


def test_a_subscription_puts_into_its_stream_alone_and_only_for_this_account(declared, compiled):
    found = compiled(declared(S3))
    subscription = found["WebS3Subscription"]["Properties"]
    assert (subscription["FilterName"], subscription["FilterPattern"]) == ("s3", "ERROR")
    assert subscription["DestinationArn"] == {"Fn::GetAtt": ["WebS3DeliveryStream", "Arn"]}
    assert statements(found, "WebS3SubscriptionRole")["PutIntoTheStream"]["Resource"] == subscription["DestinationArn"]
    (trust,) = found["WebS3SubscriptionRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert set(trust["Condition"]) == {"StringEquals", "ArnLike"}


def test_a_stream_is_encrypted_watched_and_has_a_log_that_is_never_subscribed(declared, compiled):
    found = compiled(declared(S3))
    stream = found["WebS3DeliveryStream"]["Properties"]
    assert stream["DeliveryStreamEncryptionConfigurationInput"]["KeyType"] == "CUSTOMER_MANAGED_CMK"
    assert found["WebS3DeliveryLogs"]["Properties"]["LogGroupName"] == "/baseops/acme/logs/web/s3"
    subscribed = [
        each["Properties"]["LogGroupName"] for each in found.values() if each["Type"] == "AWS::Logs::SubscriptionFilter"
    ]
    assert subscribed == [{"Ref": "WebLogGroup"}]
    metrics = {each["Properties"]["MetricName"] for each in found.values() if each["Type"] == "AWS::CloudWatch::Alarm"}
    assert metrics == {"DeliveryToS3.DataFreshness", "ThrottledRecords"}


def test_an_existing_bucket_is_written_to_and_not_made(full, compiled):
    found = compiled(full)
    assert "ExistingBucketS3Bucket" not in found
    destination = found["ExistingBucketS3DeliveryStream"]["Properties"]["ExtendedS3DestinationConfiguration"]
    assert destination["BucketARN"] == {"Fn::Sub": "arn:${AWS::Partition}:s3:::acme-central-logs"}
    key = "arn:aws:kms:eu-west-1:111111111111:key/0a1b2c3d-0000-4000-8000-000000000002"
    assert statements(found, "ExistingBucketS3DeliveryRole")["EncryptObjects"]["Resource"] == key


def test_an_endpoint_gets_lines_with_a_key_that_is_never_in_the_template(declared, compiled):
    found = compiled(declared(HTTP))
    destination = found["WebHttpDeliveryStream"]["Properties"]["HttpEndpointDestinationConfiguration"]
    assert destination["EndpointConfiguration"] == {"Name": "Sumo", "Url": "https://collector.example/in"}
    assert destination["SecretsManagerConfiguration"]["Enabled"] is True
    assert destination["S3BackupMode"] == "FailedDataOnly"
    extraction = destination["ProcessingConfiguration"]["Processors"][1]["Parameters"]
    assert extraction == [{"ParameterName": "DataMessageExtraction", "ParameterValue": "true"}]
    role = statements(found, "WebHttpDeliveryRole")
    assert role["ReadTheAccessKey"]["Resource"]["Fn::Sub"].endswith(":secret:app/sumo-??????")
    assert "kms:EncryptionContext:SecretARN" in role["DecryptTheAccessKey"]["Condition"]["StringLike"]


def test_a_domain_is_fed_by_a_function_that_may_post_and_nothing_else(declared, compiled):
    found = compiled(declared(SEARCH))
    role = statements(found, "WebOpensearchShipperRole")
    assert role["Ship"]["Action"] == "es:ESHttpPost"
    assert [each["Fn::Sub"].partition(":domain/")[2] for each in role["Ship"]["Resource"]] == [
        "logs-domain/_bulk",
        "logs-domain/logs-*",
    ]
    function = found["WebOpensearchShipper"]["Properties"]
    assert function["Environment"]["Variables"]["ENDPOINT"] == "https://search-logs-abc.eu-west-1.es.amazonaws.com"
    assert function["DeadLetterConfig"] == {"TargetArn": {"Fn::GetAtt": ["WebOpensearchDeadLetters", "Arn"]}}


def test_only_this_group_may_call_the_function_and_only_then_is_it_subscribed(declared, compiled):
    found = compiled(declared(SEARCH))
    permission = found["WebOpensearchShipperPermission"]["Properties"]
    assert permission["Principal"] == "logs.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": ["WebLogGroup", "Arn"]}
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert found["WebOpensearchSubscription"]["DependsOn"] == ["WebOpensearchShipperPermission"]


def test_a_pipeline_is_fed_by_the_same_function(declared, compiled):
    found = compiled(declared(INGESTION))
    ship = statements(found, "WebOpensearchIngestionShipperRole")["Ship"]
    assert ship["Action"] == "osis:Ingest"
    assert ship["Resource"] == ["arn:aws:osis:eu-west-1:111111111111:pipeline/logs"]
    variables = found["WebOpensearchIngestionShipper"]["Properties"]["Environment"]["Variables"]
    assert (variables["RECEIVER"], variables["TARGET"]) == ("ingestion", "/logs")


def test_a_function_in_a_network_makes_interfaces_only_through_lambda(full, compiled):
    role = statements(compiled(full), "WebOpensearchShipperRole")
    assert role["LambdaJoinsTheNetwork"]["Effect"] == "Allow"
    assert role["ItsCodeDoesNot"]["Effect"] == "Deny"
    assert "LambdaJoinsTheNetwork" not in statements(compiled(full), "ApplicationOpensearchIngestionShipperRole")


@pytest.mark.parametrize("word", ["errors", "dead-letters"])
def test_what_a_function_does_not_deliver_rings(declared, compiled, word):
    names = [
        each["Properties"]["AlarmName"]
        for each in compiled(declared(SEARCH)).values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    assert f"baseops-acme-logs-web-opensearch-{word}" in names


def test_two_shipments_to_the_same_kind_of_place_have_different_names(declared, compiled):
    text = "logs: {web: {group: {name: /acme/web}, ship: [{s3: {}}, {s3: {prefix: errors/}, pattern: ERROR}]}}\n"
    found = compiled(declared(text))
    names = [
        each["Properties"]["FilterName"] for each in found.values() if each["Type"] == "AWS::Logs::SubscriptionFilter"
    ]
    assert names == ["s3", "s3-2"]


def test_the_package_is_one_module_and_always_the_same_bytes():
    content = carriers.artifact().content
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.namelist() == ["shipper.py"]
        assert package.getinfo("shipper.py").date_time == (1980, 1, 1, 0, 0, 0)
        compile(package.read("shipper.py"), "shipper.py", "exec")


def test_long_names_of_streams_stay_different(declared, compiled):
    source = "  a-very-long-name-of-some-source-{0}: {{group: {{name: /a/{0}}}, ship: [{{http: {{url: https://a.example/}}}}]}}\n"
    text = TOP_OF_LONG + source.format(1001) + source.format(1002)
    found = compiled(load(text, SPECS))
    names = {
        each["Properties"]["DeliveryStreamName"]
        for each in found.values()
        if each["Type"] == "AWS::KinesisFirehose::DeliveryStream"
    }
    assert len(names) == 2
    assert max(map(len, names)) <= 64


def test_a_domain_with_the_newer_host_name_is_understood(refused):
    text = SEARCH.replace("search-logs-abc.eu-west-1.es.amazonaws.com", "search-logs-abc.aos.eu-west-1.on.aws")
    assert refused(text) == []
