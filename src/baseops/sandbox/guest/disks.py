"""`mount` and its like in the sandbox's guests: attached volumes by all their names, their files as they are now.

A volume's files are a folder, so that mounting one is showing it; what is mounted stays so until the instance stops.
Names are those of Nitro and of Xen: https://docs.aws.amazon.com/ebs/latest/userguide/identify-nvme-ebs-device.html.
"""

from __future__ import annotations

from collections.abc import Sequence

from baseops.sandbox.guest.paths import within
from baseops.sandbox.guest.programs import Disk, Guest, Mounted
from baseops.sandbox.guests import Reply, show

_FAILED = 32
_WITH_VALUE = ("-t", "-o", "--types", "--options", "-L", "-U")


def mount(guest: Guest, arguments: Sequence[str], folder: str) -> Reply:
    """`mount [-t TYPE] [-o OPTIONS] DEVICE DIRECTORY`; without them, what is mounted."""
    options, places = _split(arguments)
    if not places:
        return Reply(0, "".join(f"{each.device} on {path} type ext4\n" for path, each in guest.mounts.items()))
    if len(places) != 2:
        return Reply(_FAILED, "", f"mount: {places[0]}: can't find in /etc/fstab.\n")
    device, path = places[0], _absolute(places[1], folder)
    disk = _disk(guest, device)
    if not within(guest.root, path).is_dir():
        return Reply(_FAILED, "", f"mount: {path}: mount point does not exist.\n")
    if disk is None:
        return Reply(_FAILED, "", f"mount: {path}: special device {device} does not exist.\n")
    source = disk.folder()
    if source is None or options.get("-t", options.get("--types", "ext4")) not in ("ext4", "auto"):
        said = "missing codepage or helper program, or other error."
        return Reply(_FAILED, "", f"mount: {path}: wrong fs type, bad option, bad superblock on {device}, {said}\n")
    read_only = "ro" in options.get("-o", options.get("--options", "")).split(",") or "-r" in arguments
    show(guest.root, source, path, read_only=read_only)
    guest.mounts[path] = Mounted(device, disk.volume_id, read_only)
    return Reply()


def umount(guest: Guest, arguments: Sequence[str], folder: str) -> Reply:
    """`umount DIRECTORY` or of the device."""
    for each in (one for one in arguments if not one.startswith("-")):
        wanted = _absolute(each, folder)
        found = [path for path, mounted in guest.mounts.items() if wanted in (path, mounted.device)]
        if not found:
            return Reply(_FAILED, "", f"umount: {each}: not mounted.\n")
        for path in found:
            show(guest.root, None, path)
            del guest.mounts[path]
    return Reply()


def mountpoint(guest: Guest, arguments: Sequence[str], folder: str) -> Reply:
    """`mountpoint [-q] DIRECTORY`."""
    (path,) = [_absolute(each, folder) for each in arguments if not each.startswith("-")] or ["/"]
    is_one = path == "/" or path in guest.mounts
    said = f"{path} is {'' if is_one else 'not '}a mountpoint\n"
    return Reply(0 if is_one else _FAILED, "" if "-q" in arguments else said)


def fsfreeze(guest: Guest, arguments: Sequence[str], folder: str) -> Reply:
    """`fsfreeze --freeze|--unfreeze DIRECTORY`: a snapshot here is of one moment anyway."""
    (path,) = [_absolute(each, folder) for each in arguments if not each.startswith("-")] or [""]
    if path != "/" and path not in guest.mounts:
        return Reply(1, "", f"fsfreeze: {path}: cannot freeze: Invalid argument\n")
    return Reply()


def sync(_guest: Guest, _arguments: Sequence[str], _folder: str) -> Reply:
    """Nothing: the machine's disks are none of a guest's business."""
    return Reply()


def blkid(guest: Guest, arguments: Sequence[str], _folder: str) -> Reply:
    """`blkid [-o value] [-s TYPE] DEVICE`."""
    device = arguments[-1] if arguments else ""
    disk = _disk(guest, device)
    if disk is None or disk.folder() is None:
        return Reply(2)
    return Reply(0, "ext4\n" if "value" in arguments else f'{device}: TYPE="ext4"\n')


def names_of(device: str, volume_id: str, number: int) -> tuple[str, ...]:
    """What a volume is called in an instance."""
    by_id = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{volume_id.replace('-', '')}"
    return (device, device.replace("/dev/sd", "/dev/xvd"), by_id, f"/dev/nvme{number}n1")


def _disk(guest: Guest, device: str) -> Disk | None:
    return next((disk for disk in guest.disks() if device in disk.names), None)


def _split(arguments: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    options, places, rest = {}, [], list(arguments)
    while rest:
        each = rest.pop(0)
        if each in _WITH_VALUE:
            options[each] = rest.pop(0) if rest else ""
        elif not each.startswith("-"):
            places.append(each)
    return options, places


def _absolute(path: str, folder: str) -> str:
    whole = path if path.startswith("/") else f"{folder}/{path}"
    return "/" + "/".join(each for each in whole.split("/") if each not in ("", "."))
