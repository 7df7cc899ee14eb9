"""What CloudFormation says of a template that it refuses; the message is AWS's own."""

from __future__ import annotations

from baseops.errors import BaseopsError


class TemplateError(BaseopsError):
    """A template, its parameters or a function in it is wrong; `str()` is CloudFormation's sentence."""
