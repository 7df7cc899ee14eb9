"""The CloudWatch agent: one merged configuration for each set of targets, and what brings it onto the instances.

Two configurations on one host overwrite each other, and an association that installs races with one that
configures, so entries with the same target tags share one parameter and one association of one document that
installs, fetches, validates and restarts in that order. It builds resources and judges nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from troposphere import Ref, Sub, ssm

from baseops.areas.logs import names
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.resources import logical_id
from baseops.contract.site import Site

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Agent, Entry, Journal, LogFile, Section

STANDARD_BYTES = 4096
"""https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""
ADVANCED_BYTES = 8192

SCHEDULE = "rate(1 day)"
MAX_CONCURRENCY = "10%"
MAX_ERRORS = "10%"

# Restarts only when the translated configuration has changed or the agent does not run: a restart makes gaps.
_CONFIGURE = """\
set -eu
ctl=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl
etc=/opt/aws/amazon-cloudwatch-agent/etc
translated() { cat "$etc/amazon-cloudwatch-agent.toml" "$etc/amazon-cloudwatch-agent.yaml" 2>/dev/null | sha256sum; }
before=$(translated)
"$ctl" -m ec2 -a fetch-config -c "ssm:{{ Configuration }}"
if [ "$before" != "$(translated)" ] || ! "$ctl" -m ec2 -a status | grep -q '"status": "running"'; then
  "$ctl" -m ec2 -a stop
  "$ctl" -m ec2 -a start
fi
"$ctl" -m ec2 -a status"""

_DISK = {
    "measurement": ["used_percent", "inodes_free"],
    "resources": ["*"],
    "drop_device": True,
    "ignore_file_system_types": ["sysfs", "devtmpfs", "tmpfs", "overlay", "squashfs"],
}


@dataclass(frozen=True)
class TargetSet:
    """Instances by their tags, and the entries (by name) that want something of the agent there."""

    tags: tuple[tuple[str, str], ...]
    entries: tuple[tuple[str, Entry], ...]

    @property
    def agents(self) -> list[tuple[Agent, Entry]]:
        """What each entry wants, in the order of the declaration."""
        return [(entry.agent, entry) for _, entry in self.entries if entry.agent]

    @property
    def installs(self) -> bool:
        """Whether any entry asks for the installation."""
        return any(agent.install for agent, _ in self.agents)

    @property
    def slug(self) -> str:
        """A name of the tags for parameters; with a hash where they have characters that a name may not have."""
        words = [word for tag in self.tags for word in tag]
        text = "_".join("-".join(tag) for tag in self.tags)
        if all(re.fullmatch(r"[A-Za-z0-9.]+", word) for word in words) and len(text) <= 80:
            return text
        digest = sha256(json.dumps(self.tags).encode()).hexdigest()[:8]
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', text)[:70]}-{digest}"


def target_sets(section: Section) -> list[TargetSet]:
    """The distinct sets of target tags of managed entries, sorted."""
    found: dict[tuple[tuple[str, str], ...], list[tuple[str, Entry]]] = {}
    for name, entry in section.entries.items():
        if entry.managed and entry.agent:
            found.setdefault(tuple(sorted(entry.agent.target.items())), []).append((name, entry))
    return [TargetSet(tags, tuple(entries)) for tags, entries in sorted(found.items())]


def configuration(target: TargetSet) -> dict[str, Any]:
    """The agent's configuration in its own JSON.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-Configuration-File-Details.html
    """
    files = [_file(each, entry) for agent, entry in target.agents for each in agent.files]
    journals = [_journal(agent.journal, entry) for agent, entry in target.agents if agent.journal]
    collected: dict[str, Any] = {}
    if files:
        collected["files"] = {"collect_list": _distinct(files)}
    if journals:
        collected["journald"] = {"collect_list": _distinct(journals)}
    found: dict[str, Any] = {"logs": {"logs_collected": collected}} if collected else {}
    if any(agent.metrics for agent, _ in target.agents):
        found["metrics"] = _metrics()
    return found


def configuration_text(target: TargetSet) -> str:
    """The configuration as it stands in the parameter: as short as JSON gets, since a parameter is small."""
    return json.dumps(configuration(target), separators=(",", ":"), ensure_ascii=False)


def parameter_name(site: Site, target: TargetSet) -> str:
    """The parameter's name; AWS's managed policy for the agent reads only those that begin with AmazonCloudWatch-.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/create-iam-roles-for-cloudwatch-agent.html
    """
    return f"AmazonCloudWatch-{site.prefix}-{target.slug}"


def association_name(site: Site, target: TargetSet) -> str:
    """The association's name, by which its outcome is found."""
    return f"{site.prefix}-agent-{target.slug}"[:128]


def document_name(site: Site, *, installs: bool) -> str:
    """The command document that configures, and where asked installs, the agent."""
    return f"{site.prefix}-logs-agent" if installs else f"{site.prefix}-logs-agent-configuration"


def association_parameters(site: Site, target: TargetSet) -> dict[str, list[str]]:
    """What the association hands to the document."""
    revision = sha256(configuration_text(target).encode()).hexdigest()[:16]
    return {"Configuration": [parameter_name(site, target)], "Revision": [revision]}


def add_agents(stack: StackBuilder, section: Section) -> None:
    """Parameters, the documents that are needed, and associations."""
    sets = target_sets(section)
    documents = {installs: _document(installs, stack.site) for installs in sorted({each.installs for each in sets})}
    for document in documents.values():
        stack.add(document)
    titles = {entry.group.name: names.group_title(name) for name, entry in section.entries.items() if entry.managed}
    for target in sets:
        with stack.unit(f"agent {target.slug}"):
            parameter = stack.add(_parameter(stack.site, target, titles))
            stack.add(_association(stack.site, target, parameter, documents[target.installs]))


def _file(file: LogFile, entry: Entry) -> dict[str, Any]:
    # A line without an offset is read in the instance's zone unless this says UTC.
    optional = {
        "timestamp_format": file.timestamp_format,
        "timezone": file.timezone if file.timestamp_format else None,
        "multi_line_start_pattern": file.multi_line_start,
        "encoding": file.encoding if file.encoding.lower() != "utf-8" else None,
        "blacklist": file.blacklist,
        "publish_multi_logs": True if file.publish_multi_logs else None,
        "filters": [each.model_dump() for each in file.filters] or None,
    }
    return {
        "file_path": file.path,
        "log_group_name": file.group or entry.group.name,
        "log_stream_name": file.stream,
        **{key: value for key, value in optional.items() if value is not None},
    }


def _journal(journal: Journal, entry: Entry) -> dict[str, Any]:
    optional = {
        "units": list(journal.units) or None,
        "priority": journal.priority,
        "filters": [each.model_dump() for each in journal.filters] or None,
    }
    return {
        "log_group_name": journal.group or entry.group.name,
        "log_stream_name": journal.stream,
        **{key: value for key, value in optional.items() if value is not None},
    }


def _metrics() -> dict[str, Any]:
    return {
        "namespace": names.AGENT_NAMESPACE,
        "append_dimensions": {"InstanceId": "${aws:InstanceId}"},
        "metrics_collected": {
            "mem": {"measurement": ["used_percent"]},
            "swap": {"measurement": ["used_percent"]},
            "disk": dict(_DISK),
        },
    }


def _distinct(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # The agent refuses a list with the same item twice.
    return [item for number, item in enumerate(items) if item not in items[:number]]


def _parameter(site: Site, target: TargetSet, titles: Mapping[str, str]) -> ssm.Parameter:
    text = configuration_text(target)
    return ssm.Parameter(
        logical_id("agent", target.slug, "Parameter"),
        Name=parameter_name(site, target),
        Description=f"CloudWatch agent on instances with {words(target)}"[:1024],
        Type="String",
        Tier="Standard" if len(text.encode()) <= STANDARD_BYTES else "Advanced",
        Value=Sub(_with_references(text, titles)),
    )


def _with_references(text: str, titles: Mapping[str, str]) -> str:
    """The configuration as Fn::Sub wants it, with its groups as references.

    So the groups come first, in whichever stack: the agent would make a missing one itself, for ever and without a key.
    """
    template = text.replace("${", "${!")
    for name, title in titles.items():
        template = template.replace(f'"log_group_name":"{name}"', f'"log_group_name":"${{{title}}}"')
    return template


def _document(installs: bool, site: Site) -> ssm.Document:
    return ssm.Document(
        "AgentDocument" if installs else "AgentConfigurationDocument",
        Name=document_name(site, installs=installs),
        DocumentType="Command",
        DocumentFormat="JSON",
        TargetType="/AWS::EC2::Instance",
        UpdateMethod="NewVersion",
        Content=document_content(installs=installs),
    )


def document_content(*, installs: bool) -> dict[str, Any]:
    """The command document's own JSON (schema 2.2): its steps run in order, and one that fails ends it."""
    steps = [*([_install()] if installs else []), _configure()]
    return {
        "schemaVersion": "2.2",
        "description": "Brings the CloudWatch agent into the declared state",
        "parameters": {
            "Configuration": {
                "type": "String",
                "description": "The parameter that holds the agent's configuration",
                "allowedPattern": "^AmazonCloudWatch-[A-Za-z0-9._-]+$",
            },
            "Revision": {
                "type": "String",
                "description": "Changes with the configuration, so that a change is brought out at once",
                "default": "none",
                "allowedPattern": "^[a-z0-9]+$",
            },
        },
        "mainSteps": steps,
    }


def _install() -> dict[str, Any]:
    return {
        "action": "aws:configurePackage",
        "name": "install",
        "inputs": {"name": "AmazonCloudWatchAgent", "action": "Install"},
    }


def _configure() -> dict[str, Any]:
    return {
        "action": "aws:runShellScript",
        "name": "configure",
        "precondition": {"StringEquals": ["platformType", "Linux"]},
        "inputs": {"timeoutSeconds": "300", "runCommand": _CONFIGURE.splitlines()},
    }


def _association(site: Site, target: TargetSet, parameter: ssm.Parameter, document: ssm.Document) -> ssm.Association:
    parameters: Mapping[str, list[Any]] = {**association_parameters(site, target), "Configuration": [Ref(parameter)]}
    return ssm.Association(
        logical_id("agent", target.slug, "Association"),
        AssociationName=association_name(site, target),
        Name=Ref(document),
        Parameters=parameters,
        Targets=list(_targets(target.tags)),
        MaxConcurrency=MAX_CONCURRENCY,
        MaxErrors=MAX_ERRORS,
        ScheduleExpression=SCHEDULE,
        # New instances are configured when they appear, not at the next time of the schedule.
        ApplyOnlyAtCronInterval=False,
        ComplianceSeverity="MEDIUM",
    )


def _targets(tags: tuple[tuple[str, str], ...]) -> Iterator[ssm.Targets]:
    for key, value in tags:
        yield ssm.Targets(Key=f"tag:{key}", Values=[value])


def words(target: TargetSet) -> str:
    """The tags in words."""
    return ", ".join(f"{key}={value}" for key, value in target.tags)
