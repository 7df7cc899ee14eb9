"""Checks the documentation: links lead somewhere, every page is in the index, commands named for make exist.

It reads Markdown files of the repository and nothing else. Exit code 1 when something is wrong.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = {".venv", ".judges", "node_modules", ".git", "fixtures"}


def pages() -> list[Path]:
    """Every Markdown file that belongs to the project."""
    return sorted(path for path in ROOT.rglob("*.md") if not SKIPPED & set(path.relative_to(ROOT).parts))


def anchors(text: str) -> set[str]:
    """The anchors that a page's headings make, as code hosts spell them."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def without_code(text: str) -> str:
    """The prose of a page."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def broken_links(page: Path) -> Iterator[str]:
    """Links to files or headings that do not exist."""
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists():
            yield f"{page.relative_to(ROOT)}: link to {target}, which does not exist"
        elif anchor and path.suffix == ".md" and anchor not in anchors(path.read_text()):
            yield f"{page.relative_to(ROOT)}: {name or 'this page'} has no heading for #{anchor}"


def missing_targets(page: Path) -> Iterator[str]:
    """`make x` where the Makefile has no x."""
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for name in re.findall(r"`make ([a-z-]+)", page.read_text()):
        if name not in known:
            yield f"{page.relative_to(ROOT)}: `make {name}` is not in the Makefile"


def unlisted() -> Iterator[str]:
    """Pages under docs/ that its index does not name."""
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / name).resolve() for name in re.findall(r"\]\(([^)#\s]+)", index.read_text())}
    for page in sorted(index.parent.rglob("*.md")):
        if page != index and page.resolve() not in listed:
            yield f"docs/README.md does not list {page.relative_to(ROOT)}"


def main() -> int:
    """Print what is wrong."""
    problems = [*unlisted()]
    for page in pages():
        problems += [*broken_links(page), *missing_targets(page)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
