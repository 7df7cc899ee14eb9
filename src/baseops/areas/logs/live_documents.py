"""Reads documents of Systems Manager as they are run: the content of their default version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext
from baseops.errors import NotFoundError

# Any: documents are JSON.


def live_document(ctx: DrillContext, name: str) -> Mapping[str, Any] | None:
    """What a document says; None where there is no such document."""
    ssm = ctx.clients.client("ssm", ctx.site.region)
    try:
        with translated(f"cannot read the document {name}"):
            found: Mapping[str, Any] = json.loads(ssm.get_document(Name=name)["Content"])
    except NotFoundError:
        return None
    return found
