"""The guest of an instance: its root volume's files, its role, and what its units and kernel were told since boot."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from baseops.sandbox.guest.programs import Clients, Guest
from baseops.sandbox.guests import NotExercisedError
from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import opened
from baseops.sandbox.volume_files import FilesError, folder_of

_STATE = "baseops_machines"
_CREDENTIALS = timedelta(minutes=50)

# Any throughout: moto's EC2 backend and its things carry no types.


@dataclass
class Machine:
    """What an instance keeps beside its volumes."""

    running: dict[str, bool] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    role: str | None = None
    clients: Clients | None = None
    until: datetime | None = None


def guest_of(account_id: str, region: str, instance_id: str) -> Guest:
    """The guest of an instance. Raises `NotExercisedError` where its root holds no system that could run."""
    backend = moto_backend("ec2", account_id, region)
    instance = backend.get_instance(instance_id)
    volume = root_volume(backend, instance)
    try:
        root = folder_of(backend, volume)
    except FilesError as error:
        raise NotExercisedError(str(error)) from error
    if not (root / "etc").is_dir():
        raise NotExercisedError(f"the root volume of {instance_id} holds no system")
    machine = _machine(backend, instance_id)
    return Guest(
        root,
        opened().clock.now,
        region,
        instance.architecture or "x86_64",
        lambda: _clients(backend, instance, machine),
        machine.running,
        machine.settings,
    )


def root_volume(backend: Any, instance: Any) -> Any:
    """The volume on an instance's root device."""
    attached = dict(instance.get_block_device_mapping)
    mapping = attached.get(instance.root_device_name) or attached.get("/dev/sda1")
    volume = backend.volumes.get(mapping.volume_id) if mapping else None
    if volume is None:
        raise NotExercisedError(f"{instance.id} has no root volume")
    return volume


def _machine(backend: Any, instance_id: str) -> Machine:
    if not hasattr(backend, _STATE):
        setattr(backend, _STATE, {})
    state: dict[str, Machine] = getattr(backend, _STATE)
    return state.setdefault(instance_id, Machine())


def _clients(backend: Any, instance: Any, machine: Machine) -> Clients | None:
    """The role's clients, with credentials that the instance's metadata would give; new ones before they end."""
    now, role = opened().clock.now(), role_of(backend.account_id, _profile(backend, instance))
    if machine.until is None or machine.until <= now or role != machine.role:
        machine.clients = opened().session_as(role, instance.id) if role else None
        machine.role, machine.until = role, now + _CREDENTIALS
    return machine.clients


def _profile(backend: Any, instance: Any) -> str:
    association = backend.iam_instance_profile_associations.get(instance.id)
    return str(association.iam_instance_profile.arn) if association else ""


def role_of(account_id: str, profile: str) -> str | None:
    """The role of an instance profile, by its ARN or name."""
    iam = opened().clients_of(account_id).client("iam")
    if not profile:
        return None
    try:
        found = iam.get_instance_profile(InstanceProfileName=profile.rpartition("/")[2])["InstanceProfile"]["Roles"]
    except iam.exceptions.NoSuchEntityException:
        return None
    return str(found[0]["Arn"]) if found else None
