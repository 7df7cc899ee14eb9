"""One call of one operation: who, where, what; read from the request by the botocore model. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from botocore import xform_name
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.principals import Principal, principal_of
from baseops.sandbox.service import backend_class


@dataclass
class Call:
    """A call on its way through the sandbox. `service` and `operation` are botocore's names.

    `is_part`: another call entails it, as BatchGetSecretValue entails GetSecretValue.
    """

    service: str
    operation: str
    account_id: str
    region: str
    access_key: str
    request: Request = field(repr=False)
    source_address: str = "127.0.0.1"
    is_part: bool = False

    @cached_property
    def service_model(self) -> ServiceModel:
        """Botocore's model of the service."""
        return get_service_model(self.service)

    @cached_property
    def model(self) -> OperationModel:
        """Botocore's model of the operation."""
        model: OperationModel = self.service_model.operation_model(self.operation)
        return model

    @property
    def is_modelled(self) -> bool:
        """Whether botocore knows the operation."""
        return self.operation in self.service_model.operation_names

    @cached_property
    def protocol(self) -> str:
        """How the request is written: json, query, ec2, rest-json or rest-xml."""
        protocol = determine_request_protocol(self.service_model, self.request.content_type)
        if protocol in PROTOCOL_PARSERS:
            return protocol
        supported: list[str] = self.service_model.metadata["protocols"]
        return next(each for each in supported if each in PROTOCOL_PARSERS)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The members of the request under AWS's names (values as the model types them)."""
        uri_parameters: dict[str, Any] = {}
        if self.protocol.startswith("rest"):
            _, uri_parameters = get_service_router(self.service).match(self.request)
        request = self.request
        parsed = PROTOCOL_PARSERS[self.protocol](self.model).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": request.data,
                "url_path": request.path,
                "url_params": uri_parameters,
            }
        )
        return dict(parsed)

    @cached_property
    def arguments(self) -> dict[str, Any]:
        """The same, spelled as boto3 spells method names, for keyword arguments."""
        return {xform_name(name): value for name, value in self.parameters.items()}

    def part(self, operation: str, parameters: dict[str, Any]) -> Call:
        """A call that this one entails, as the same caller would make it by itself."""
        part = replace(self, operation=operation, is_part=True)
        part.__dict__["parameters"] = parameters
        part.__dict__["principal"] = self.principal
        return part

    @cached_property
    def principal(self) -> Principal:
        """Who calls."""
        return principal_of(self.access_key, self.account_id)

    @cached_property
    def backend(self) -> Any:
        """What holds the service's state in the call's account and region: ours, or moto's (untyped)."""
        owner = backend_class(self.service)
        if owner:
            return owner.of(self.account_id, self.region)
        return moto_backend(self.service, self.account_id, self.region)
