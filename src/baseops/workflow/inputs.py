"""What the parameters of a template get: literals, and outputs of stacks that are up."""

from __future__ import annotations

from collections.abc import Mapping

from baseops.cloudformation.stacks import read_state
from baseops.contract.clients import Clients
from baseops.contract.site import Site
from baseops.contract.template import Output, Template
from baseops.errors import StackError


def artifact_bucket(site: Site) -> Output:
    """Where the artifact bucket's name is found."""
    return Output("artifacts", site.region, "ArtifactBucketName")


class Outputs:
    """The outputs of our stacks, read once for each stack and kept until told anew."""

    def __init__(self, clients: Clients, site: Site) -> None:
        """Nothing is read yet."""
        self._clients = clients
        self._site = site
        self._known: dict[tuple[str, str], Mapping[str, str]] = {}

    def tell(self, template: Template, outputs: Mapping[str, str]) -> None:
        """Take over the outputs of a stack that has just been applied."""
        self._known[template.stack, template.region] = outputs

    def find(self, output: Output) -> str | None:
        """An output's value; None while its stack or the output does not exist."""
        place = (output.stack, output.region)
        if place not in self._known:
            state = read_state(self._clients, f"{self._site.prefix}-{output.stack}", output.region)
            self._known[place] = state.outputs
        return self._known[place].get(output.name)

    def has_artifact_bucket(self) -> bool:
        """Whether the artifact bucket has been made."""
        return self.find(artifact_bucket(self._site)) is not None

    def of(self, template: Template) -> dict[str, str]:
        """The value of every parameter; raises `StackError` naming an output that is missing."""
        return {name: self._value(template, source) for name, source in template.parameters.items()}

    def missing(self, template: Template) -> list[Output]:
        """The outputs that the template needs and that do not exist yet."""
        sources = [source for source in template.parameters.values() if isinstance(source, Output)]
        return [source for source in sources if self.find(source) is None]

    def _value(self, template: Template, source: str | Output) -> str:
        if isinstance(source, str):
            return source
        value = self.find(source)
        if value is None:
            raise StackError(
                f"stack {template.name} in {template.region} needs {source.name}",
                f"the stack {self._site.prefix}-{source.stack} in {source.region} has no such output",
                "Run: baseops apply",
            )
        return value
