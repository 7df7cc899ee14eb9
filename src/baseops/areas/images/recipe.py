"""What is built: components with the versions of the lock, and a recipe on the locked base.

A recipe takes the version `1.0.x`, so that Image Builder counts by itself and neither a change nor a new apply after
destroy meets a version that exists; a component whose version exists gets a new build number
(https://docs.aws.amazon.com/imagebuilder/latest/userguide/ibhow-semantic-versioning.html). Both are kept when they are
replaced or their stack goes: an image stays traceable to what it was built of, and Image Builder refuses to delete
what an image still depends on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from troposphere import Ref, Sub, imagebuilder

from baseops.areas.images.library import OWNER, Used, key_of
from baseops.areas.images.names import BASE_TAG, RELEASE_TAG, component_name, identity_tags, image_name
from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.resources import logical_id
from baseops.contract.lock import Lock, LockedBase
from baseops.contract.refs import Refs
from baseops.errors import CompileError

if TYPE_CHECKING:
    from baseops.areas.images.spec import Component, Entry, Volume

KEEP = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
NEXT_VERSION = "1.0.x"
RELEASE_PARAMETER = "ReleaseVersion"


def locked_base(lock: Lock, name: str) -> LockedBase:
    """The base of an image; raises `CompileError` while the lock has none."""
    base = lock.bases.get(name)
    if base is None:
        raise CompileError(
            f"images.{name}: the base is not locked",
            "baseops.lock does not say which AMI it is, and a build never chooses by itself",
            "Run: baseops images lock",
        )
    return base


def component(used: Used, stack: StackBuilder, refs: Refs) -> imagebuilder.Component:
    """A component; a long document comes from the artifact bucket."""
    known = refs.lock.components.get(OWNER, {}).get(used.key)
    if known is None or known.sha256 != used.sha256:
        why = "baseops.lock does not know this content"
        raise CompileError(f"the component {used.key} has no version", why, "Run: baseops compile")
    return imagebuilder.Component(
        logical_id(used.key, "Component"),
        Name=component_name(refs.site, used.key),
        Version=known.version,
        Platform="Linux",
        Description=f"baseops {refs.site.name}: {used.written}",
        KmsKeyId=stack.use(refs.key("images")),
        **_content(used, stack, refs),
        **KEEP,
    )


def _content(used: Used, stack: StackBuilder, refs: Refs) -> dict[str, Any]:
    artifact = used.artifact
    if artifact is None:
        return {"Data": used.text}
    bucket = stack.use(refs.artifact_bucket())
    return {"Uri": Sub(f"s3://${{Bucket}}/{refs.artifact_key(artifact)}", Bucket=bucket)}


def recipe(
    name: str, entry: Entry, made: Mapping[str, imagebuilder.Component], stack: StackBuilder, refs: Refs
) -> imagebuilder.ImageRecipe:
    """The recipe of an image."""
    base = locked_base(refs.lock, name)
    components = [_configured(each, made, base) for each in entry.components]
    return imagebuilder.ImageRecipe(
        logical_id(name, "Recipe"),
        Name=image_name(refs.site, name),
        Version=NEXT_VERSION,
        Description=f"{base.name} with {len(entry.components)} components"[:1024],
        ParentImage=base.image_id,
        BlockDeviceMappings=[_mapping(each, stack.use(refs.key("images"))) for each in volumes(entry)],
        AmiTags=ami_tags(name, entry, base, refs),
        WorkingDirectory="/tmp",  # noqa: S108  # on the build instance, where Image Builder cleans up
        AdditionalInstanceConfiguration=imagebuilder.AdditionalInstanceConfiguration(
            SystemsManagerAgent=imagebuilder.SystemsManagerAgent(UninstallAfterBuild=False)
        ),
        **({"Components": components} if components else {}),
        **({"AmiWatermarks": list(entry.watermarks)} if entry.watermarks else {}),
        **KEEP,
    )


def ami_tags(name: str, entry: Entry, base: LockedBase, refs: Refs) -> dict[str, str]:
    """The tags of an AMI: whose it is, and what it was built from."""
    traced = {BASE_TAG: base.image_id, **({RELEASE_TAG: base.release_version} if base.release_version else {})}
    return {**entry.tags, **identity_tags(refs.site, name), **traced, "Name": image_name(refs.site, name)}


def _configured(
    each: Component, made: Mapping[str, imagebuilder.Component], base: LockedBase
) -> imagebuilder.ComponentConfiguration:
    parameters: dict[str, str | list[str]] = dict(each.parameters)
    if each.component == "update" and base.release_version:
        parameters.setdefault(RELEASE_PARAMETER, base.release_version)
    listed = [
        imagebuilder.ComponentParameter(Name=key, Value=[value] if isinstance(value, str) else list(value))
        for key, value in sorted(parameters.items())
    ]
    arn = each.arn or Ref(made[key_of(each.component or "")])
    return imagebuilder.ComponentConfiguration(ComponentArn=arn, **({"Parameters": listed} if listed else {}))


def volumes(entry: Entry) -> tuple[Volume, ...]:
    """The declared volumes; the root volume of the base otherwise, so that it is encrypted with our key."""
    from baseops.areas.images.spec import Volume

    return entry.volumes or (Volume(device=root_device(entry)),)


def root_device(entry: Entry) -> str:
    """The root device of the usual bases. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html."""
    source = (entry.base.parameter or entry.base.name or "").lower() if entry.base else ""
    return "/dev/sda1" if "canonical" in source or "ubuntu" in source else "/dev/xvda"


def _mapping(volume: Volume, key: Any) -> imagebuilder.InstanceBlockDeviceMapping:
    given = {"VolumeSize": volume.size, "Iops": volume.iops, "Throughput": volume.throughput}
    return imagebuilder.InstanceBlockDeviceMapping(
        DeviceName=volume.device,
        Ebs=imagebuilder.EbsInstanceBlockDeviceSpecification(
            DeleteOnTermination=volume.delete_on_termination,
            Encrypted=True,
            KmsKeyId=key,
            VolumeType=volume.type,
            **{key: value for key, value in given.items() if value is not None},
        ),
    )
