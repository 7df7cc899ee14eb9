"""Which known name a misspelt one may stand for."""

from __future__ import annotations

from collections.abc import Iterable


def closest_name(name: str, known: Iterable[str]) -> str:
    """The known name that a name may be a slip for; '' if none is near."""
    from difflib import get_close_matches  # only a mistake needs it

    by_form = {one.lower().replace("-", "_"): one for one in known}
    near = get_close_matches(name.lower().replace("-", "_"), by_form, n=1, cutoff=0.65)
    return by_form[near[0]] if near else ""
