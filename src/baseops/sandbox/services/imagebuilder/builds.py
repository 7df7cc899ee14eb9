"""Builds an image's root: a volume from the parent's snapshot, the recipe's components in a guest over it, a clean-up.

What could not be exercised leaves no file system rather than a wrong one: nobody knows what the image would hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.guest.programs import Guest, run_script
from baseops.sandbox.guests import NotExercisedError
from baseops.sandbox.service import opened
from baseops.sandbox.services.imagebuilder.component_steps import Document, Step, document_of, run_phase, steps_of
from baseops.sandbox.services.ssm.machines import role_of
from baseops.sandbox.volume_files import FilesError, content_of_volume, folder_of, forget
from baseops.sandbox.volumes import Content, contents_of

# Any throughout: moto's EC2 backend carries no types, records are structures of the service's model.

# Of the script that Image Builder runs before it takes the snapshot, what concerns files that there are here.
# https://docs.aws.amazon.com/imagebuilder/latest/userguide/security-best-practices.html#post-build-cleanup
_CLEAN_UP = """\
if [ ! -f /tmp/skip_cleanup_ssh_files ]; then
  rm -f /etc/ssh/ssh_host_* /root/.ssh/authorized_keys /home/ec2-user/.ssh/authorized_keys
fi
[ -f /tmp/skip_cleanup_cloudinit_files ] || rm -f /var/log/cloud-init.log /var/log/cloud-init-output.log
[ -f /tmp/skip_cleanup_instance_log_files ] || rm -f /var/log/audit/audit.log /var/log/boot.log /var/log/cron
[ -f /tmp/skip_cleanup_ssm_log_files ] || rm -rf /var/log/amazon/ssm/*
[ -f /tmp/skip_cleanup_instance_files ] || rm -f /etc/.updated /var/.updated /etc/hostname /root/.bash_history
rm -rf /tmp/imagebuilder_service /tmp/skip_cleanup_*
"""


@dataclass(frozen=True)
class Built:
    """How a build or a test went. `content` is None where the files of the image are not known."""

    steps: tuple[Step, ...] = ()
    content: Content | None = None
    not_exercised: str = ""

    @property
    def failed(self) -> Step | None:
        """The step that ended it."""
        return next((each for each in self.steps if each.ends_the_build), None)


def build(backend: Any, image: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]], parent: Any) -> Built:
    """Run the phases build and validate over the parent image's root."""
    snapshot = parent.ebs_snapshot
    return _over_volume(backend, snapshot.id, parent, image, components, ("build", "validate"), clean=True)


def test(
    backend: Any, image: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]], parent: Any, built: Content
) -> Built:
    """Run the phase test over what was built; what it writes is not kept."""
    return _over_volume(backend, None, parent, image, components, ("test",), clean=False, begin=built)


def has_tests(image: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether any component has a test phase."""
    return bool(steps_of(_documents(image["imageRecipe"], components), "test"))


def _over_volume(
    backend: Any,
    snapshot_id: str | None,
    parent: Any,
    image: Mapping[str, Any],
    components: Mapping[str, Mapping[str, Any]],
    phases: Sequence[str],
    *,
    clean: bool,
    begin: Content | None = None,
) -> Built:
    size = _root_size(image, parent)
    volume = backend.create_volume(size, f"{backend.region_name}a", snapshot_id)
    try:
        if begin is not None:
            _start_with(backend, volume, begin)
        guest = _guest(backend, image, volume, parent.architecture)
        steps = _run(guest, _documents(image["imageRecipe"], components), phases)
        reasons = [f"{each.name}: {each.errors.strip()}" for each in steps if each.status == "NOT_EXERCISED"]
        done = Built(tuple(steps), None, "; ".join(reasons))
        if done.failed or reasons:
            return done
        if clean:
            run_script(guest, _CLEAN_UP, 20)
        return Built(done.steps, content_of_volume(backend, volume))
    except (NotExercisedError, FilesError) as error:
        return Built(not_exercised=str(error))
    finally:
        forget(backend, volume)
        backend.delete_volume(volume.id)


def _start_with(backend: Any, volume: Any, content: Content) -> None:
    """Let a new volume begin with blocks."""
    contents_of(backend).volumes[volume.id] = Content(content.blocks, volume.id)


def _run(guest: Guest, documents: Sequence[Document], phases: Sequence[str]) -> list[Step]:
    done: list[Step] = []
    for phase in phases:
        done += run_phase(guest, steps_of(documents, phase), done)
        if any(each.ends_the_build for each in done):
            break
    return done


def _guest(backend: Any, image: Mapping[str, Any], volume: Any, architecture: str) -> Guest:
    root = folder_of(backend, volume)
    if not (root / "etc").is_dir():
        raise NotExercisedError("the parent image holds no system that the sandbox could start")
    profile = str(image["infrastructureConfiguration"]["instanceProfileName"])
    instance = f"i-{mock_random.get_random_hex(17)}"

    def clients() -> Any:
        role = role_of(backend.account_id, profile)
        return opened().session_as(role, instance) if role else None

    return Guest(root, opened().clock.now, backend.region_name, architecture, clients)


def _documents(recipe: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]]) -> list[Document]:
    found = []
    for each in recipe.get("components", ()):
        arn = str(each["componentArn"])
        given = {one["name"]: ",".join(one["value"]) for one in each.get("parameters", ())}
        if arn in components:
            found.append(document_of(arn, components[arn]["data"], given))
        else:
            # One of Amazon's own: what it does is not known here.
            step = {"name": arn.rpartition("component/")[2], "action": "a component of Amazon's"}
            found.append(Document(arn, {"phases": [{"name": "build", "steps": [step]}]}))
    return found


def _root_size(image: Mapping[str, Any], parent: Any) -> int:
    mappings: Iterable[Mapping[str, Any]] = image["imageRecipe"].get("blockDeviceMappings", ())
    sizes = [
        each.get("ebs", {}).get("volumeSize") for each in mappings if each["deviceName"] == parent.root_device_name
    ]
    return next((int(each) for each in sizes if each), int(parent.ebs_snapshot.volume.size))
