"""What a resource type is to the sandbox's CloudFormation: the `Kind` class that every type subclasses.

A kind makes, reads, changes and removes one type of resource by ordinary API calls through `ctx.client`; it
never reaches into a service's state, knows nothing of stacks, events or rollback, and keeps no state.

To add a type, drop a file into `sandbox/kinds/` (any name) that ends with a tuple
`KINDS` of instances. Nothing else has to be told; the contract test finds it. A whole file::

    '''AWS::Logs::QueryDefinition as CloudFormation handles it.'''

    from __future__ import annotations

    from baseops.sandbox.kinds.kind import Attributes, Context, Example, Kind, Props
    from baseops.sandbox.kinds.shapes import call, only, pascal


    class QueryDefinition(Kind):
        '''https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-querydefinition.html'''

        type = "AWS::Logs::QueryDefinition"
        service = "logs"  # botocore's name
        properties = frozenset({"LogGroupNames", "Name", "QueryString"})
        required = frozenset({"Name", "QueryString"})
        create_only: frozenset[str] = frozenset()  # RequiresRecreation: Always
        attributes = frozenset({"QueryDefinitionId"})  # what Fn::GetAtt may ask for
        identifier = ("QueryDefinitionId",)  # the schema's primaryIdentifier (for imports)
        seconds = 3.0  # virtual seconds that an operation takes

        def create(self, ctx: Context, props: Props, name: str) -> str:
            # `name` is the generated physical name (stack-logical-RANDOM12) for types that may go without one
            made = call(ctx.client("logs"), "put_query_definition", props)
            return str(made["queryDefinitionId"])  # the physical id: what Ref returns

        def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
            return {"QueryDefinitionId": physical_id}  # values of Fn::GetAtt

        def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
            found = ctx.client("logs").describe_query_definitions()["queryDefinitions"]
            one = [each for each in found if each["queryDefinitionId"] == physical_id]
            return only(pascal(one[0]), self.properties) if one else None

        def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
            call(ctx.client("logs"), "put_query_definition", {**new, "queryDefinitionId": physical_id})

        def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
            ctx.client("logs").delete_query_definition(queryDefinitionId=physical_id)

        def example(self) -> Example:
            return Example(
                {"Name": "errors", "QueryString": "fields @message"},
                changed={"Name": "errors", "QueryString": "fields @timestamp"},
            )


    KINDS = (QueryDefinition(),)

The rules that the engine relies on:

- `create` receives resolved properties (no intrinsic function is left; numbers and booleans may still be strings,
  as parameters are: `shapes.call` converts them by the operation's model). Unknown, missing and read-only
  properties have been refused before. Whatever the API refuses may simply be raised: a botocore `ClientError`
  becomes `Resource handler returned message: …`. For a refusal of the handler's own raise `HandlerError`.
  If `create` fails half-way it removes what it made.
- `named` says which physical id the properties claim when the resource has a name of its own. It is how the
  engine finds that something exists already (AlreadyExists, ImportExistingResources, custom-named resource that
  would have to be replaced). The default suits types whose physical id is the value of `name_property`; for
  others (topic: an ARN) override it. Types without a custom name leave `name_property` empty.
- `read` returns the live properties in the template's words (PascalCase), None when it is gone. Leave out what
  the service cannot tell and list it in `write_only`. It may return more than the template says.
- `update` is called when no create-only property changed. A type whose properties are all create-only leaves it out.
- `delete` is not called when `read` says that the resource is gone.
- Tags: set `tags = "list"` (`[{Key, Value}]`) or `"map"` and list `Tags` among the properties (or name another in
  `tag_property`); the engine merges the stack's own tags into the properties before it calls.
- `drift = False` for types whose drift CloudFormation does not detect; they answer NOT_CHECKED.
- The cfn-lint schemas say what is `createOnlyProperties`, `readOnlyProperties` (our `attributes`),
  `writeOnlyProperties`, `primaryIdentifier` and `required` for each type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from baseops.contract.clients import Clients
from baseops.contract.clock import Clock

# Any: a property holds whatever JSON its resource type allows, and each kind knows its own.
Props: TypeAlias = Mapping[str, Any]
Attributes: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Context:
    """Where a resource lives: the account, region and stack, and API clients that act as that account."""

    account_id: str
    region: str
    clients: Clients
    clock: Clock
    stack_name: str = ""
    stack_id: str = ""
    logical_id: str = ""

    def client(self, service: str, region: str | None = None) -> Any:
        """A botocore client (`Any`: botocore makes the classes at run time) in the stack's region."""
        return self.clients.client(service, region or self.region)

    def arn(self, service: str, resource: str, *, region: bool = True, account: bool = True) -> str:
        """An ARN of this account and region: `ctx.arn("logs", "log-group:/x:*")`."""
        place = self.region if region else ""
        return f"arn:aws:{service}:{place}:{self.account_id if account else ''}:{resource}"


@dataclass(frozen=True)
class Example:
    """A resource to try a kind on: its properties, and what they become.

    `changed` is an update in place, `replaced` one that needs a new resource; None where there is none.
    `beside` are further resources of the template by logical id, as template resources
    (`{"Topic": {"Type": "AWS::SNS::Topic"}}`); properties may use Ref and Fn::GetAtt on them. `prepare` makes by
    API calls, before the stack, what no resource type of the sandbox makes.
    """

    properties: Props
    changed: Props | None = None
    replaced: Props | None = None
    beside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prepare: Callable[[Context], object] | None = None


class HandlerError(Exception):
    """A refusal by the resource's handler itself; `code` is CloudFormation's HandlerErrorCode."""

    def __init__(self, message: str, code: str = "InvalidRequest") -> None:
        """Keep the message in the handler's words."""
        super().__init__(message)
        self.message = message
        self.code = code


class Kind:
    """One resource type; see the module's docstring for what each part means to the engine."""

    type: ClassVar[str]
    service: ClassVar[str]
    properties: ClassVar[frozenset[str]]
    required: ClassVar[frozenset[str]] = frozenset()
    create_only: ClassVar[frozenset[str]] = frozenset()
    conditional: ClassVar[frozenset[str]] = frozenset()
    """Properties whose change may or may not need a new resource (RequiresRecreation: Conditionally)."""
    write_only: ClassVar[frozenset[str]] = frozenset()
    attributes: ClassVar[frozenset[str]] = frozenset()
    identifier: ClassVar[tuple[str, ...]] = ()
    name_property: ClassVar[str] = ""
    name_limit: ClassVar[int] = 128
    lower_names: ClassVar[bool] = False
    seconds: ClassVar[float] = 2.0
    delete_seconds: ClassVar[float] = 1.0
    drift: ClassVar[bool] = True
    importable: ClassVar[bool] = True
    tags: ClassVar[Literal["", "list", "map"]] = ""
    tag_property: ClassVar[str] = "Tags"

    def create(self, ctx: Context, props: Props, name: str) -> str:
        """Make the resource and return its physical id."""
        raise HandlerError(f"Resource type {self.type} is non-provisionable", "NotUpdatable")

    def get(self, ctx: Context, physical_id: str, props: Props) -> Attributes:
        """The values of Fn::GetAtt, all that `attributes` names."""
        return {}

    def read(self, ctx: Context, physical_id: str, props: Props) -> Props | None:
        """The live properties, None when the resource is gone; `props` are those it was made with."""
        raise HandlerError(f"Resource type {self.type} does not support READ action", "NotUpdatable")

    def update(self, ctx: Context, physical_id: str, old: Props, new: Props) -> None:
        """Change the resource in place."""
        raise HandlerError(f"Resource type {self.type} does not support UPDATE action", "NotUpdatable")

    def delete(self, ctx: Context, physical_id: str, props: Props) -> None:
        """Remove the resource."""
        raise HandlerError(f"Resource type {self.type} does not support DELETE action", "NotUpdatable")

    def snapshot(self, ctx: Context, physical_id: str, props: Props) -> None:
        """Keep the data in a snapshot before `delete`; only types that allow DeletionPolicy Snapshot have it."""
        raise HandlerError(f"Resource type {self.type} does not support Snapshot DeletionPolicy", "NotUpdatable")

    def named(self, ctx: Context, props: Props) -> str | None:
        """The physical id that a custom name among the properties claims; None without a custom name."""
        value = props.get(self.name_property) if self.name_property else None
        return str(value) if value is not None else None

    def found(self, ctx: Context, identifier: Mapping[str, str]) -> str:
        """The physical id of an existing resource that an import names by its primary identifier."""
        return "|".join(identifier[name] for name in self.identifier)

    def must_replace(self, old: Props, new: Props) -> bool:
        """Whether the change from `old` to `new` needs a new resource."""
        return any(old.get(name) != new.get(name) for name in self.create_only)

    def example(self) -> Example:
        """A resource of this type for the contract test."""
        raise HandlerError(f"{self.type} has no example", "InternalFailure")
