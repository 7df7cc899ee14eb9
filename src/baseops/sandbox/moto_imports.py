"""Makes moto's import cheap and its stock images ours: adapts five of its modules while they are imported.

Left alone, `moto.ec2` reads region lists through three sessions of its own, the instance types on offer in every
region, and 1,300 images into every region: two CPU seconds before the first call.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

import boto3
import moto.utilities.utils
from botocore.session import Session

from baseops.sandbox import root_volumes, stock_images

OFFERINGS = "instance_type_offerings"
_session: list[Session] = []


def install(session: Session) -> None:
    """Adapt the modules from now on; those imported already are adapted as far as that still helps."""
    _session[:] = [session]
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    for name, (_, after) in ADAPTATIONS.items():
        if name in sys.modules:
            after(sys.modules[name])


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in ADAPTATIONS:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec and spec.loader:
            spec.loader = _Adapting(spec.loader, *ADAPTATIONS[fullname])
        return spec


class _Adapting(Loader):
    def __init__(
        self, inner: Loader, during: Callable[[], AbstractContextManager[None]], after: Callable[[ModuleType], None]
    ) -> None:
        self._inner = inner
        self._during = during
        self._after = after

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._inner.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        with self._during():
            self._inner.exec_module(module)
        self._after(module)


@contextmanager
def _our_session() -> Iterator[None]:
    """`boto3.Session()` is the session whose files are read already; its region lists are botocore's."""
    before = boto3.Session
    setattr(boto3, "Session", lambda: _session[0])  # noqa: B010  # mypy would object to the plain assignment
    try:
        yield
    finally:
        setattr(boto3, "Session", before)  # noqa: B010


@contextmanager
def _no_offerings() -> Iterator[None]:
    """`load_resource` gives nothing for the instance types on offer; `_offer_later` does when asked."""
    before = moto.utilities.utils.load_resource

    def load_resource(resource: str) -> Any:
        return [] if OFFERINGS in resource else before(resource)

    moto.utilities.utils.load_resource = load_resource
    try:
        yield
    finally:
        moto.utilities.utils.load_resource = before


def _offer_later(module: ModuleType) -> None:
    module.__dict__["load_resource"] = moto.utilities.utils.load_resource
    offerings: dict[str, Any] = module.__dict__["INSTANCE_TYPE_OFFERINGS"]
    for location_type, regions in offerings.items():
        if not isinstance(regions, _Offerings):
            offerings[location_type] = _Offerings(location_type, regions)


class _Offerings(dict[str, Any]):
    """What instance types a region offers, read when it is asked for."""

    def __init__(self, location_type: str, regions: dict[str, Any]) -> None:
        super().__init__({region: offers for region, offers in regions.items() if offers})
        self._location_type = location_type
        self._regions = frozenset(regions)

    def __missing__(self, region: str) -> list[dict[str, str]]:
        if region not in self._regions:
            raise KeyError(region)
        path = f"ec2/resources/{OFFERINGS}/{self._location_type}/{region}.json"
        self[region] = [
            {**offer, "LocationType": self._location_type} for offer in moto.utilities.utils.load_resource(path)
        ]
        return list(self[region])

    def __contains__(self, region: object) -> bool:
        return region in self._regions

    def get(self, region: str, default: Any = None) -> Any:
        """As a dict that had it all."""
        return self[region] if region in self._regions else default


def _nothing(_: ModuleType) -> None:
    """The module is right as it is."""


def _adapt_images(module: ModuleType) -> None:
    stock_images.adapt_images(module)
    root_volumes.adapt_images(module)


ADAPTATIONS: dict[str, tuple[Callable[[], AbstractContextManager[None]], Callable[[ModuleType], None]]] = {
    "moto.ec2.models.availability_zones_and_regions": (_our_session, _nothing),
    "moto.ec2.models.instance_types": (_no_offerings, _offer_later),
    "moto.ec2.models.amis": (nullcontext, _adapt_images),
    "moto.ec2.models.instances": (nullcontext, root_volumes.adapt_instances),
    "moto.ec2.responses.instances": (nullcontext, root_volumes.adapt_responses),
    "moto.ssm.models": (nullcontext, stock_images.adapt_parameters),
}
