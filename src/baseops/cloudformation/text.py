"""A template as text: the bytes that are applied, linted and written to files; knows nothing of AWS calls."""

from __future__ import annotations

import json

from baseops.contract.template import Template


def template_text(template: Template) -> str:
    """The bytes that are applied and that `compile` writes: sorted by our builder, two spaces, one final newline."""
    return json.dumps(template.body, indent=2, ensure_ascii=True) + "\n"
