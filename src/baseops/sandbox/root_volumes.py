"""Instances start from their image's snapshot: the root volume, on the image's root device, among those asked for.

moto gives an instance an empty root on /dev/sda1, or none where other devices are mapped, and takes `resolve:ssm:` in
a launch template for an id (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-systems-manager-parameter-to-find-AMI.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import wraps
from types import ModuleType
from typing import Any

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import ServiceError, opened

RESOLVE = "resolve:ssm:"

# Any throughout: moto's backends and their things carry no types.


def adapt_images(module: ModuleType) -> None:
    """Let images describe the volume of their snapshot."""
    module.__dict__["Ami"].block_device_mappings = property(lambda image: [_of_image(image)])
    module.__dict__["Ami"].lld = None  # moto asks for it by that name when it was launched last, and has none


def adapt_instances(module: ModuleType) -> None:
    """Let moto's RunInstances (and what else starts instances) begin with the image's root."""
    owner = module.__dict__["InstanceBackend"]
    original = owner.run_instances
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def run_instances(
        backend: Any, image_id: str | None, count: int, user_data: Any, groups: Any, **options: Any
    ) -> Any:
        template = _template(backend, options)
        found = resolved(backend, image_id or template.get("ImageId"))
        image = backend.amis.get(found or "")
        if image is not None:
            _launched(backend, image)
            given = options.get("block_device_mappings") or template.get("BlockDeviceMappings") or ()
            options["block_device_mappings"] = list(_merged(image, given))
        reservation = original(backend, found, count, user_data, groups, **options)
        for instance in reservation.instances:
            _interfaces_go_with(instance, options.get("nics") or ())
        _booting(backend, reservation.instances)
        return reservation

    owner.run_instances = run_instances
    _let_terminate_twice(module.__dict__["Instance"])


def _let_terminate_twice(owner: Any) -> None:
    """An instance that has ended may be terminated again; moto then looks for interfaces that went with it.

    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html
    """
    original = owner.terminate

    @wraps(original)
    def terminate(instance: Any, *arguments: Any, **options: Any) -> Any:
        instance.nics = {at: each for at, each in instance.nics.items() if each.id in instance.ec2_backend.enis}
        return original(instance, *arguments, **options)

    owner.terminate = terminate


def adapt_responses(module: ModuleType) -> None:
    """Let a mapping of RunInstances say something of a device that the image has, without its size or snapshot.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-device-mapping-concepts.html
    """
    owner = module.__dict__["InstanceResponse"]
    original = owner._validate_block_device_mapping
    if hasattr(original, "__wrapped__"):
        return

    @wraps(original)
    def validate(mapping: dict[str, Any]) -> None:
        if not set(mapping.get("Ebs", {})) & {"SnapshotId", "VolumeSize"} and "Ebs" in mapping:
            mapping = {**mapping, "Ebs": {**mapping["Ebs"], "VolumeSize": 1}}
        original(mapping)

    owner._validate_block_device_mapping = staticmethod(validate)


def _interfaces_go_with(instance: Any, given: Iterable[Mapping[str, Any]]) -> None:
    """Interfaces that a launch makes are deleted with the instance, unless it says otherwise; moto keeps them.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html
    """
    said = {int(each["DeviceIndex"]): each for each in given if "DeviceIndex" in each}
    for index, interface in instance.nics.items():
        if not {"DeleteOnTermination", "NetworkInterfaceId"} & set(said.get(index, {})):
            interface.delete_on_termination = True


def _booting(backend: Any, instances: Iterable[Any]) -> None:
    from baseops.sandbox.services.ssm.machines import on_launch

    for instance in instances:
        on_launch(backend, instance)


def _launched(backend: Any, image: Any) -> None:
    """Refuse what Allowed AMIs hides, and remember when the image was launched last."""
    from baseops.sandbox.services.ec2.allowed_images import refuse_launch

    refuse_launch(backend, image)
    image.lld = opened().clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def resolved(backend: Any, image_id: str | None) -> str | None:
    """The image that `resolve:ssm:NAME`, with a version or label, means; an id means itself."""
    if not image_id or not image_id.startswith(RESOLVE):
        return image_id
    name, _, wanted = image_id.removeprefix(RESOLVE).partition(":")
    ssm = moto_backend("ssm", backend.account_id, backend.region_name)
    parameter = ssm.get_parameter(f"{name}:{wanted}" if wanted else name)
    if parameter is None:
        message = f"Unable to resolve the parameter '{name}': it does not exist"
        raise ServiceError(message, code="InvalidParameterValue")
    return str(parameter.value)


def _template(backend: Any, options: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = options.get("launch_template")
    if not wanted:
        return {}
    found: Mapping[str, Any] = backend._get_template_from_args(wanted).data
    return found


def _of_image(image: Any) -> dict[str, Any]:
    snapshot = image.ebs_snapshot
    return {
        "DeviceName": image.root_device_name,
        "Ebs": {
            "SnapshotId": snapshot.id,
            "VolumeSize": snapshot.volume.size,
            "DeleteOnTermination": True,
            "VolumeType": "gp3",
            "Encrypted": bool(snapshot.encrypted),
        },
    }


def _merged(image: Any, given: Iterable[Mapping[str, Any]]) -> Iterable[dict[str, Any]]:
    """The image's root with what was asked for it, then the other devices."""
    root = _of_image(image)
    others = []
    for each in given:
        if each.get("DeviceName") == root["DeviceName"] and each.get("NoDevice") != "":
            # moto gives False for an encryption that was not asked for; the image's is kept whatever is asked.
            wanted = {key: value for key, value in each.get("Ebs", {}).items() if value not in (None, "")}
            wanted["Encrypted"] = bool(wanted.get("Encrypted") or root["Ebs"]["Encrypted"])
            root["Ebs"] = {**root["Ebs"], **wanted}
        else:
            _refuse_nothing(each)
            others.append(dict(each))
    root["Ebs"]["VolumeSize"] = int(root["Ebs"]["VolumeSize"])
    return [root, *others]


def _refuse_nothing(mapping: Mapping[str, Any]) -> None:
    ebs = mapping.get("Ebs", {})
    if not (ebs.get("SnapshotId") or ebs.get("VolumeSize") or mapping.get("NoDevice") == ""):
        raise ServiceError("The request must contain the parameter size or snapshotId", code="MissingParameter")
