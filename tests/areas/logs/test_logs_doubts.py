"""Drills of logs on a declaration with sources, alarms and silences that cannot all be tried."""

from __future__ import annotations

import pytest

from baseops.workflow.load import load

OTHERS = """version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
logs:
  web:
    group: {name: /acme/web}
    agent: {target: {Role: web}, files: [{path: /var/log/web.log}]}
    heartbeat: {silent_for: 15m}
    metrics: {Errors: {pattern: "{ $.status >= 500 }"}, Bytes: {pattern: "{ $.bytes = * }", value: $.bytes}}
    alarms:
      errors: {metric: Errors, threshold: 5, period: 60, remedy: restart}
      big: {metric: Bytes, threshold: 100000000, period: 60}
      low: {metric: Bytes, comparison: LessThanThreshold, threshold: 1, treat_missing_data: breaching}
      balancer: {metric: {namespace: AWS/ApplicationELB, name: Latency}, threshold: 2}
    remedies: {restart: {parameters: {commands: ["true"]}, targets: {Role: web}}}
  slow:
    group: {name: /acme/slow}
    heartbeat: {silent_for: 6h}
    metrics: {Errors: {pattern: ERROR, default: 0}}
    alarms: {errors: {metric: Errors, threshold: 3, period: 300, notify_ok: false, treat_missing_data: notBreaching}}
  archive: {group: {name: /acme/archive, class: INFREQUENT_ACCESS}}
  legacy: {group: {name: /legacy}, heartbeat: {silent_for: 30m}, metrics: {Errors: {pattern: ERROR}}, managed: false}
"""


@pytest.mark.slow
def test_what_cannot_be_tried_is_in_doubt_and_nothing_is_refuted(tmp_path):
    from baseops.sandbox.account import open_account
    from baseops.workflow.apply import apply
    from baseops.workflow.compile import compile_declaration
    from baseops.workflow.load import load_lock
    from baseops.workflow.rehearse import START
    from baseops.workflow.rehearsed_proof import let_time_pass, proven
    from baseops.workflow.world import build_world

    file = tmp_path / "baseops.yaml"
    file.write_text(OTHERS, encoding="utf-8")
    declaration = load(file)
    with open_account(start=START) as account:
        list(build_world(declaration, account))
        compiled = compile_declaration(declaration, load_lock(declaration))
        apply(compiled, account, account.clock)
        let_time_pass(declaration, account)
        with proven(declaration, compiled.lock, account) as run:
            found = {(each["drill"], each["target"]): each for each in map(dict, (one.values for one in run.records))}

    assert [each for each in found.values() if each["verdict"] == "refuted"] == []
    doubts = {key: each["reason"] for key, each in found.items() if each["verdict"] == "inconclusive"}
    assert doubts == {
        ("logs/alarm-metrics", "logs.web/errors"): "baseops/acme web/Errors has no values of the last 14 days; it has "
        "none while all is well",
        ("logs/alarm-metrics", "logs.web/balancer"): "AWS/ApplicationELB Latency has no values of the last 14 days; it "
        "has none while all is well",
        ("logs/alerts", "logs/alerts/subscribers"): "nobody is told of alarms; name somebody under notify",
        ("logs/dead-man", "logs.slow"): "its silence is longer than the 2 hours that a drill waits",
        **{
            (drill, f"logs.web/{alarm}"): f"{begin}: {why}"
            for drill, begin in (("logs/twin", "no twin was made"), ("logs/live-path", "nothing was written"))
            for alarm, why in (
                ("big", "no lines derived from the pattern bring the metric over the threshold"),
                ("low", "it rings when too little comes, which lines cannot bring about"),
            )
        },
    }
