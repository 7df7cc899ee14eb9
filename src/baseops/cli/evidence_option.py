"""The option that says where evidence lies, for the commands that keep or read it."""

from __future__ import annotations

import click

from baseops.cli.options import Function


def evidence_option(function: Function) -> Function:
    """`--evidence`: where evidence lies."""
    return click.option(
        "--evidence",
        envvar="BASEOPS_EVIDENCE",
        default="",
        metavar="DIR|S3",
        help="A folder, or s3://bucket/prefix; the foundation's bucket by default.",
    )(function)
