"""Which known name a misspelt one may stand for."""

from __future__ import annotations

from collections.abc import Iterable


def closest_name(name: str, known: Iterable[str]) -> str:
    """The known name that a name may be a slip for; '' if none is near."""
    from difflib import get_close_matches  # only a mistake needs it

    by_form = {one.lower().replace("-", "_"): one for one in known}
    near = get_close_matches(name.lower().replace("-", "_"), by_form, n=1, cutoff=0.65)
    if near:
        return by_form[near[0]]
    longer = [one for one in by_form.values() if len(name) > 2 and one.startswith(name)]
    return longer[0] if len(longer) == 1 else ""
