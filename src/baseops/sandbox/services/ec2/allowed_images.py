"""EC2's Allowed AMIs setting, which moto lacks: a state and criteria for each account and region.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-allowed-amis.html. While it is enabled, launches of other images
are refused as those of images that nobody can find; listings are not narrowed by it here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from baseops.sandbox.service import Members, ServiceError, extend

_SETTING = "baseops_allowed_images"


# Any: moto's EC2 backend, which carries no types; it goes with the account, and so does what is kept on it.
def _setting(backend: Any) -> dict[str, Any]:
    if not hasattr(backend, _SETTING):
        setattr(backend, _SETTING, {"State": "disabled", "ImageCriteria": []})
    setting: dict[str, Any] = getattr(backend, _SETTING)
    return setting


def get(backend: Any) -> Members:
    """Answer GetAllowedImagesSettings."""
    return {**copy.deepcopy(_setting(backend)), "ManagedBy": "account"}


def enable(backend: Any, allowed_images_settings_state: str) -> Members:
    """Answer EnableAllowedImagesSettings."""
    if allowed_images_settings_state not in ("audit-mode", "enabled"):
        message = f"Invalid value '{allowed_images_settings_state}' for AllowedImagesSettingsState."
        raise ServiceError(message, code="InvalidParameterValue")
    _setting(backend)["State"] = allowed_images_settings_state
    return {"AllowedImagesSettingsState": allowed_images_settings_state}


def disable(backend: Any) -> Members:
    """Answer DisableAllowedImagesSettings."""
    _setting(backend)["State"] = "disabled"
    return {"AllowedImagesSettingsState": "disabled"}


def replace_criteria(backend: Any, image_criteria: Sequence[Mapping[str, Any]] = ()) -> Members:
    """Answer ReplaceImageCriteriaInAllowedImagesSettings."""
    if len(image_criteria) > 10:
        raise ServiceError("At most 10 image criteria can be specified.", code="InvalidParameterValue")
    _setting(backend)["ImageCriteria"] = copy.deepcopy(list(image_criteria))
    return {"ReturnValue": True}


def refuse_launch(backend: Any, image: Any) -> None:
    """Refuse an image that the enabled setting hides; one's own are always allowed."""
    setting = _setting(backend)
    if setting["State"] != "enabled" or image.owner_id == backend.account_id:
        return
    if not any(_fits(image, each) for each in setting["ImageCriteria"]):
        message = f"The image id '[{image.id}]' does not exist"
        raise ServiceError(message, code="InvalidAMIID.NotFound")


def _fits(image: Any, criterion: Mapping[str, Any]) -> bool:
    providers, names = criterion.get("ImageProviders"), criterion.get("ImageNames")
    others = set(criterion) - {"ImageProviders", "ImageNames"}
    if others:
        raise ServiceError(f"The sandbox does not know {', '.join(sorted(others))}", code="InvalidParameterValue")
    owners = {image.owner_id, image.owner_alias}
    return (not providers or bool(owners & set(providers))) and (
        not names or any(fnmatchcase(image.name or "", each) for each in names)
    )


extend("ec2", "GetAllowedImagesSettings", get)
extend("ec2", "EnableAllowedImagesSettings", enable)
extend("ec2", "DisableAllowedImagesSettings", disable)
extend("ec2", "ReplaceImageCriteriaInAllowedImagesSettings", replace_criteria)
