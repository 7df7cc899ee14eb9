"""Settings brought to their declared values, with the former values kept in an ownership record.

A record is an SSM parameter `/baseops/ownership/SETTING` in the setting's region; it is written before the first
change, so that a crash between the two loses nothing. It holds names and states, never a secret's value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from baseops.aws.errors import translated
from baseops.contract.clients import Clients
from baseops.contract.clock import Clock
from baseops.contract.setting import Setting
from baseops.contract.site import Site
from baseops.contract.types import Json
from baseops.errors import NotFoundError, UsageError

RECORDS = "/baseops/ownership/"

Releaser = Callable[[str, str], Setting | None]
SettingAction = Literal["none", "write", "unset", "refused", "restore"]


@dataclass(frozen=True)
class Ownership:
    """Who claimed a setting and what it was before."""

    declaration: str
    former: Json


@dataclass(frozen=True)
class SettingPlan:
    """What apply would do with one setting. `reason` says why it is `unset`, `refused` or given back (`restore`)."""

    setting: Setting
    action: SettingAction
    current: Json
    reason: str = ""


class Settings:
    """The settings of one declaration in one account."""

    def __init__(self, clients: Clients, clock: Clock, site: Site, released: Releaser) -> None:
        """`released` finds the setting of a record whose claim is no longer declared, by id and region."""
        self._clients = clients
        self._clock = clock
        self._declaration = site.name
        self._regions = (site.region, *site.regions)
        self._released = released

    def plan(self, settings: Sequence[Setting]) -> list[SettingPlan]:
        """Read each setting and say what apply would do; settings let go of come last. Changes nothing."""
        declared = {(setting.id, setting.region) for setting in settings}
        return [self._plan(setting) for setting in settings] + [
            SettingPlan(setting, "restore", setting.read(self._clients), "it is declared no longer")
            for setting in self._owned()
            if (setting.id, setting.region) not in declared
        ]

    def apply(self, settings: Sequence[Setting]) -> list[SettingPlan]:
        """Write what differs; gives what was done. Raises `UsageError` where another declaration claims one."""
        plans = self.plan(settings)
        for plan in plans:
            if plan.action == "refused":
                raise UsageError(f"setting {plan.setting.id} is not ours to change", plan.reason, _RELEASE)
            if plan.action == "write" or plan.setting.claimed_at_once:
                self._claim(plan)
            if plan.action == "write":
                plan.setting.write(self._clients)
        self.restore([plan.setting for plan in plans if plan.action == "restore"])
        return plans

    def restore_all(self) -> list[Setting]:
        """Give back everything that this declaration has claimed, declared still or not; what was restored."""
        return self.restore(self._owned())

    def restore(self, settings: Sequence[Setting]) -> list[Setting]:
        """Give each setting that we own its former value back, and forget the record; those that were restored."""
        restored = []
        for setting in settings:
            record = self.owner(setting)
            if record is not None and record.declaration == self._declaration:
                setting.restore(self._clients, record.former)
                self._forget(setting)
                restored.append(setting)
        return restored

    def owner(self, setting: Setting) -> Ownership | None:
        """The ownership record of a setting. AWS call: ssm:GetParameter."""
        try:
            with translated(f"cannot read the ownership record of the setting {setting.id}"):
                found = self._ssm(setting).get_parameter(Name=RECORDS + setting.id)
        except NotFoundError:
            return None
        record = json.loads(found["Parameter"]["Value"])
        return Ownership(record["declaration"], record["former"])

    def _owned(self) -> list[Setting]:
        """The settings that our records name. AWS call: ssm:GetParametersByPath in every region."""
        found = []
        for region in self._regions:
            with translated(f"cannot list the ownership records in {region}"):
                pages = self._clients.client("ssm", region).get_paginator("get_parameters_by_path")
                records = [
                    json.loads(each["Value"])
                    for page in pages.paginate(Path=RECORDS.rstrip("/"), Recursive=True)
                    for each in page["Parameters"]
                ]
            mine = [record["setting"] for record in records if record["declaration"] == self._declaration]
            found += [setting for name in mine if (setting := self._released(name, region)) is not None]
        return found

    def _plan(self, setting: Setting) -> SettingPlan:
        current = setting.read(self._clients)
        record = self.owner(setting)
        if setting.singleton and record is not None and record.declaration != self._declaration:
            return SettingPlan(setting, "refused", current, f"the declaration {record.declaration} has claimed it")
        if current == setting.desired:
            return SettingPlan(setting, "none", current)
        unset = setting.unset_reason(current)
        return SettingPlan(setting, "unset", current, unset) if unset else SettingPlan(setting, "write", current)

    def _claim(self, plan: SettingPlan) -> None:
        if self.owner(plan.setting) is not None:
            return
        record = {
            "schema": "baseops/ownership/1",
            "declaration": self._declaration,
            "setting": plan.setting.id,
            "former": plan.current,
            "claimed_at": self._clock.now().isoformat(),
        }
        with translated(f"cannot write the ownership record of the setting {plan.setting.id}"):
            self._ssm(plan.setting).put_parameter(
                Name=RECORDS + plan.setting.id,
                Type="String",
                Value=json.dumps(record, sort_keys=True),
                Description="What baseops found before it changed this setting",
                Overwrite=False,
            )

    def _forget(self, setting: Setting) -> None:
        with translated(f"cannot delete the ownership record of the setting {setting.id}"):
            self._ssm(setting).delete_parameter(Name=RECORDS + setting.id)

    def _ssm(self, setting: Setting) -> Any:
        return self._clients.client("ssm", setting.region)


_RELEASE = "Remove it from one of the two declarations, or run baseops destroy on the other one."
