"""Resolves conditions and intrinsic functions of one template against given values; calls nothing.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from baseops.semantics.templates import functions
from baseops.semantics.templates.errors import TemplateError
from baseops.semantics.templates.parameters import Value
from baseops.semantics.templates.values import KNOWN_AFTER_APPLY, NO_VALUE, is_known, text

# Any: templates and resolved values are JSON of any shape.


@dataclass(frozen=True)
class Known:
    """A resource that exists: what Ref and Fn::GetAtt give."""

    physical_id: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """Where a stack lives: the pseudo parameters, and the availability zones of its region."""

    account_id: str
    region: str
    stack_name: str
    stack_id: str
    notification_arns: tuple[str, ...] = ()
    zones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def pseudo(self) -> dict[str, Any]:
        """The pseudo parameters.

        https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/pseudo-parameter-reference.html
        """
        china, gov = self.region.startswith("cn-"), self.region.startswith("us-gov-")
        return {
            "AWS::AccountId": self.account_id,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": list(self.notification_arns),
            "AWS::Partition": "aws-cn" if china else "aws-us-gov" if gov else "aws",
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
        }


@dataclass(frozen=True)
class Scope:
    """One template with its values. What `resources` lacks is known after apply when `predicting`."""

    template: Mapping[str, Any]
    parameters: Mapping[str, Value]
    place: Place
    resources: Mapping[str, Known] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)
    predicting: bool = False

    @cached_property
    def _pseudo(self) -> dict[str, Any]:
        return self.place.pseudo()

    def holds(self, name: str) -> bool:
        """Whether a named condition is true."""
        conditions = self.template.get("Conditions") or {}
        if name not in conditions:
            raise TemplateError(f"Template format error: Unresolved condition dependency {name}")
        return self._test(conditions[name])

    def resolve(self, value: Any) -> Any:
        """The value with every function carried out; keys and items of AWS::NoValue are left out."""
        if isinstance(value, list):
            return [each for item in value if (each := self.resolve(item)) is not NO_VALUE]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self._ref(argument)
            if name.startswith("Fn::"):
                return self._function(name, argument)
        return {key: each for key, item in value.items() if (each := self.resolve(item)) is not NO_VALUE}

    def _test(self, condition: Any) -> bool:
        name, argument = _single(condition)
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::Equals":
            left, right = self.resolve(argument)
            return text(left) == text(right)
        if name == "Fn::Not":
            return not self._test(argument[0])
        if name == "Fn::And":
            return all(self._test(each) for each in argument)
        if name == "Fn::Or":
            return any(self._test(each) for each in argument)
        raise TemplateError("Template format error: Every Conditions member must be a condition function.")

    def _ref(self, name: str) -> Any:
        pseudo = self._pseudo
        if name in pseudo:
            return pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self._known(name, lambda known: known.physical_id)

    def _attribute(self, name: str, attribute: str) -> Any:
        def get(known: Known) -> Any:
            if attribute not in known.attributes:
                raise TemplateError(
                    f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
                )
            return known.attributes[attribute]

        return self._known(name, get)

    def _known(self, name: str, get: Callable[[Known], Any]) -> Any:
        if name in self.resources:
            return get(self.resources[name])
        if self.predicting:
            return KNOWN_AFTER_APPLY
        raise TemplateError(
            f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
        )

    def _function(self, name: str, argument: Any) -> Any:
        special = {
            "Fn::FindInMap": self._find_in_map,
            "Fn::GetAZs": self._zones,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::ImportValue": self._import,
            "Fn::Sub": self._sub,
        }
        if name in special:
            return special[name](argument)
        if name not in functions.PURE:
            raise TemplateError(
                f"Template error: encountered unsupported function: {name} "
                f"Supported functions are: [{', '.join(functions.SUPPORTED)}]"
            )
        resolved = self.resolve(argument)
        return functions.PURE[name](resolved) if is_known(resolved) else functions.unknown(name, resolved)

    def _get_att(self, argument: Any) -> Any:
        resource, attribute = functions.attribute_of(argument)
        return self._attribute(resource, text(self.resolve(attribute)))

    def _zones(self, argument: Any) -> list[str]:
        return list(self.place.zones.get(self.resolve(argument) or self.place.region, ()))

    def _if(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 3:
            raise TemplateError("Template error: Fn::If requires a list argument with three elements")
        return self.resolve(argument[1] if self.holds(argument[0]) else argument[2])

    def _sub(self, argument: Any) -> str:
        template, values = functions.sub_parts(argument)

        def value(variable: str) -> str:
            if variable in values:
                return text(self.resolve(values[variable]))
            resource, dot, attribute = variable.partition(".")
            return text(self._attribute(resource, attribute) if dot else self._ref(variable))

        return functions.substitute(template, value)

    def _import(self, argument: Any) -> str:
        name = self.resolve(argument)
        if not is_known(name) or (self.predicting and name not in self.exports):
            return KNOWN_AFTER_APPLY
        if name not in self.exports:
            raise TemplateError(f"No export named {name} found.")
        return self.exports[name]

    def _find_in_map(self, argument: Any) -> Any:
        keys, default = functions.map_keys(argument)
        found: Any = self.template.get("Mappings") or {}
        resolved = [text(self.resolve(each)) for each in keys]
        for key in resolved:
            if not isinstance(found, Mapping) or key not in found:
                if default is not None:
                    return self.resolve(default)
                raise TemplateError(f"Template error: Unable to get mapping for {'::'.join(resolved)}")
            found = found[key]
        return found


def _single(value: Any) -> tuple[str, Any]:
    if not isinstance(value, Mapping) or len(value) != 1:
        raise TemplateError("Template format error: Every Conditions member must be a condition function.")
    ((name, argument),) = value.items()
    return str(name), argument
