"""The stock aws CLI, pointed at `baseops sandbox up`, lists what apply made of examples/acme."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AWS = Path(os.environ.get("BASEOPS_JUDGES", str(ROOT / ".judges"))) / "awscli" / "bin" / "aws"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not AWS.exists(), reason=f"{AWS} is not there: make judges installs it"),
]


@pytest.fixture
def acme(tmp_path):
    shutil.copytree(ROOT / "examples" / "acme", tmp_path / "acme")
    return str(tmp_path / "acme" / "baseops.yaml")


def ask(sandbox, *arguments):
    done = subprocess.run(
        [str(AWS), *arguments, "--output", "json"], check=True, capture_output=True, text=True, env=sandbox.environment
    )
    return json.loads(done.stdout)


def test_the_stock_cli_lists_what_apply_made(served, acme):
    with served("--speed", "30", "--world", acme) as sandbox:
        sandbox.run("apply", "-f", acme, "-y")
        stacks = ask(sandbox, "cloudformation", "describe-stacks")["Stacks"]
        assert {stack["StackName"].removeprefix("baseops-acme-") for stack in stacks} == {
            *("artifacts", "foundation", "images", "backups", "logs", "secrets", "email")
        }
        groups = ask(sandbox, "logs", "describe-log-groups")["logGroups"]
        assert "/acme/web/nginx" in {group["logGroupName"] for group in groups}
        alarms = ask(sandbox, "cloudwatch", "describe-alarms")["MetricAlarms"]
        assert "baseops-acme-logs-web-too-many-errors" in {alarm["AlarmName"] for alarm in alarms}
        policies = ask(sandbox, "dlm", "get-lifecycle-policies")["Policies"]
        assert [policy["Description"] for policy in policies] == ["baseops-acme backups daily"]
        pipelines = ask(sandbox, "imagebuilder", "list-image-pipelines")["imagePipelineList"]
        assert [pipeline["name"] for pipeline in pipelines] == ["baseops-acme-web"]
