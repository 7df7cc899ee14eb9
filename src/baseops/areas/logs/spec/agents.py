"""What the CloudWatch agent ships from instances, and what is done on instances when an alarm rings."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, model_validator

from baseops.areas.logs.spec.texts import GroupName
from baseops.fields import Duration, Strict, TagMap, matching


class LineFilter(Strict):
    """Which lines the agent ships or leaves: an expression, applied on the instance."""

    type: Literal["include", "exclude"]
    """Whether matching lines are shipped or left."""
    expression: Annotated[str, Field(min_length=1, max_length=4096)]
    """A regular expression (Go, RE2)."""


class LogFile(Strict):
    """A file that the CloudWatch agent ships."""

    path: Annotated[
        str, matching(r"/\S{1,1023}", "an absolute path such as /var/log/nginx/access.log; * and ** may stand in it")
    ]
    """Where it lies on the instance; `*` and `**` match as in the agent."""
    group: GroupName | None = None
    """Its log group; the entry's own when left out."""
    stream: Annotated[str, Field(min_length=1, max_length=512)] = "{instance_id}"
    """Its log stream; {instance_id}, {hostname}, {local_hostname}, {ip_address} and {date} are filled in."""
    timestamp_format: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """How a line's time is written, as strftime, such as %d/%b/%Y:%H:%M:%S %z."""
    timezone: Literal["UTC", "Local"] = "UTC"
    """Of times without an offset."""
    multi_line_start: str | None = None
    """A regular expression (Go, RE2) that the first line of an event matches, or {timestamp_format}."""
    encoding: Annotated[str, Field(min_length=1, max_length=64)] = "utf-8"
    """Of the file."""
    blacklist: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """A regular expression (Go, RE2): files that match the path and this are left."""
    publish_multi_logs: bool = False
    """Whether every file that matches the path is shipped; the newest alone otherwise."""
    filters: tuple[LineFilter, ...] = ()
    """Which lines are shipped; all when left out."""


class Journal(Strict):
    """What the agent ships of the systemd journal (Amazon Linux 2023 has no /var/log/messages)."""

    units: tuple[Annotated[str, Field(min_length=1, max_length=256)], ...] = ()
    """Which units, such as nginx.service; all when left out."""
    group: GroupName | None = None
    """Its log group; the entry's own when left out."""
    stream: Annotated[str, Field(min_length=1, max_length=512)] = "{instance_id}"
    """Its log stream."""
    priority: Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] | None = None
    """The least priority that is shipped; any when left out."""
    filters: tuple[LineFilter, ...] = ()
    """Which lines are shipped; all when left out."""


class Agent(Strict):
    """What the unified CloudWatch agent ships from which instances."""

    target: Annotated[TagMap, Field(min_length=1, max_length=5)]
    """The tags of the instances: all of them, key and value."""
    files: tuple[LogFile, ...] = ()
    """Files."""
    journal: Journal | None = None
    """The systemd journal."""
    metrics: bool = False
    """Whether memory, swap and disk use are measured too."""
    install: bool = True
    """Whether the agent is installed; false where the image has it."""

    @model_validator(mode="after")
    def _something(self) -> Agent:
        if not (self.files or self.journal or self.metrics):
            raise ValueError("an agent ships files, the journal or metrics; none is declared")
        return self


class Remedy(Strict):
    """What is done, on which instances, when an alarm rings."""

    document: Annotated[str, matching(r"[\w./:-]{3,200}", "an SSM document such as AWS-RunShellScript, or its ARN")] = (
        "AWS-RunShellScript"
    )
    """A command document of Systems Manager."""
    parameters: dict[str, list[str]] = Field(default_factory=dict)
    """The document's parameters: each a list of texts, such as commands: [systemctl restart nginx]."""
    targets: Annotated[TagMap, Field(max_length=5)] = Field(default_factory=dict)
    """The tags of the instances: a metric has no instance, so a remedy has to name them."""
    max_concurrency: Annotated[
        str, matching(r"[1-9]\d{0,6}|(?:[1-9]\d?|100)%", "a number or a percentage such as 10%")
    ] = "10%"
    """On how many instances at once."""
    max_errors: Annotated[str, matching(r"\d{1,7}|(?:\d{1,2}|100)%", "a number or a percentage such as 10%")] = "0"
    """After how many failures it stops."""
    cooldown: Duration = timedelta(minutes=30)
    """For how long it does not run again."""
    timeout: Duration = timedelta(minutes=10)
    """For how long a command may run on one instance."""
