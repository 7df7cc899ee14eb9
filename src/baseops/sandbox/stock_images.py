"""Amazon's own images that every sandbox region has, and the public parameters that name them.

`stock_images.json` lists them by architecture. A release is named for the last Tuesday before the account began, as
AL2023 releases are, so that a base is as young as it would be in truth; its id follows from region and name.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

TUESDAY = 1
ROOT_GIB = 8
PREFIX = "/aws/service/ami-amazon-linux-latest/"


@dataclass(frozen=True)
class StockImage:
    """An image of Amazon's; `{release}` and `{date}` in the texts stand for those of the release."""

    name: str
    description: str
    architecture: str
    root_device_name: str
    boot_mode: str
    parameters: tuple[str, ...]
    owner_id: str = "137112412989"


def adapt_images(module: ModuleType) -> None:
    """Let moto's EC2 begin with these images instead of its own 1,300."""
    module.__dict__["AmiBackend"]._load_amis = lambda backend: _load_images(backend, module.__dict__["Ami"])


def adapt_parameters(module: ModuleType) -> None:
    """Let moto's Parameter Store answer for them."""
    module.__dict__["ParameterDict"]._load_latest_amis = lambda store: _load_parameters(
        store, module.__dict__["Parameter"]
    )


def image_id(region: str, name: str) -> str:
    """The id of an image in a region: the same in every sandbox."""
    return "ami-0" + hashlib.sha256(f"{region}/{name}".encode()).hexdigest()[:16]


def release_date(now: datetime) -> datetime:
    """The day of the newest release."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=(day.weekday() - TUESDAY) % 7)


@cache
def listed() -> tuple[StockImage, ...]:
    """What `stock_images.json` lists."""
    documents = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return tuple(StockImage(**{**each, "parameters": tuple(each["parameters"])}) for each in documents)


def _named(text: str, day: datetime) -> str:
    return text.replace("{date}", f"{day:%Y%m%d}")


# Any: the backend and the classes are moto's own, found at run time.
def _load_images(backend: Any, image_class: Any) -> None:
    day = release_date(datetime.now(UTC))  # noqa: TID251  # moto's state follows the process's time
    for stock in listed():
        name = _named(stock.name, day)
        identity = image_id(backend.region_name, name)
        backend.amis[identity] = image_class(
            backend,
            ami_id=identity,
            name=name,
            description=_named(stock.description, day),
            owner_id=stock.owner_id,
            owner_alias="amazon",
            public=True,
            virtualization_type="hvm",
            architecture=stock.architecture,
            creation_date=day.replace(tzinfo=None),
            image_location=f"amazon/{name}",
            hypervisor="xen",
            root_device_type="ebs",
            root_device_name=stock.root_device_name,
            sriov="simple",
            region_name=f"{backend.region_name}a",
            boot_mode=stock.boot_mode,
        )
        backend.amis[identity].ebs_snapshot.volume.size = ROOT_GIB


def _load_parameters(store: Any, parameter_class: Any) -> None:
    day = release_date(datetime.now(UTC))  # noqa: TID251  # as above
    for stock in listed():
        for name in stock.parameters:
            dict.setdefault(store, PREFIX + name, []).append(
                parameter_class(
                    account_id=store.account_id,
                    name=PREFIX + name,
                    value=image_id(store.region_name, _named(stock.name, day)),
                    parameter_type="String",
                    description=None,
                    allowed_pattern=None,
                    keyid=None,
                    last_modified_date=day.timestamp(),
                    version=1,
                    data_type="text",
                )
            )
