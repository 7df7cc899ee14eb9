"""Groups, filters, alarms and saved queries as CloudFormation; each trap that decides a shape."""

from __future__ import annotations

import json

from baseops.areas.logs import stack as logs
from baseops.contract.refs import Refs

WEB = """logs:
  web:
    group: {name: /acme/web, retention_days: 30}
    heartbeat: {silent_for: 15m}
    metrics: {Http5xx: {pattern: "{ $.status >= 500 }", default: 0}}
    alarms:
      errors: {metric: Http5xx, period: 60, threshold: 20, evaluation_periods: 3, datapoints_to_alarm: 2}
      slow: {query: {query: filter duration > 2}, threshold: 50, log_lines: 5}
      trouble: {rule: ALARM(errors) OR ALARM(heartbeat)}
"""


def test_a_group_is_encrypted_retained_and_kept(declared, compiled):
    group = compiled(declared(WEB))["WebLogGroup"]
    assert group["DeletionPolicy"] == group["UpdateReplacePolicy"] == "Retain"
    assert group["Properties"]["RetentionInDays"] == 30
    assert group["Properties"]["KmsKeyId"] == {"Ref": "LogsKeyArn"}


def test_a_metric_counts_lines_in_the_namespace_of_the_declaration(declared, compiled):
    transformation = compiled(declared(WEB))["WebHttp5xxFilter"]["Properties"]["MetricTransformations"]
    assert transformation == [
        {
            "MetricName": "web/Http5xx",
            "MetricNamespace": "baseops/acme",
            "MetricValue": "1",
            "DefaultValue": 0.0,
            "Unit": "None",
        }
    ]


def test_an_alarm_rings_on_m_of_n_and_tells_the_topic(declared, compiled):
    alarm = compiled(declared(WEB))["WebErrorsAlarm"]["Properties"]
    assert alarm["AlarmName"] == "baseops-acme-logs-web-errors"
    assert (alarm["DatapointsToAlarm"], alarm["EvaluationPeriods"], alarm["Threshold"]) == (2, 3, 20.0)
    assert (alarm["Namespace"], alarm["MetricName"]) == ("baseops/acme", "web/Http5xx")
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlertTopicArn"}]


def test_silence_rings_although_cloudwatch_looks_further_back_for_points(declared, compiled):
    # A silent group publishes no data points, so silence is a zero that is filled in, not a missing point.
    alarm = compiled(declared(WEB))["WebHeartbeatAlarm"]["Properties"]
    events, filled = alarm["Metrics"]
    assert events["MetricStat"]["Metric"]["MetricName"] == "IncomingLogEvents"
    assert (filled["Expression"], filled["ReturnData"]) == ("FILL(events, 0)", True)
    assert (events["MetricStat"]["Period"] * alarm["EvaluationPeriods"], alarm["EvaluationPeriods"]) == (900, 5)
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["WarmUpConfiguration"] == {"WarmUpPeriodDurationInMinutes": 30}


def test_a_silence_of_more_than_a_day_is_counted_in_hours(declared, compiled):
    text = "logs: {batch: {group: {name: /acme/batch}, heartbeat: {silent_for: 26h}}}\n"
    alarm = compiled(declared(text))["BatchHeartbeatAlarm"]["Properties"]
    assert (alarm["Metrics"][0]["MetricStat"]["Period"], alarm["EvaluationPeriods"]) == (3600, 26)


def test_a_composite_alarm_refers_to_what_it_watches_so_that_it_comes_later(declared, compiled):
    alarm = compiled(declared(WEB))["WebTroubleAlarm"]["Properties"]
    assert alarm["AlarmRule"] == {"Fn::Sub": 'ALARM("${WebErrorsAlarm}") OR ALARM("${WebHeartbeatAlarm}")'}


def test_a_query_runs_by_a_role_of_logs_and_shows_lines_by_one_of_cloudwatch(declared, compiled):
    found = compiled(declared(WEB))
    alarm = found["WebSlowAlarm"]["Properties"]
    query = alarm["ScheduledQueryConfiguration"]
    assert query["ScheduleConfiguration"] == {"ScheduleExpression": "rate(5 minutes)", "StartTimeOffset": 300}
    assert query["ScheduledQueryRoleARN"] == {"Fn::GetAtt": ["WebQueryRole", "Arn"]}
    assert alarm["ActionLogLineRoleArn"] == {"Fn::GetAtt": ["WebLogLineRole", "Arn"]}
    assert _trusts(found["WebQueryRole"]) == "logs.amazonaws.com"
    assert _trusts(found["WebLogLineRole"]) == "cloudwatch.amazonaws.com"


def _trusts(role):
    (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    return statement["Principal"]["Service"]


def test_a_composite_alarm_keeps_quiet_while_its_suppressor_rings(full, compiled):
    alarm = compiled(full)["WebInTroubleAlarm"]["Properties"]
    assert alarm["ActionsSuppressor"] == "acme-maintenance"
    assert (alarm["ActionsSuppressorWaitPeriod"], alarm["ActionsSuppressorExtensionPeriod"]) == (120, 180)


def test_a_saved_query_may_read_the_groups_of_several_sources(full, compiled):
    query = compiled(full)["WebSlowestQuery"]["Properties"]
    assert query["Name"] == "baseops/acme/web/slowest"
    assert query["LogGroupNames"] == ["/acme/web/nginx", "/acme/web/application"]


def test_what_somebody_else_made_gets_no_resource(full, compiled):
    assert not [title for title in compiled(full) if title.startswith("Legacy")]


def test_the_same_declaration_gives_the_same_bytes(full, compiled):
    assert json.dumps(compiled(full)) == json.dumps(compiled(full))


def test_needs_name_the_services_that_use_the_key_and_who_publishes(declared, full):
    section, site = declared(WEB).sections["logs"], declared(WEB).site
    needs = logs.needs(section, site)
    assert needs.keys[0].services == {"logs", "cloudwatch"}
    assert needs.publishers == {"eu-west-1": {"cloudwatch"}}
    assert needs.artifacts == ()
    more = logs.needs(full.sections["logs"], full.site)
    assert more.keys[0].services == {"logs", "cloudwatch", "events", "firehose", "lambda", "s3", "sqs"}
    assert more.publishers == {"eu-west-1": {"cloudwatch", "events"}}
    assert [each.name for each in more.artifacts] == ["shipper.zip"]


def test_only_drills_that_disturb_may_write_to_a_live_group(full):
    statements = logs.needs(full.sections["logs"], full.site).drill_statements
    writing = {
        drill_class: [each["Resource"] for each in found if "logs:PutLogEvents" in each["Action"]]
        for drill_class, found in statements.items()
    }
    assert writing["observe"] == []
    assert "/baseops/acme/drill/" in str(writing["exercise"])
    assert "log-group:/acme/web/nginx:log-stream:baseops-acme-drill-*" in str(writing["disturb"])


def test_the_function_is_uploaded_under_the_key_that_the_stack_names(full, compiled):
    (artifact,) = logs.needs(full.sections["logs"], full.site).artifacts
    function = compiled(full)["WebOpensearchShipper"]["Properties"]
    assert function["Code"]["S3Key"] == Refs(full.site).artifact_key(artifact) == artifact.key
