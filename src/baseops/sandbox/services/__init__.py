"""What the sandbox adds to moto, by AWS service as botocore names it, with `_` for `-`.

`services/dlm.py` is imported when the open account is first asked for `dlm`; a folder `services/ec2/` stands for
all its modules. A module registers a `SandboxBackend`, or adds operations with `extend` and consequences with
`follow`. Where it has a function `on_open(sandbox)`, that is called once for each account that is opened. Nothing
is imported before it is asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType


@cache
def modules_of(service: str) -> tuple[ModuleType, ...]:
    """The modules for a service, imported; none where moto alone serves it, or nobody does."""
    name = f"{__name__}.{service.replace('-', '_')}"
    if find_spec(name) is None:
        return ()
    found = import_module(name)
    inner = sorted(module.name for module in iter_modules(getattr(found, "__path__", ())))
    return (found, *(import_module(f"{name}.{each}") for each in inner))
