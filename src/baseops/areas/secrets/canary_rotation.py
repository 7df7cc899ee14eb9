"""The drill that rotates a canary: its own secret through its own copy of the function, then back and forth again.

It changes the canary's secret and, where one is declared, the password of the canary's own database user; both are
there for nothing else. What the function did it learns from the function's log, of which nothing but the names of
steps is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.secrets import canary, described
from baseops.areas.secrets.rotation import POSTGRES_SINGLE_USER
from baseops.areas.secrets.troubles import doubtful
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, Span, inconclusive, proven, refuted
from baseops.errors import AwsError, BaseopsError

if TYPE_CHECKING:
    from baseops.areas.secrets.spec import Entry

PROMISE = "a secret rotates through its function to the end, its former version stays as AWSPREVIOUS, roll-back works"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
PATIENCE = timedelta(minutes=10)
"""For a whole rotation: a function in a network starts slowly, and a step that fails is tried again."""
LOOK_AGAIN = 5.0
_DONE = re.compile(r"\b(createSecret|setSecret|testSecret|finishSecret) of arn:[^ ]+: (\w[\w ]*)")
# What the function says when a step fails, and what of it evidence may say.
_WHY = {
    "is not reached": "the database is not reached",
    "refuses the current and the previous password": "the database knows neither its present nor its former password",
    "refuses a session": "the database refuses a session",
    "refuses ALTER": "the user may not change its own password",
    "Task timed out": "the function ran out of time",
    "AccessDenied": "the function's role lacks a permission",
    "ImportModuleError": "the function's package is broken",
}
# The copy is one only while it is the same in all that decides what the function can do.
_SAME = ("CodeSha256", "Handler", "Runtime", "Timeout", "MemorySize", "Architectures")

# Any: botocore's answers and clients.


def look(entries: Mapping[str, Entry], ctx: DrillContext) -> Iterator[Evidence]:
    """Evidence for each secret that is rotated; `entries` have a rotation."""
    for target, entry in entries.items():
        try:
            yield from _Rotation(target, entry, ctx).evidence()
        except BaseopsError as error:
            yield doubtful(target, error, method="exercised")


@dataclass(frozen=True)
class Story:
    """What the function's log tells: steps done with their times, and why the last one failed."""

    done: Mapping[str, datetime]
    why: str = ""

    @property
    def failed(self) -> str:
        """The first step that was not done; empty when all were."""
        return next((step for step in STEPS if step not in self.done), "")

    def failure(self, group: str) -> str:
        """Why the new version is not current; `group` is where the function tells more."""
        if not self.failed:
            return f"every step says that it was done, and the new version is not current: look into {group}"
        return f"{self.failed} failed: {self.why or f'it did not say why; its log group is {group}'}"


class _Rotation:
    """One rotation of one canary."""

    def __init__(self, target: str, entry: Entry, ctx: DrillContext) -> None:
        self._target, self._entry, self._ctx = target, entry, ctx
        self._region = ctx.site.region
        self._name = canary.secret_of(entry)
        self._secrets: Any = ctx.clients.client("secretsmanager", self._region)

    def evidence(self) -> Iterator[Evidence]:
        reason = self._not_exercised()
        found = None if reason else described.secret(self._ctx.clients, self._name, self._region)
        if not reason and found is None:
            reason = f"there is no canary {self._name}; run: baseops apply"
        elif found is not None and not found.get("RotationEnabled"):
            reason = f"the rotation of {self._name} is switched off"
        if found is None or reason:
            yield inconclusive(self._target, reason, method="exercised")
            return
        differing = self._differences(str(found["RotationLambdaARN"]))
        if differing:
            reason = f"the canary's function is no copy of the live one: {', '.join(differing)}; run: baseops apply"
            yield inconclusive(self._target, reason, method="exercised")
            return
        yield from self._rotated()

    def _not_exercised(self) -> str:
        rotation = self._entry.rotation
        if rotation is None or rotation.function != POSTGRES_SINGLE_USER:
            return "its function is not one that baseops can copy, and the live secret is never rotated by a drill"
        if not canary.is_declared(self._entry):
            return "no canary is declared, and the live secret is never rotated by a drill; write `rotation.canary`"
        return ""

    def _differences(self, function: str) -> list[str]:
        live = described.secret(self._ctx.clients, self._entry.name, self._region) or {}
        if not live.get("RotationLambdaARN"):
            return [f"{self._entry.name} has none"]
        client = self._ctx.clients.client("lambda", self._region)
        with translated(f"cannot compare the functions of {self._entry.name} and its canary"):
            ours = client.get_function_configuration(FunctionName=function)
            theirs = client.get_function_configuration(FunctionName=live["RotationLambdaARN"])
        networks = [
            (sorted(each.get("VpcConfig", {}).get("SubnetIds", [])), each.get("VpcConfig", {}).get("SecurityGroupIds"))
            for each in (ours, theirs)
        ]
        differing = [name for name in _SAME if ours.get(name) != theirs.get(name)]
        return [*differing, *(["VpcConfig"] if networks[0] != networks[1] else [])]

    def _rotated(self) -> Iterator[Evidence]:
        ctx, begun = self._ctx, self._ctx.clock.now()
        former = self._current()
        self._forget_pending()
        ctx.steps.add(f"rotate {self._name}")
        with translated(f"cannot rotate {self._name}"):
            token = str(self._secrets.rotate_secret(SecretId=self._name)["VersionId"])
        story = self._wait(token, begun)
        if self._current() == token:
            seconds = (ctx.clock.now() - begun).total_seconds()
            measures = {"rotation_seconds": seconds}
            yield self._rolled_back(self._target, former, token, measures, self._spans(story, begun))
        elif story.failed == "setSecret" and not canary.has_database(self._entry):
            yield from self._without_database(former, token, story, begun)
        else:
            self._forget_pending()
            spans = self._spans(story, begun)
            yield refuted(self._target, story.failure(self._group), method="exercised", spans=spans)

    def _without_database(self, former: str, token: str, story: Story, begun: datetime) -> Iterator[Evidence]:
        """The new value was made; its label is moved by hand, as finishSecret would, and taken back for good."""
        seconds = (story.done["createSecret"] - begun).total_seconds()
        self._unlabel(token)
        self._label(token, former)
        measures = {"create_seconds": max(seconds, 0.0)}
        spans = self._spans(story, begun)
        yield self._rolled_back(f"{self._target}/function", former, token, measures, spans, stays=True)
        reason = "setSecret and testSecret were not exercised: no user is declared for the canary; write its `username`"
        # `canary: {}` says so on purpose: the verdict stays open, and nobody is called for it.
        lacking = f"setSecret and testSecret of {self._name}, which has no database user"
        yield inconclusive(f"{self._target}/database", reason, method="exercised", not_exercised=(lacking,))

    def _rolled_back(
        self,
        target: str,
        former: str,
        token: str,
        measures: dict[str, float],
        spans: tuple[Span, ...],
        *,
        stays: bool = False,
    ) -> Evidence:
        """Back to the former version; and forward again where a database knows the new password alone."""
        if self._previous() != former:
            return refuted(target, "the former version is not AWSPREVIOUS", method="exercised", spans=spans)
        begun = self._ctx.clock.now()
        self._label(former, token)
        is_back = (self._current(), self._previous()) == (former, token)
        seconds = (self._ctx.clock.now() - begun).total_seconds()
        self._ctx.steps.add("rolled back")
        if not stays:
            self._label(token, former)
            self._ctx.steps.add("forward again")
        if not is_back or self._current() != (former if stays else token):
            return refuted(target, "the former version did not become current again", method="exercised", spans=spans)
        measures = {**measures, "roll_back_seconds": seconds}
        what = "a new version was made and rolled back" if stays else "rotated, rolled back and forward again"
        return proven(target, what, method="exercised", measures=measures, spans=spans)

    def _wait(self, token: str, begun: datetime) -> Story:
        """Until the version is current; less long when it is known already that it will not be."""
        ctx, story = self._ctx, Story({})
        while ctx.clock.now() - begun < PATIENCE:
            ctx.clock.sleep(LOOK_AGAIN)
            story = self._story(begun)
            if self._current() == token:
                return self._story(begun)
            if story.why and story.failed != "createSecret" and not canary.has_database(self._entry):
                return story
        return story

    def _story(self, begun: datetime) -> Story:
        done: dict[str, datetime] = {}
        why = ""
        with translated(f"cannot read the log group {self._group}"):
            pages = (
                self._ctx.clients.client("logs", self._region)
                .get_paginator("filter_log_events")
                .paginate(logGroupName=self._group, startTime=int(begun.timestamp() * 1000))
            )
            events = [each for page in pages for each in page["events"]]
        for event in events:
            found = _DONE.search(event["message"])
            if found and found[1] not in done:
                done[found[1]] = datetime.fromtimestamp(event["timestamp"] / 1000, begun.tzinfo)
            why = next((said for sign, said in _WHY.items() if sign in event["message"]), why)
        return Story(done, why)

    def _spans(self, story: Story, begun: datetime) -> tuple[Span, ...]:
        starts = [begun, *story.done.values()]
        return tuple(
            Span(self._name, step, start, end) for (step, end), start in zip(story.done.items(), starts, strict=False)
        )

    @property
    def _group(self) -> str:
        entry = self._target.partition(".")[2]
        return f"/baseops/{self._ctx.site.name}/secrets/{canary.name_of(entry)}/rotation"

    def _labels(self) -> Mapping[str, Any]:
        found = described.secret(self._ctx.clients, self._name, self._region)
        return found if found is not None else {}

    def _current(self) -> str:
        return described.labelled(self._labels(), "AWSCURRENT")

    def _previous(self) -> str:
        return described.labelled(self._labels(), "AWSPREVIOUS")

    def _label(self, version: str, former: str) -> None:
        try:
            with translated(f"cannot move AWSCURRENT of {self._name}"):
                self._secrets.update_secret_version_stage(
                    SecretId=self._name,
                    VersionStage="AWSCURRENT",
                    MoveToVersionId=version,
                    RemoveFromVersionId=former,
                )
        except AwsError:
            # The retry of a request whose answer was lost finds it moved already.
            if self._current() != version:
                raise

    def _forget_pending(self) -> None:
        """What a rotation left that did not end; it would be in the way of the next one."""
        labels = self._labels()
        pending = described.labelled(labels, "AWSPENDING")
        if pending and pending != described.labelled(labels, "AWSCURRENT"):
            self._unlabel(pending)

    def _unlabel(self, version: str) -> None:
        try:
            with translated(f"cannot take AWSPENDING from a version of {self._name}"):
                self._secrets.update_secret_version_stage(
                    SecretId=self._name, VersionStage="AWSPENDING", RemoveFromVersionId=version
                )
        except AwsError:
            # The retry of a request whose answer was lost finds it taken already.
            if described.labelled(self._labels(), "AWSPENDING") == version:
                raise
