"""Makes the text of a page: every value is escaped by the template engine, and cleaned of what has no picture first."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

from baseops.report.figures import moment
from baseops.report.file import MARKER
from baseops.report.hostile import beginning, visible
from baseops.report.page import Page
from baseops.report.stories import VERDICTS
from baseops.report.units import count, duration

if TYPE_CHECKING:
    from jinja2 import Environment

_SYMBOLS = {"proven": "✓", "refuted": "✗", "inconclusive": "?", "never": "–"}


def html(page: Page) -> str:
    """One self-contained document; the same text for the same page."""
    script = _resource("page.js")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            page=page,
            marker=MARKER,
            style=_markup(_resource("page.css")),
            script=_markup(script),
            policy=_policy(script),
            symbols=_SYMBOLS,
            verdicts=VERDICTS,
        )
    )


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("baseops.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_cleaned,
    )
    environment.filters |= {
        "moment": moment,
        "duration": duration,
        "plural": count,
        "visible": visible,
        "beginning": beginning,
        "drawing": _markup,
    }
    return environment


def _cleaned(value: Any) -> Any:  # Any: whatever a template prints
    """Texts as they may be seen; markup of ours and numbers as they are."""
    from markupsafe import Markup

    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _markup(text: str) -> str:
    """Text that is markup already: our own files, and drawings, in which the library has escaped what is not ours."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704  # never a text of evidence


def _policy(script: str) -> str:
    """What the page may do: nothing but its own style and this one script.

    https://www.w3.org/TR/CSP3/
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def _resource(name: str) -> str:
    return resources.files("baseops.report").joinpath("templates", name).read_text(encoding="utf-8")
