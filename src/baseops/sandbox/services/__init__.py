"""One module for each AWS service that the sandbox adds or completes, named like botocore names the service.

A module is imported when the open account is first asked for its service: `services/dlm.py` for `dlm`,
`services/resource_groups.py` for `resource-groups`. It registers a `SandboxBackend`, or adds operations with
`extend` and consequences with `follow`. Where it has a function `opened(sandbox)`, that is called once for each
account that is opened. This module never imports one before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType


def module_of(service: str) -> ModuleType | None:
    """The module for a service, imported; None where moto alone serves it, or nobody does."""
    name = f"{__name__}.{service.replace('-', '_')}"
    return import_module(name) if find_spec(name) else None
