"""State Manager associations: kept and described. `association_runs` carries them out on nodes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from moto.moto_api._internal import mock_random

from baseops.sandbox.constraints import refusal
from baseops.sandbox.service import Members, ServiceError, calling, extend, opened
from baseops.sandbox.services.ssm.tags import tags_of

# Any: moto's backend is untyped, members have AWS's shapes.


def create_association(backend: Any, **_: Any) -> Members:
    """Make an association with a document that exists, or one of AWS's."""
    given = _checked("CreateAssociation")
    _refuse_document(backend, given["Name"])
    if not given.get("Targets") and not given.get("InstanceId"):
        raise ServiceError("Targets or InstanceId is required", code="InvalidTarget", status=400)
    identifier = str(uuid.UUID(str(mock_random.get_random_hex(32))))
    tags = {tag["Key"]: tag["Value"] for tag in given.pop("Tags", None) or ()}
    now = opened().clock.now()
    usual = {"ApplyOnlyAtCronInterval": False, "DocumentVersion": "$DEFAULT"}
    associations_of(backend)[identifier] = {
        **usual,
        **given,
        "AssociationId": identifier,
        "AssociationVersion": "1",
        "Date": now,
        "LastUpdateAssociationDate": now,
        "Overview": {"Status": "Pending", "DetailedStatus": "Creating"},
    }
    tags_of(backend, "Association", identifier).update(tags)
    return {"AssociationDescription": dict(associations_of(backend)[identifier])}


def update_association(backend: Any, **_: Any) -> Members:
    """Replace all that an association says; what is not given is gone."""
    given = _checked("UpdateAssociation")
    former = _association(backend, given["AssociationId"])
    name = given.get("Name", former["Name"])
    _refuse_document(backend, name)
    stays = ("AssociationId", "Date", "InstanceId", "Overview")
    version = str(int(former["AssociationVersion"]) + 1)
    usual = {"ApplyOnlyAtCronInterval": False, "DocumentVersion": "$DEFAULT", "Name": name}
    associations_of(backend)[given["AssociationId"]] = {
        **usual,
        **given,
        **{key: former[key] for key in stays if key in former},
        "AssociationVersion": version,
        "LastUpdateAssociationDate": opened().clock.now(),
    }
    return {"AssociationDescription": dict(associations_of(backend)[given["AssociationId"]])}


def describe_association(
    backend: Any, association_id: str | None = None, name: str | None = None, instance_id: str | None = None
) -> Members:
    """One association, by its id or by document and instance."""
    for identifier, each in associations_of(backend).items():
        by_instance = name is not None and (each["Name"], each.get("InstanceId")) == (name, instance_id)
        if association_id == identifier or by_instance:
            return {"AssociationDescription": dict(each)}
    raise _unknown()


def list_associations(
    backend: Any,
    association_filter_list: list[Mapping[str, str]] | None = None,
    max_results: int = 50,
    next_token: str | None = None,
) -> Members:
    """Associations by name, id or label of the association; in pages."""
    wanted = {each["key"]: each["value"] for each in association_filter_list or ()}
    found = [
        each
        for _, each in sorted(associations_of(backend).items())
        if all(str(each.get(key)) == value for key, value in wanted.items())
    ]
    start = int(next_token or 0)
    more = {"NextToken": str(start + max_results)} if start + max_results < len(found) else {}
    return {"Associations": [dict(each) for each in found[start : start + max_results]], **more}


def delete_association(
    backend: Any, association_id: str | None = None, name: str | None = None, instance_id: str | None = None
) -> Members:
    """Forget an association."""
    described = describe_association(backend, association_id, name, instance_id)["AssociationDescription"]
    del associations_of(backend)[described["AssociationId"]]
    return {}


def _checked(operation: str) -> dict[str, Any]:
    given = dict(calling().parameters)
    model = opened().client("ssm").meta.service_model.operation_model(operation)
    said = refusal(model.input_shape, given)
    if said:
        raise ServiceError(said, code="ValidationException", status=400)
    return given


def _refuse_document(backend: Any, name: str) -> None:
    if name.startswith(("AWS-", "AmazonCloudWatch-", "arn:")) or name in backend._documents:
        return
    raise ServiceError("Document name is not valid", code="InvalidDocument", status=400)


def _association(backend: Any, identifier: str) -> dict[str, Any]:
    if identifier not in associations_of(backend):
        raise _unknown()
    return associations_of(backend)[identifier]


def associations_of(backend: Any) -> dict[str, dict[str, Any]]:
    """The associations beside a backend of moto's, by id."""
    if not hasattr(backend, "sandbox_associations"):
        backend.sandbox_associations = {}
    found: dict[str, dict[str, Any]] = backend.sandbox_associations
    return found


def _unknown() -> ServiceError:
    return ServiceError("Association does not exist", code="AssociationDoesNotExist", status=400)


extend("ssm", "CreateAssociation", create_association)
extend("ssm", "DeleteAssociation", delete_association)
extend("ssm", "DescribeAssociation", describe_association)
extend("ssm", "ListAssociations", list_associations)
extend("ssm", "UpdateAssociation", update_association)
