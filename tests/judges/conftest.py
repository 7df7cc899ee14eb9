"""Judges of compiled templates: cfn-lint, checkov and parliament, each a function from a folder to complaints.

A judge runs as a subprocess from its own environment (`.judges/<name>`, see tools/judges.sh) and its answer is
kept by the content that it judged. A judge that is not installed skips its tests and says so.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader

ROOT = Path(__file__).resolve().parents[2]
REGIONS = ("eu-west-1", "us-east-1")
SEVERE = {"MEDIUM", "HIGH", "CRITICAL"}
UNKNOWN = {"UNKNOWN_ACTION", "UNKNOWN_PREFIX"}
Judge = Callable[[Path], list[str]]


def templates_in(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix in {".json", ".yaml", ".yml", ".template"})
    return [path for path in found if b"Resources" in path.read_bytes()]


def fingerprint(judge: str, paths: list[Path], folder: Path) -> str:
    digest = hashlib.sha256((ROOT / "tools" / "judges" / f"{judge}.txt").read_bytes())
    digest.update(Path(__file__).read_bytes())
    for path in paths:
        digest.update(f"\0{path.relative_to(folder)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Bench:
    """Runs judges, and remembers what each said about the same bytes."""

    answers: Path

    def program(self, judge: str) -> Path:
        home = ROOT / os.environ.get("BASEOPS_JUDGES", ".judges") / judge
        program = home / "bin" / judge
        if not program.exists():
            pytest.skip(f"{judge} is not installed in {home}; run: make judges")
        return program

    def run(self, judge: str, arguments: list[str | Path], cwd: Path | None = None) -> str:
        quiet = {**os.environ, "PYTHONWARNINGS": "ignore", "LOG_LEVEL": "ERROR", "NO_COLOR": "1"}
        command = [self.program(judge), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet, cwd=cwd)
        if not done.stdout.strip() and done.returncode:
            raise RuntimeError(f"{judge} broke off with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def judged(self, judge: str, folder: Path, ask: Callable[[list[Path]], Iterator[str]]) -> list[str]:
        paths = templates_in(folder)
        assert paths, f"no templates in {folder}"
        self.program(judge)
        answer = self.answers / f"{judge}-{fingerprint(judge, paths, folder)}.json"
        if not answer.exists():
            complaints = sorted(ask(paths))
            partial = answer.with_suffix(f".{os.getpid()}")
            partial.write_text(json.dumps(complaints))
            partial.replace(answer)
        return [str(each) for each in json.loads(answer.read_text())]


@pytest.fixture(scope="session")
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(Path(request.config.cache.mkdir("judges")))


# --- cfn-lint ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def lint(bench: Bench) -> Judge:
    """cfn-lint's errors and warnings."""

    def ask(paths: list[Path]) -> Iterator[str]:
        out = bench.run("cfn-lint", ["--format", "json", "--regions", *REGIONS, "--", *paths])
        for match in json.loads(out or "[]"):
            if match["Level"] in {"Error", "Warning"}:
                place = "/".join(map(str, match["Location"].get("Path") or []))
                yield f"{Path(match['Filename']).name} {match['Rule']['Id']} {place}: {match['Message']}"

    return lambda folder: bench.judged("cfn-lint", folder, ask)


# --- checkov ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def scan(bench: Bench) -> Judge:
    """checkov's failed checks, and checks skipped without a reason. It starts slowly: one run for a whole folder."""

    def ask(folder: Path) -> Iterator[str]:
        flags = ["--framework", "cloudformation", "--skip-download", "--compact", "--quiet", "--output", "json"]
        report = json.loads(bench.run("checkov", ["--directory", folder, *flags]))
        # Without any resource checkov answers in another shape; then it has judged nothing.
        assert "results" in report, report
        assert report["summary"]["parsing_errors"] == 0, report["summary"]
        for check in report["results"]["failed_checks"]:
            yield f"{check['file_path']} {check['check_id']} {check['resource']}: {check['check_name']}"

    def reasons(paths: list[Path]) -> Iterator[str]:
        for path, name, resource in resources_of(paths):
            for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
                if not skip.get("comment"):
                    yield f"{path.name} {skip.get('id')} {name}: skipped without a comment"

    def both(folder: Path) -> Callable[[list[Path]], Iterator[str]]:
        return lambda paths: iter([*ask(folder), *reasons(paths)])

    return lambda folder: bench.judged("checkov", folder, both(folder))


# --- parliament -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def audit(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """parliament's findings of MEDIUM or higher on identity policies, and actions that nobody knows."""

    def ask(paths: list[Path]) -> Iterator[str]:
        folder = tmp_path_factory.mktemp("policies")
        holders: dict[str, str] = {}
        statements: dict[str, list[Any]] = {}
        for number, (place, holder, document) in enumerate(identity_policies(paths)):
            path = folder / f"{number:04d}~{place.replace('/', '~')}.json"
            path.write_text(json.dumps(document))
            holders[path.stem] = holder
            statements.setdefault(holder, []).extend(as_list(document.get("Statement", [])))
        out = bench.run("parliament", ["--directory", folder, "--include_policy_extension", "json", "--json"])
        for line in out.splitlines():
            finding = json.loads(line)
            stem = Path(finding["location"].get("filepath", "?")).stem
            place = stem.partition("~")[2].replace("~", "/")
            if is_complaint(finding, statements.get(holders.get(stem, ""), [])):
                yield f"{place} {finding['issue']}: {finding['detail'] or finding['title']}"

    return lambda folder: bench.judged("parliament", folder, ask)


def is_complaint(finding: dict[str, Any], beside: list[Any]) -> bool:
    """`beside` are all statements of whoever has the policy."""
    if finding["issue"] in UNKNOWN:
        return not is_operation(finding["location"].get("string") or finding["detail"].split()[-1])
    if is_documented(finding):
        return False
    if finding["issue"] == "RESOURCE_MISMATCH" and is_spread(finding["detail"], beside):
        return False
    return finding["severity"] in SEVERE


def is_documented(finding: dict[str, Any]) -> bool:
    """Whether AWS documents what parliament, whose data are older, does not know.

    The alias of a key as a condition on every operation that takes the key:
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-resource-aliases
    The account `aws` of the policies that AWS manages:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
    """
    if finding["issue"] == "UNKNOWN_CONDITION_FOR_ACTION":
        return "kms:ResourceAliases" in finding["detail"]
    return finding["issue"] == "INVALID_ARN" and ":iam::aws:policy/" in finding["location"].get("string", "")


def is_spread(detail: Any, beside: list[Any]) -> bool:
    """Whether what a statement lacks is granted by others of the same role.

    parliament looks at one statement at a time; an action on several kinds of resources, such as RunInstances, has
    a statement for each kind when their conditions differ.
    """
    wanted = ast.literal_eval(detail) if isinstance(detail, str) else detail
    return bool(wanted) and all(
        any(fnmatch(resource, one["required_format"]) for resource in granted(one["action"], beside)) for one in wanted
    )


def granted(action: str, statements: list[Any]) -> Iterator[str]:
    """The resources on which statements allow an action."""
    for statement in statements:
        if statement.get("Effect") == "Allow" and action in as_list(statement.get("Action", [])):
            yield from as_list(statement.get("Resource", []))


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_operation(action: str) -> bool:
    """Whether botocore has the operation that an IAM action is called after."""
    prefix, _, name = action.partition(":")
    loader = Loader()
    if prefix in loader.list_available_services("service-2") and name in operations(prefix):
        return True
    return any(name in operations(service) for service in services_by_prefix().get(prefix, ()))


@cache
def operations(service: str) -> frozenset[str]:
    return frozenset(Loader().load_service_model(service, "service-2")["operations"])


@cache
def services_by_prefix() -> dict[str, list[str]]:
    """Services by what they sign requests with, which is what IAM mostly calls them."""
    found: dict[str, list[str]] = {}
    loader = Loader()
    for service in loader.list_available_services("service-2"):
        metadata = loader.load_service_model(service, "service-2")["metadata"]
        found.setdefault(metadata.get("signingName") or metadata["endpointPrefix"], []).append(service)
    return found


def resources_of(paths: list[Path]) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    for path in paths:
        if path.suffix in {".json", ".template"}:
            for name, resource in json.loads(path.read_text()).get("Resources", {}).items():
                yield path, name, resource


def identity_policies(paths: list[Path]) -> Iterator[tuple[str, str, Any]]:
    """Every identity policy with its place and whose it is, intrinsic functions replaced by values of the right shape.

    A role may have its rights in several policies: a document holds 6,144 characters.
    """
    for path in paths:
        template = json.loads(path.read_text())
        attached = {
            each["Ref"]: role
            for role, resource in template.get("Resources", {}).items()
            for each in resource.get("Properties", {}).get("ManagedPolicyArns", ())
            if "Ref" in each
        }
        for name, resource in template.get("Resources", {}).items():
            properties = resource.get("Properties", {})
            kind = resource["Type"]
            if kind in {"AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"}:
                documents = [(p["PolicyName"], p["PolicyDocument"]) for p in properties.get("Policies", [])]
            elif kind.startswith("AWS::IAM::") and kind.endswith("Policy"):
                documents = [(name, properties["PolicyDocument"])]
            else:
                documents = []
            for title, document in documents:
                holder = f"{path.stem}/{properties.get('RoleName') or attached.get(name, name)}"
                yield f"{path.stem}/{name}/{Values(template).of(title)}", holder, Values(template).of(document)


PSEUDO = {
    "AWS::AccountId": "111111111111",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackId": "arn:aws:cloudformation:eu-west-1:111111111111:stack/acme/0a1b2c3d",
    "AWS::StackName": "acme",
    "AWS::URLSuffix": "amazonaws.com",
}
# What Ref gives, or GetAtt of an ARN, by resource type; "{}" is the logical id. Others get the logical id itself.
SHAPES = {
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:{}",
    "AWS::DLM::LifecyclePolicy": "arn:aws:dlm:eu-west-1:111111111111:policy/{}",
    "AWS::EC2::SecurityGroup": "arn:aws:ec2:eu-west-1:111111111111:security-group/{}",
    "AWS::Events::Rule": "arn:aws:events:eu-west-1:111111111111:rule/{}",
    "AWS::IAM::InstanceProfile": "arn:aws:iam::111111111111:instance-profile/{}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::111111111111:policy/{}",
    "AWS::IAM::Role": "arn:aws:iam::111111111111:role/{}",
    "AWS::KMS::Key": "arn:aws:kms:eu-west-1:111111111111:key/{}",
    "AWS::KinesisFirehose::DeliveryStream": "arn:aws:firehose:eu-west-1:111111111111:deliverystream/{}",
    "AWS::Lambda::Function": "arn:aws:lambda:eu-west-1:111111111111:function:{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:eu-west-1:111111111111:log-group:{}:*",
    "AWS::OSIS::Pipeline": "arn:aws:osis:eu-west-1:111111111111:pipeline/{}",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SES::ConfigurationSet": "arn:aws:ses:eu-west-1:111111111111:configuration-set/{}",
    "AWS::SES::EmailIdentity": "arn:aws:ses:eu-west-1:111111111111:identity/{}",
    "AWS::SNS::Topic": "arn:aws:sns:eu-west-1:111111111111:{}",
    "AWS::SQS::Queue": "arn:aws:sqs:eu-west-1:111111111111:{}",
    "AWS::SSM::Document": "arn:aws:ssm:eu-west-1:111111111111:document/{}",
    "AWS::SSM::Parameter": "arn:aws:ssm:eu-west-1:111111111111:parameter/{}",
    "AWS::SecretsManager::Secret": "arn:aws:secretsmanager:eu-west-1:111111111111:secret:{}-a1b2c3",
}
REF_IS_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic", "AWS::SecretsManager::Secret", "AWS::OSIS::Pipeline"}
# Stack parameters carry the outputs of other stacks; names say what they are, and from which region if need be.
PARAMETERS = {
    "KeyArn": SHAPES["AWS::KMS::Key"],
    "TopicArn": SHAPES["AWS::SNS::Topic"],
    "QueueArn": SHAPES["AWS::SQS::Queue"],
    "BucketArn": SHAPES["AWS::S3::Bucket"],
    "RoleArn": SHAPES["AWS::IAM::Role"],
    "FunctionArn": SHAPES["AWS::Lambda::Function"],
}


class Values:
    """Replaces intrinsic functions in one template by values of the right shape; lists of regions and the like too."""

    def __init__(self, template: dict[str, Any]) -> None:
        self.resources = template.get("Resources", {})
        self.parameters = template.get("Parameters", {})

    def of(self, value: Any) -> Any:
        if isinstance(value, list):
            found = [self.of(each) for each in value]
            return [each for each in found if each is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((key, argument),) = value.items()
            if key == "Ref" or key.startswith("Fn::"):
                return self.function(key, argument)
        return {key: self.of(each) for key, each in value.items()}

    def function(self, key: str, argument: Any) -> Any:  # noqa: PLR0911  # one line for each intrinsic function
        match key:
            case "Ref":
                return self.ref(argument)
            case "Fn::GetAtt":
                return self.attribute(*(argument.split(".", 1) if isinstance(argument, str) else argument))
            case "Fn::Sub":
                text, extra = argument if isinstance(argument, list) else (argument, {})
                return self.substituted(text, extra)
            case "Fn::Join":
                return argument[0].join(map(str, self.of(argument[1])))
            case "Fn::If":
                return self.of(argument[1])
            case "Fn::Select":
                return self.of(argument[1])[int(argument[0])]
            case "Fn::Split":
                return str(self.of(argument[1])).split(argument[0])
            case _:
                return f"resolved-{key.removeprefix('Fn::').lower()}"

    def ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return None
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.resources:
            kind = self.resources[name]["Type"]
            return SHAPES[kind].format(name) if kind in REF_IS_ARN else name
        shape = next((shape for end, shape in PARAMETERS.items() if end in name), "{}")
        return self.parameters.get(name, {}).get("Default") or shape.format(name)

    def attribute(self, name: str, attribute: str) -> str:
        if not attribute.endswith("Arn"):
            return f"{name}-{attribute}"
        return SHAPES.get(self.resources.get(name, {}).get("Type"), "arn:aws:unknown:::{}").format(name)

    def substituted(self, text: str, extra: dict[str, Any]) -> str:
        before, opened, rest = text.partition("${")
        if not opened:
            return before
        name, _, after = rest.partition("}")
        if name.startswith("!"):
            value = "${" + name[1:] + "}"
        elif name in extra:
            value = str(self.of(extra[name]))
        else:
            value = self.attribute(*name.split(".", 1)) if "." in name else str(self.ref(name))
        return before + value + self.substituted(after, extra)
