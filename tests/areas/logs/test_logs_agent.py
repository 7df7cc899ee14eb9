"""The agent's merged configurations, and how they come onto instances."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from baseops.areas.logs import agent, agent_lint

SCHEMA = Path(__file__).parents[4] / "shared" / "data" / "cloudwatch-agent" / "schema.json"
SAMPLES = SCHEMA.parent / "sampleConfig"
TWO = """logs:
  access:
    group: {name: /acme/access}
    agent: {target: {Role: web}, files: [{path: /var/log/access.log}]}
  errors:
    group: {name: /acme/errors}
    agent: {target: {Role: web}, install: false, metrics: true, files: [{path: /var/log/error.log}]}
  batch:
    group: {name: /acme/batch}
    agent: {target: {Role: batch}, install: false, files: [{path: /var/log/batch.log}]}
"""


def sets(declaration):
    return {each.slug: each for each in agent.target_sets(declaration.sections["logs"])}


def resource(found, start, end):
    """A tag's name has capitals, so its logical id ends with a short hash before the word for its type."""
    (title,) = [each for each in found if each.startswith(start) and each.endswith(end)]
    return found[title]


def test_entries_with_the_same_tags_share_one_configuration(declared):
    found = sets(declared(TWO))
    assert sorted(found) == ["Role-batch", "Role-web"]
    assert agent.configuration(found["Role-web"]) == {
        "logs": {
            "logs_collected": {
                "files": {
                    "collect_list": [
                        {
                            "file_path": "/var/log/access.log",
                            "log_group_name": "/acme/access",
                            "log_stream_name": "{instance_id}",
                        },
                        {
                            "file_path": "/var/log/error.log",
                            "log_group_name": "/acme/errors",
                            "log_stream_name": "{instance_id}",
                        },
                    ]
                }
            }
        },
        "metrics": {
            "namespace": "CWAgent",
            "append_dimensions": {"InstanceId": "${aws:InstanceId}"},
            "metrics_collected": {
                "mem": {"measurement": ["used_percent"]},
                "swap": {"measurement": ["used_percent"]},
                "disk": {
                    "measurement": ["used_percent", "inodes_free"],
                    "resources": ["*"],
                    "drop_device": True,
                    "ignore_file_system_types": ["sysfs", "devtmpfs", "tmpfs", "overlay", "squashfs"],
                },
            },
        },
    }


def test_a_configuration_is_valid_by_the_agents_own_schema(declared, full):
    if not SCHEMA.exists():
        pytest.skip("the agent's schema is not on this machine")
    validator = pytest.importorskip("jsonschema").Draft4Validator(json.loads(SCHEMA.read_text()))
    for declaration in (declared(TWO), full):
        for target in sets(declaration).values():
            assert [error.message for error in validator.iter_errors(agent.configuration(target))] == []


def test_the_parameter_is_one_that_the_managed_policy_lets_the_agent_read(declared, compiled):
    parameter = resource(compiled(declared(TWO)), "AgentRoleWeb", "Parameter")["Properties"]
    assert parameter["Name"] == "AmazonCloudWatch-baseops-acme-Role-web"
    assert parameter["Tier"] == "Standard"


def test_the_parameter_refers_to_the_groups_so_that_the_agent_never_makes_one(declared, compiled):
    value = resource(compiled(declared(TWO)), "AgentRoleWeb", "Parameter")["Properties"]["Value"]["Fn::Sub"]
    assert '"log_group_name":"${AccessLogGroup}"' in value
    assert '"log_group_name":"${ErrorsLogGroup}"' in value
    assert '"InstanceId":"${!aws:InstanceId}"' in value


def test_a_long_configuration_becomes_an_advanced_parameter(declared, compiled):
    files = ", ".join(f"{{path: /var/log/application-number-{number}.log}}" for number in range(40))
    text = f"logs: {{web: {{group: {{name: /acme/web}}, agent: {{target: {{Role: web}}, files: [{files}]}}}}}}\n"
    assert resource(compiled(declared(text)), "AgentRoleWeb", "Parameter")["Properties"]["Tier"] == "Advanced"


def test_a_configuration_that_no_parameter_holds_is_refused(refused):
    files = ", ".join(f"{{path: /var/log/application-number-{number}.log}}" for number in range(100))
    text = f"logs: {{web: {{group: {{name: /acme/web}}, agent: {{target: {{Role: web}}, files: [{files}]}}}}}}\n"
    (said,) = refused(text)
    assert "takes 11446 bytes, and a parameter holds 8192. Write paths with * instead of single files" in said


def test_one_document_installs_and_then_configures_in_order(declared, compiled):
    found = compiled(declared(TWO))
    document = found["AgentDocument"]["Properties"]
    assert [step["action"] for step in document["Content"]["mainSteps"]] == [
        "aws:configurePackage",
        "aws:runShellScript",
    ]
    assert document["UpdateMethod"] == "NewVersion"
    script = document["Content"]["mainSteps"][1]["inputs"]["runCommand"]
    order = [line for line in script if any(word in line for word in ("fetch-config", "-a stop", "-a start"))]
    assert [line.split("-a ")[1].split(" ")[0] for line in order] == ["fetch-config", "stop", "start"]
    assert len(found["AgentConfigurationDocument"]["Properties"]["Content"]["mainSteps"]) == 1


def test_an_image_that_has_the_agent_is_only_configured(declared, compiled):
    association = resource(compiled(declared(TWO)), "AgentRoleBatch", "Association")["Properties"]
    assert association["Name"] == {"Ref": "AgentConfigurationDocument"}


def test_an_association_goes_a_tenth_at_a_time_and_at_once_when_something_changed(declared, compiled):
    association = resource(compiled(declared(TWO)), "AgentRoleWeb", "Association")["Properties"]
    assert association["Targets"] == [{"Key": "tag:Role", "Values": ["web"]}]
    assert (association["MaxConcurrency"], association["MaxErrors"]) == ("10%", "10%")
    assert association["ApplyOnlyAtCronInterval"] is False
    other = resource(compiled(declared(TWO.replace("error.log", "errors.log"))), "AgentRoleWeb", "Association")[
        "Properties"
    ]
    assert association["Parameters"]["Revision"] != other["Parameters"]["Revision"]
    assert association["Parameters"]["Configuration"] == other["Parameters"]["Configuration"]


def test_tags_that_a_name_cannot_hold_get_a_hash(declared):
    text = 'logs: {web: {group: {name: /a}, agent: {target: {"Name of it": "a/b"}, metrics: true}}}\n'
    (slug,) = sets(declared(text))
    assert slug.startswith("Name-of-it-a-b-")


@pytest.mark.parametrize(
    "pattern", [r"^\d{4}-\d{2}", r"[[:alpha:]]+:", r"\pL+", r"(?i)error|warn", r"a{1000}", r"^\S+\z", r"C:\\Temp"]
)
def test_what_go_compiles_is_accepted(pattern):
    assert agent_lint.pattern_problem(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        (r"(?=a)", "look-ahead"),
        (r"(?<!a)b", "look-behind"),
        (r"(a)\1", "backreferences"),
        (r"(?P<x>a)(?P=x)", "backreferences"),
        (r"a++", "possessive"),
        (r"(?>a)", "atomic"),
        (r"a{1001}", "1000 times"),
        (r"[a", "cannot be read"),
        (r"a\Z", r"\Z"),
    ],
)
def test_what_go_does_not_compile_is_refused(pattern, word):
    assert word in agent_lint.pattern_problem(pattern)


@pytest.mark.parametrize(
    "layout", ["%d/%b/%Y:%H:%M:%S %z", "%b %d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%-m/%-d/%y %-I:%M:%S %p"]
)
def test_usual_times_are_accepted(layout):
    assert agent_lint.timestamp_problem(layout) == ""


@pytest.mark.parametrize(
    ("layout", "word"), [("%s", "%s"), ("%F %T", "%F"), ("time", "directives"), ("%H:%M", "a day")]
)
def test_times_that_the_agent_never_finds_are_refused(layout, word):
    assert word in agent_lint.timestamp_problem(layout)


@pytest.mark.parametrize(
    ("wide", "path", "same"),
    [
        ("/var/log/*.log", "/var/log/a.log", True),
        ("/var/log/*.log", "/var/log/nginx/a.log", False),
        ("/var/log/**.log", "/var/log/nginx/a.log", True),
        ("/var/log/**/a.log", "/var/log/a.log", True),
        ("/a.log", "/b.log", False),
    ],
)
def test_wildcards_cover_as_in_the_agent(wide, path, same):
    assert bool(list(agent_lint.matching_paths([wide, path]))) is same


def test_the_agents_own_samples_use_only_times_that_are_known():
    if not SAMPLES.exists():
        pytest.skip("the agent's samples are not on this machine")
    layouts = [
        item["timestamp_format"]
        for path in sorted(SAMPLES.glob("*.json"))
        for item in _collected(json.loads(path.read_text()))
        if "timestamp_format" in item
    ]
    assert layouts
    assert [agent_lint.timestamp_problem(layout) for layout in layouts] == [""] * len(layouts)


def _collected(sample):
    return sample.get("logs", {}).get("logs_collected", {}).get("files", {}).get("collect_list", [])
