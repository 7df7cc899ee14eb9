"""The guest of an instance: its root volume's files, its role, and what its units and kernel were told since boot."""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from moto.ec2.models.instances import StateReason

from baseops.errors import UnsupportedError
from baseops.sandbox.guest.disks import names_of
from baseops.sandbox.guest.programs import Clients, Disk, Guest, Mounted, run_script
from baseops.sandbox.guests import NotExercisedError
from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import opened
from baseops.sandbox.ticker import Entry
from baseops.sandbox.volume_files import FilesError, content_of_volume, folder_of, holds

_STATE = "baseops_machines"
AGENT = (
    "/usr/bin/amazon-ssm-agent",
    "/etc/systemd/system/multi-user.target.wants/amazon-ssm-agent.service",
)
"""The agent, and that it is started at boot."""
_CREDENTIALS = timedelta(minutes=50)
BOOT = timedelta(seconds=40)
"""From launch to the end of cloud-init's work."""

# Any throughout: moto's EC2 backend and its things carry no types.


@dataclass
class Machine:
    """What an instance keeps beside its volumes."""

    running: dict[str, bool] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    mounts: dict[str, Mounted] = field(default_factory=dict)
    timer: Entry | None = None
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
        disks=lambda: _disks(backend, instance),
        mounts=machine.mounts,
        power=partial(_power, backend, instance, machine),
    )


def _disks(backend: Any, instance: Any) -> list[Disk]:
    attached = [(device, each.volume_id) for device, each in instance.get_block_device_mapping]
    return [
        Disk(volume, names_of(device, volume, number), partial(_files_of, backend, backend.volumes[volume]))
        for number, (device, volume) in enumerate(attached)
        if volume in backend.volumes
    ]


def _files_of(backend: Any, volume: Any) -> Path | None:
    """The files of a volume; None where its blocks hold no file system."""
    if not content_of_volume(backend, volume).blocks:
        return None
    try:
        return folder_of(backend, volume)
    except FilesError as error:
        if _is_unknown(error.__cause__):
            return None
        raise NotExercisedError(str(error)) from error


def _is_unknown(error: BaseException | None) -> bool:
    """Whether no file system is there at all: no kernel would mount it either."""
    return isinstance(error, UnsupportedError) and "has its signature here" in error.why


def _power(backend: Any, instance: Any, machine: Machine, kind: str, seconds: float) -> None:
    """Stop, terminate or boot an instance from inside, after some time.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingInstanceInitiatedShutdownBehavior.html
    """
    if machine.timer:
        machine.timer.cancel()
        machine.timer = None
    if kind != "cancel":
        # A moment at least: the program that asked for it ends first.
        name = f"{kind} of {instance.id}"
        machine.timer = opened().clock.ticker.after(max(1.0, seconds), lambda: _powered(backend, instance, kind), name)


def _powered(backend: Any, instance: Any, kind: str) -> None:
    if instance.state != "running":
        return
    forget_boot(backend, instance.id)
    if kind == "reboot":
        return
    if instance.instance_initiated_shutdown_behavior == "terminate":
        backend.terminate_instances([instance.id])
    else:
        backend.stop_instances([instance.id])
    code = "Client.InstanceInitiatedShutdown"
    instance.state_reason = StateReason(f"{code}: Instance initiated shutdown", code)


def forget_boot(backend: Any, instance_id: str) -> None:
    """What lasts until a boot is gone: what runs, what is mounted, what the kernel was told."""
    machine = _machine(backend, instance_id)
    for each in (machine.running, machine.settings, machine.mounts):
        each.clear()


def on_launch(backend: Any, instance: Any) -> None:
    """Let cloud-init run the user data of a new instance when it boots."""
    text = _user_data(instance)
    if text.startswith("#!"):
        work = partial(_run_user_data, backend, instance, text)
        opened().clock.ticker.after(BOOT, work, f"user data of {instance.id}")


def _user_data(instance: Any) -> str:
    """As text: moto has it decoded by itself, or as base64 where a template gave it."""
    given = instance.user_data
    if not given:
        return ""
    if not isinstance(given, str):
        return str(given.decode())
    with suppress(ValueError):
        return b64decode(given, validate=True).decode(errors="replace")
    return given


def _run_user_data(backend: Any, instance: Any, text: str) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html; an image without cloud-init runs none."""
    if instance.state != "running":
        return
    with suppress(NotExercisedError):
        guest = guest_of(backend.account_id, backend.region_name, instance.id)
        if (guest.root / "etc/cloud/cloud.cfg").is_file():
            run_script(guest, text, 60)


def root_volume(backend: Any, instance: Any) -> Any:
    """The volume on an instance's root device."""
    attached = dict(instance.get_block_device_mapping)
    mapping = attached.get(instance.root_device_name) or attached.get("/dev/sda1")
    volume = backend.volumes.get(mapping.volume_id) if mapping else None
    if volume is None:
        raise NotExercisedError(f"{instance.id} has no root volume")
    return volume


def agent_runs(backend: Any, instance_id: str) -> bool:
    """Whether Systems Manager's agent is on the root volume, and runs; so it is taken where nobody can read that."""
    running = _machine(backend, instance_id).running.get("amazon-ssm-agent.service")
    if running is not None:
        return running
    with suppress(NotExercisedError):
        return holds(backend, root_volume(backend, backend.get_instance(instance_id)), AGENT)
    return True


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
