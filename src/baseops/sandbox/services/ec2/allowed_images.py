"""EC2's Allowed AMIs setting, which moto lacks: a state and criteria for each account and region.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-allowed-amis.html. Launches are not refused by it here.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
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


extend("ec2", "GetAllowedImagesSettings", get)
extend("ec2", "EnableAllowedImagesSettings", enable)
extend("ec2", "DisableAllowedImagesSettings", disable)
extend("ec2", "ReplaceImageCriteriaInAllowedImagesSettings", replace_criteria)
