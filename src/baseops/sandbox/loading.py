"""botocore's data files, read once for moto and for all clients; as plain dicts, which is three times faster."""

from __future__ import annotations

import gc
import gzip
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader
from moto.core.loaders import Loader, moto_root


class PlainFiles(JSONFileLoader):
    """Reads `.json` and `.json.gz` without ordered dicts and without garbage collections in between."""

    def _load_file(self, full_path: str, open_method: Callable[..., Any]) -> Any:
        path = Path(full_path)
        if not path.is_file():
            return None
        data = path.read_bytes()
        collecting = gc.isenabled()
        gc.disable()
        try:
            return json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
        finally:
            if collecting:
                gc.enable()


class SharedLoader(Loader):
    """moto's loader (botocore's data with moto's additions) over `PlainFiles`."""

    FILE_LOADER_CLASS = PlainFiles


class MotoLoader:
    """What moto reads models with: the shared loader, but for those that botocore's clients rewrite in place.

    botocore takes `/{Bucket}` out of S3's paths when it makes a client; moto's router needs it.
    """

    REWRITTEN = ("s3", "s3control")

    def __init__(self) -> None:
        self._own = SharedLoader(extra_search_paths=[moto_root])

    def load_service_model(self, service: str, type_name: str, api_version: str | None = None) -> Any:
        """A data file of a service."""
        loader = self._own if service in self.REWRITTEN else shared_loader()
        return loader.load_service_model(service, type_name, api_version)


@cache
def shared_loader() -> SharedLoader:
    """The one loader of the process's clients."""
    return SharedLoader(extra_search_paths=[moto_root])


@cache
def moto_loader() -> MotoLoader:
    """The one loader of moto."""
    return MotoLoader()
