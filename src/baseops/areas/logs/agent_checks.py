"""What can be said against declared agents: what each asks of a file, and what several ask of the same instance."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

from baseops.areas.logs import agent, agent_lint
from baseops.areas.logs.agent import TargetSet
from baseops.areas.logs.findings import Path, error, warning
from baseops.contract.finding import Finding

if TYPE_CHECKING:
    from baseops.areas.logs.spec import Agent, LineFilter, LogFile, Section


def check(section: Section) -> Iterator[Finding]:
    """Each agent by itself, then the sets of targets."""
    groups = {entry.group.name for entry in section.entries.values()}
    for name, entry in section.managed.items():
        if entry.agent:
            yield from _of_agent(("logs", name, "agent"), entry.agent, groups)
    targets = agent.target_sets(section)
    for target in targets:
        yield from _of_size(target)
        yield from _of_paths(target)
    for one, other in combinations(targets, 2):
        yield from _of_overlap(one, other)


def _of_agent(path: Path, declared: Agent, groups: set[str]) -> Iterator[Finding]:
    for number, file in enumerate(declared.files):
        place = (*path, "files", number)
        yield from _of_file(place, file)
        yield from _of_group(place, file.group, groups)
        yield from _of_filters(place, file.filters)
        yield from _of_stream(place, file.stream)
    if declared.journal:
        place = (*path, "journal")
        yield from _of_group(place, declared.journal.group, groups)
        yield from _of_filters(place, declared.journal.filters)
        yield from _of_stream(place, declared.journal.stream)


def _of_file(path: Path, file: LogFile) -> Iterator[Finding]:
    if file.timestamp_format:
        said = agent_lint.timestamp_problem(file.timestamp_format)
        if said:
            known = " ".join(sorted(agent_lint.DIRECTIVES))
            yield error("timestamp-format", (*path, "timestamp_format"), said, f"Write with {known}")
        said = agent_lint.timestamp_warning(file.timestamp_format)
        if said:
            yield warning("timestamp-format", (*path, "timestamp_format"), said, "Write %b where months are short")
    if file.multi_line_start:
        said = agent_lint.multi_line_problem(file.multi_line_start, file.timestamp_format)
        if said:
            yield error("expression", (*path, "multi_line_start"), said, "Write an expression such as ^\\d{4}-\\d{2}")
    if file.blacklist:
        said = agent_lint.pattern_problem(file.blacklist)
        if said:
            yield error("expression", (*path, "blacklist"), said, "Write an expression such as \\.gz$")
    said = agent_lint.encoding_problem(file.encoding)
    if said:
        yield error("encoding", (*path, "encoding"), said, "Write encoding: utf-8, or leave it out")
    if file.publish_multi_logs and "*" not in file.path:
        yield error(
            "one-file",
            (*path, "publish_multi_logs"),
            f"{file.path} is one file",
            "Leave publish_multi_logs out, or write * in the path",
        )


def _of_filters(path: Path, filters: tuple[LineFilter, ...]) -> Iterator[Finding]:
    for number, each in enumerate(filters):
        said = agent_lint.pattern_problem(each.expression)
        if said:
            yield error(
                "expression", (*path, "filters", number, "expression"), said, "Write an expression such as ERROR|WARN"
            )


def _of_group(path: Path, group: str | None, groups: set[str]) -> Iterator[Finding]:
    if group is not None and group not in groups:
        yield error(
            "undeclared-group",
            (*path, "group"),
            f"no source has the log group {group}, so the agent would make it: kept for ever, without a key",
            "Declare it as a source of its own",
        )


def _of_stream(path: Path, stream: str) -> Iterator[Finding]:
    said = agent_lint.stream_problem(stream)
    if said:
        known = ", ".join(f"{{{name}}}" for name in sorted(agent_lint.PLACEHOLDERS))
        yield error("stream", (*path, "stream"), said, f"Write a name with {known}")


def _of_size(target: TargetSet) -> Iterator[Finding]:
    size = len(agent.configuration_text(target).encode())
    if size > agent.ADVANCED_BYTES:
        yield error(
            "agent-too-large",
            ("logs", target.entries[0][0], "agent"),
            f"the agent's configuration on these instances takes {size} bytes, "
            f"and a parameter holds {agent.ADVANCED_BYTES}",
            "Write paths with * instead of single files, or other targets for some of them",
        )


def _of_paths(target: TargetSet) -> Iterator[Finding]:
    """The same file shipped twice: each line would be there twice, or compete."""
    places = [
        (file.path, ("logs", name, "agent", "files", number), file.group or entry.group.name)
        for name, entry in target.entries
        if entry.agent
        for number, file in enumerate(entry.agent.files)
    ]
    for number, (path, place, group) in enumerate(places):
        for other, _, other_group in places[:number]:
            if not any(agent_lint.matching_paths([other, path])):
                continue
            yield error(
                "file-twice",
                (*place, "path"),
                f"{path} is shipped twice from the same instances, into {other_group} (as {other}) and {group}",
                "Ship it once, and subscribe or query the group",
            )


def _of_overlap(one: TargetSet, other: TargetSet) -> Iterator[Finding]:
    """Two configurations on one instance overwrite each other."""
    mine, theirs = dict(one.tags), dict(other.tags)
    if any(mine[key] != theirs[key] for key in mine.keys() & theirs.keys()):
        return
    path = ("logs", other.entries[0][0], "agent", "target")
    former = one.entries[0][0]
    if mine.items() <= theirs.items() or theirs.items() <= mine.items():
        yield error(
            "agent-overlap",
            path,
            f"every instance with both tags is configured by {former} too, and the two overwrite each other",
            f"Write the target of {former}, or tags that exclude each other",
        )
        return
    yield warning(
        "agent-overlap",
        path,
        f"an instance with the tags of {former} too would be configured twice, and the two overwrite each other",
        "Write targets with different values of the same tag",
    )
