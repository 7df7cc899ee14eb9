"""Components and recipes: versioned, never changed, and not deleted while something is built of them."""

from __future__ import annotations

from typing import Any

import yaml

from baseops.sandbox.service import Members, ServiceError
from baseops.sandbox.services.imagebuilder.records import (
    Record,
    Records,
    invalid,
    matches,
    members,
    newest,
    next_version,
    page,
)

MAX_INLINE = 16_000
MAX_DOCUMENT = 64 * 1024
MAX_COMPONENTS = 20


class Components(Records):
    """https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_CreateComponent.html and its neighbours."""

    def create_component(self, client_token: str, **request: Any) -> Members:
        """Answer CreateComponent; a version that exists gets a new build."""
        given = members(request)
        self.check("CreateComponent", given)
        if ("data" in given) == ("uri" in given):
            raise ServiceError("Specify either data or uri.", code="InvalidParameterCombinationException", status=400)
        text = given["data"] if "data" in given else self._uploaded(given.pop("uri"))
        phases, parameters = _read(text)
        version = next_version(given.pop("semanticVersion"), self._versions("component", given["name"]))
        base = self.name_arn("component", given["name"], version)
        build = 1 + sum(arn.rpartition("/")[0] == base for arn in self.shelf("component"))
        record = {
            **given,
            "version": version,
            "data": text,
            "type": "TEST" if phases == {"test"} else "BUILD",
            "state": {"status": "ACTIVE"},
            "parameters": parameters,
            "owner": self.account_id,
            "encrypted": True,
            "dateCreated": self.moment(),
        }
        arn = self.put("component", f"{base}/{build}", record)["arn"]
        return {"requestId": self.token(), "clientToken": client_token, "componentBuildVersionArn": arn}

    def get_component(self, component_build_version_arn: str) -> Members:
        """Answer GetComponent."""
        arn = newest(self.shelf("component"), component_build_version_arn) or component_build_version_arn
        return {"requestId": self.token(), "component": dict(self.find("component", arn))}

    def list_components(
        self,
        owner: str = "Self",
        filters: list[Any] | None = None,
        by_name: bool = False,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Members:
        """Answer ListComponents."""
        own = [each for each in self.shelf("component").values() if owner == "Self" and matches(each, filters)]
        versions = {each["arn"].rpartition("/")[0]: each for each in own}
        if by_name:
            versions = {each["name"]: each for each in own}
        listed = [
            {**_shown(each, _LISTED), "arn": each["arn"].rpartition("/")[0], "version": each["version"]}
            for each in versions.values()
        ]
        found, token = page(listed, max_results, next_token)
        return {"requestId": self.token(), "componentVersionList": found, "nextToken": token}

    def list_component_build_versions(
        self, component_version_arn: str, max_results: int | None = None, next_token: str | None = None
    ) -> Members:
        """Answer ListComponentBuildVersions."""
        own = [each for arn, each in self.shelf("component").items() if arn.rpartition("/")[0] == component_version_arn]
        found, token = page((_shown(each, (*_LISTED, "state", "tags")) for each in own), max_results, next_token)
        return {"requestId": self.token(), "componentSummaryList": found, "nextToken": token}

    def delete_component(self, component_build_version_arn: str) -> Members:
        """Answer DeleteComponent."""
        self.take("component", component_build_version_arn)
        return {"requestId": self.token(), "componentBuildVersionArn": component_build_version_arn}

    # --- recipes ---

    def create_image_recipe(self, client_token: str, **request: Any) -> Members:
        """Answer CreateImageRecipe."""
        given = members(request)
        self.check("CreateImageRecipe", given)
        if len(given.get("components", ())) > MAX_COMPONENTS:
            raise ServiceError(
                f"A recipe can have at most {MAX_COMPONENTS} components.",
                code="ServiceQuotaExceededException",
                status=402,
            )
        for each in given.get("components", ()):
            each["componentArn"] = self._component(each["componentArn"])
            self._check_parameters(each)
        version = next_version(given.pop("semanticVersion"), self._versions("image-recipe", given["name"]))
        record = {
            **given,
            "version": version,
            "type": "AMI",
            "platform": "Linux",
            "owner": self.account_id,
            "dateCreated": self.moment(),
        }
        arn = self.put("image-recipe", self.name_arn("image-recipe", given["name"], version), record)["arn"]
        return {"requestId": self.token(), "clientToken": client_token, "imageRecipeArn": arn}

    def get_image_recipe(self, image_recipe_arn: str) -> Members:
        """Answer GetImageRecipe."""
        arn = newest(self.shelf("image-recipe"), image_recipe_arn) or image_recipe_arn
        return {"requestId": self.token(), "imageRecipe": dict(self.find("image-recipe", arn))}

    def list_image_recipes(
        self,
        owner: str = "Self",
        filters: list[Any] | None = None,
        max_results: int | None = None,
        next_token: str | None = None,
    ) -> Members:
        """Answer ListImageRecipes."""
        own = [each for each in self.shelf("image-recipe").values() if owner == "Self" and matches(each, filters)]
        shown = ("arn", "name", "platform", "owner", "parentImage", "dateCreated", "tags")
        found, token = page((_shown(each, shown) for each in own), max_results, next_token)
        return {"requestId": self.token(), "imageRecipeSummaryList": found, "nextToken": token}

    def delete_image_recipe(self, image_recipe_arn: str) -> Members:
        """Answer DeleteImageRecipe."""
        self.take("image-recipe", image_recipe_arn)
        return {"requestId": self.token(), "imageRecipeArn": image_recipe_arn}

    def _versions(self, noun: str, name: str) -> list[str]:
        return [str(each["version"]) for each in self.shelf(noun).values() if each["name"] == name]

    def _component(self, arn: str) -> str:
        """The build that a recipe's component means; Amazon's own are taken to exist."""
        if arn.split(":")[4] != self.account_id:
            return arn
        found = newest(self.shelf("component"), arn)
        if found is None:
            raise invalid(
                f"The value supplied for parameter 'components' is not valid. Component '{arn}' does not exist."
            )
        return found

    def _check_parameters(self, each: Record) -> None:
        record = self.shelf("component").get(each["componentArn"])
        if record is None:
            return
        known = {one["name"]: one for one in record["parameters"]}
        given = {one["name"] for one in each.get("parameters", ())}
        for name in given - set(known):
            raise invalid(f"The parameter '{name}' is not defined in component '{each['componentArn']}'.")
        for name, one in known.items():
            if name not in given and "defaultValue" not in one:
                raise invalid(f"The parameter '{name}' of component '{each['componentArn']}' has no value.")

    def _uploaded(self, uri: str) -> str:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        s3 = self.clients.client("s3")
        try:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except s3.exceptions.ClientError as error:
            raise invalid(f"The value supplied for parameter 'uri' is not valid. {error}") from error
        if len(body) > MAX_DOCUMENT:
            raise invalid("The component document is larger than 64 KB.")
        return str(body.decode())


_LISTED = ("arn", "name", "version", "description", "platform", "supportedOsVersions", "type", "owner", "dateCreated")


def _shown(record: Record, names: tuple[str, ...]) -> Record:
    return {name: record[name] for name in names if name in record}


def _read(text: str) -> tuple[set[str], list[Record]]:
    """The phases and parameters of a component document."""
    if len(text) > MAX_DOCUMENT:
        raise invalid("The component document is larger than 64 KB.")
    try:
        document = yaml.safe_load(text)
        phases = {str(each["name"]) for each in document["phases"]}
        described = [item for each in document.get("parameters") or () for item in each.items()]
    except (yaml.YAMLError, TypeError, KeyError, AttributeError) as error:
        raise invalid(f"The component document is not valid: {error}") from error
    if not phases or phases - {"build", "validate", "test"}:
        raise invalid("The component document needs a phase named build, validate or test.")
    parameters: list[Record] = []
    for name, about in described:
        default = {"defaultValue": [str(about["default"])]} if "default" in about else {}
        parameters.append({"name": str(name), "type": str(about.get("type", "string")), **default})
    return phases, parameters
