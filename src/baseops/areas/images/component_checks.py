"""Whether components can be built with: their files, what stands in them, their parameters, names and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from baseops.areas.images.documents import Document, read_document
from baseops.areas.images.library import MAX_DOCUMENT, is_file, key_of, text_of
from baseops.areas.images.wording import Findings, Path, error
from baseops.contract.site import Site
from baseops.errors import CompileError

if TYPE_CHECKING:
    from baseops.areas.images.spec import Component, Entry, Section

MAX_KEY = 60
SHOWN = 5


def component_findings(section: Section, site: Site) -> Findings:
    """Findings on every component of every managed image; a file's own problems are told once."""
    documents: dict[str, Document] = {}
    for name, entry in section.managed.items():
        yield from _listed_twice(("images", name), entry)
        for number, component in enumerate(entry.components):
            place = ("images", name, "components", number)
            if component.arn:
                yield from _other_region(place, component.arn, site)
            elif component.component:
                yield from _named(place, component.component, section)
                yield from _document(place, component, site, documents)


def _listed_twice(path: Path, entry: Entry) -> Findings:
    seen: set[str] = set()
    for number, each in enumerate(entry.components):
        written = each.component or each.arn or ""
        if written in seen:
            yield error("component", (*path, "components", number), f"{written} stands twice", "Delete one of them")
        seen.add(written)


def _other_region(place: Path, arn: str, site: Site) -> Findings:
    region = arn.split(":")[3]
    if region != site.region:
        yield error(
            "component",
            (*place, "arn"),
            f"images are built in {site.region}, and the component is in {region}",
            "Name a component of that region",
        )


def _named(place: Path, written: str, section: Section) -> Findings:
    """Two files of one name would be one component: `a/nginx.yaml` and `b/nginx.yaml`, or one called `update.yaml`."""
    key = key_of(written)
    others = {
        each.component
        for entry in section.managed.values()
        for each in entry.components
        if each.component and key_of(each.component) == key and each.component != written
    }
    if others and is_file(written):
        yield error(
            "component-name",
            place,
            f"{written} and {min(others)} would both be the component {key!r}",
            "Rename one of the files",
        )
    if len(key) > MAX_KEY or not key.replace("-", "").replace("_", "").isalnum() or not key.isascii():
        yield error(
            "component-name",
            place,
            f"a component is named after its file, and {key!r} is no name of 1-{MAX_KEY} letters, digits, - and _",
            "Rename the file",
        )


def _document(place: Path, component: Component, site: Site, known: dict[str, Document]) -> Findings:
    written = component.component or ""
    is_new = written not in known
    if is_new:
        try:
            text = text_of(component, site)
        except CompileError as problem:
            yield error(
                "component-file",
                place,
                f"{problem.what}: {problem.why}",
                "Correct the path; it starts at the declaration's folder",
            )
            known[written] = Document()
            return
        if len(text.encode()) > MAX_DOCUMENT:
            yield error(
                "component-size",
                place,
                f"{written} has {len(text.encode())} bytes, and Image Builder takes 65536",
                "Put what is long into a file that a step downloads",
            )
        known[written] = read_document(text)
        yield from _problems(place, written, known[written])
    yield from _parameters(place, component, known[written])


def _problems(place: Path, written: str, document: Document) -> Findings:
    for problem in document.problems[:SHOWN]:
        yield error("component-document", place, f"{written}:{problem.line}: {problem.message}", "Correct the file")
    more = len(document.problems) - SHOWN
    if more > 0:
        yield error("component-document", place, f"{written} has {more} more problems", "Correct the first ones")


def _parameters(place: Path, component: Component, document: Document) -> Findings:
    if document.problems or not document.phases:
        return
    declared: Mapping[str, bool] = document.parameters
    for name in component.parameters:
        if name not in declared:
            known = f"it knows {', '.join(declared)}" if declared else "it has no parameters"
            yield error(
                "component-parameter",
                (*place, "parameters", name),
                f"{component.component} has no parameter {name!r}; {known}",
                "Correct the name",
            )
    for name, has_default in declared.items():
        if not has_default and name not in component.parameters:
            yield error(
                "component-parameter",
                place,
                f"{component.component} needs the parameter {name!r}, which has no default",
                f"Write: {{component: {component.component}, parameters: {{{name}: …}}}}",
            )
