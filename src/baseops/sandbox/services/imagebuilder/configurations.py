"""Infrastructure and distribution configurations, and lifecycle policies: named, changed in place."""

from __future__ import annotations

from typing import Any

from baseops.sandbox.service import Members
from baseops.sandbox.services.imagebuilder.components import Components
from baseops.sandbox.services.imagebuilder.records import Record, invalid, matches, members, page

# https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_UpdateInfrastructureConfiguration.html: an update
# replaces every member; what it leaves out is gone.
_KEPT = ("arn", "name", "dateCreated", "tags")
BUILD_DATE = "imagebuilder:buildDate"


class Configurations(Components):
    """Three nouns with the same five operations each."""

    # --- infrastructure ---

    def create_infrastructure_configuration(self, client_token: str, **request: Any) -> Members:
        """Answer CreateInfrastructureConfiguration."""
        return self._made("infrastructure-configuration", "Infrastructure", client_token, request)

    def get_infrastructure_configuration(self, infrastructure_configuration_arn: str) -> Members:
        """Answer GetInfrastructureConfiguration."""
        found = self.find("infrastructure-configuration", infrastructure_configuration_arn)
        return {"requestId": self.token(), "infrastructureConfiguration": dict(found)}

    def list_infrastructure_configurations(self, **options: Any) -> Members:
        """Answer ListInfrastructureConfigurations."""
        shown = (
            "arn",
            "name",
            "description",
            "dateCreated",
            "dateUpdated",
            "tags",
            "instanceTypes",
            "instanceProfileName",
        )
        found, token = self._listed("infrastructure-configuration", shown, options)
        return {"infrastructureConfigurationSummaryList": found, "nextToken": token}

    def update_infrastructure_configuration(
        self, infrastructure_configuration_arn: str, client_token: str, **request: Any
    ) -> Members:
        """Answer UpdateInfrastructureConfiguration."""
        arn = infrastructure_configuration_arn
        return self._changed("infrastructure-configuration", "Infrastructure", arn, client_token, request)

    def delete_infrastructure_configuration(self, infrastructure_configuration_arn: str) -> Members:
        """Answer DeleteInfrastructureConfiguration."""
        self.take("infrastructure-configuration", infrastructure_configuration_arn)
        return {"infrastructureConfigurationArn": infrastructure_configuration_arn}

    # --- distribution ---

    def create_distribution_configuration(self, client_token: str, **request: Any) -> Members:
        """Answer CreateDistributionConfiguration."""
        return self._made("distribution-configuration", "Distribution", client_token, request)

    def get_distribution_configuration(self, distribution_configuration_arn: str) -> Members:
        """Answer GetDistributionConfiguration."""
        found = self.find("distribution-configuration", distribution_configuration_arn)
        return {"requestId": self.token(), "distributionConfiguration": dict(found)}

    def list_distribution_configurations(self, **options: Any) -> Members:
        """Answer ListDistributionConfigurations."""
        shown = ("arn", "name", "description", "dateCreated", "dateUpdated", "tags")
        found, token = self._listed("distribution-configuration", shown, options)
        return {"distributionConfigurationSummaryList": found, "nextToken": token}

    def update_distribution_configuration(
        self, distribution_configuration_arn: str, client_token: str, **request: Any
    ) -> Members:
        """Answer UpdateDistributionConfiguration."""
        arn = distribution_configuration_arn
        return self._changed("distribution-configuration", "Distribution", arn, client_token, request)

    def delete_distribution_configuration(self, distribution_configuration_arn: str) -> Members:
        """Answer DeleteDistributionConfiguration."""
        self.take("distribution-configuration", distribution_configuration_arn)
        return {"distributionConfigurationArn": distribution_configuration_arn}

    def _made(self, noun: str, word: str, client_token: str, request: Any) -> Members:
        given = members(request)
        self.check(f"Create{word}Configuration", given)
        self._check_configuration(word, given)
        record = {**given, **self._defaults(word, given), "dateCreated": self.moment(), "dateUpdated": self.moment()}
        arn = self.put(noun, self.name_arn(noun, given["name"]), record)["arn"]
        return {"requestId": self.token(), "clientToken": client_token, f"{word.lower()}ConfigurationArn": arn}

    def _changed(self, noun: str, word: str, arn: str, client_token: str, request: Any) -> Members:
        given = members(request)
        self.check(f"Update{word}Configuration", {f"{word.lower()}ConfigurationArn": arn, **given})
        self._check_configuration(word, given)
        former = self.find(noun, arn)
        kept = {key: former[key] for key in _KEPT if key in former}
        self.shelf(noun)[arn] = {**kept, **given, **self._defaults(word, given), "dateUpdated": self.moment()}
        return {"requestId": self.token(), "clientToken": client_token, f"{word.lower()}ConfigurationArn": arn}

    def _defaults(self, word: str, given: Record) -> Record:
        if word == "Distribution":
            return {"timeoutMinutes": 360}
        return {"terminateInstanceOnFailure": given.get("terminateInstanceOnFailure", True)}

    def _check_configuration(self, word: str, given: Record) -> None:
        if word == "Infrastructure":
            self._check_profile(given["instanceProfileName"])
        else:
            for each in given["distributions"]:
                name = each.get("amiDistributionConfiguration", {}).get("name", "")
                if name and BUILD_DATE not in name:
                    raise invalid(f"The AMI name '{name}' must contain {{{{ {BUILD_DATE} }}}}.")

    def _check_profile(self, name: str) -> None:
        iam = self.clients.client("iam")
        try:
            iam.get_instance_profile(InstanceProfileName=name)
        except iam.exceptions.NoSuchEntityException:
            raise invalid(
                "The value supplied for parameter 'instanceProfileName' is not valid. "
                f"The instance profile '{name}' does not exist."
            ) from None

    def _listed(self, noun: str, shown: tuple[str, ...], options: Record) -> tuple[list[Any], str | None]:
        own = [each for each in self.shelf(noun).values() if matches(each, options.get("filters"))]
        listed = ({name: each[name] for name in shown if name in each} for each in own)
        return page(listed, options.get("max_results"), options.get("next_token"))

    def check_role(self, role: str) -> None:
        """Refuse a role that does not exist."""
        iam = self.clients.client("iam")
        try:
            iam.get_role(RoleName=role.rpartition("/")[2])
        except iam.exceptions.NoSuchEntityException:
            raise invalid(
                f"The execution role '{role}' does not exist or cannot be assumed by Image Builder."
            ) from None
