"""Lifecycle policies, and what they do to images once a day by `semantics.lifecycle`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from baseops.sandbox.moto_services import moto_backend
from baseops.sandbox.service import Members
from baseops.sandbox.services.imagebuilder.images import Images
from baseops.sandbox.services.imagebuilder.records import Record, invalid, matches, members, page
from baseops.sandbox.ticker import Entry
from baseops.semantics.lifecycle import Ami, Image, ImageAction, image_actions, image_rules_from

DAY = timedelta(days=1)


class Policies(Images):
    """https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_CreateLifecyclePolicy.html and neighbours."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._daily: dict[str, Entry] = {}

    def create_lifecycle_policy(self, client_token: str, **request: Any) -> Members:
        """Answer CreateLifecyclePolicy."""
        given = members(request)
        self.check("CreateLifecyclePolicy", given)
        self._check_policy(given)
        record = {"status": "ENABLED", **given, "dateCreated": self.now(), "dateUpdated": self.now()}
        arn = self.put("lifecycle-policy", self.name_arn("lifecycle-policy", given["name"]), record)["arn"]
        self._daily[arn] = self.sandbox.clock.ticker.after(DAY, partial(self._run_policy, arn), f"run of {arn}")
        return {"clientToken": client_token, "lifecyclePolicyArn": arn}

    def get_lifecycle_policy(self, lifecycle_policy_arn: str) -> Members:
        """Answer GetLifecyclePolicy."""
        return {"lifecyclePolicy": dict(self.find("lifecycle-policy", lifecycle_policy_arn))}

    def list_lifecycle_policies(
        self, filters: list[Any] | None = None, max_results: int | None = None, next_token: str | None = None
    ) -> Members:
        """Answer ListLifecyclePolicies."""
        shown = ("arn", "name", "description", "status", "executionRole", "resourceType", "dateCreated", "dateUpdated",
                 "dateLastRun", "tags")  # fmt: skip
        own = [each for each in self.shelf("lifecycle-policy").values() if matches(each, filters)]
        listed = ({name: each[name] for name in shown if name in each} for each in own)
        found, token = page(listed, max_results, next_token)
        return {"lifecyclePolicySummaryList": found, "nextToken": token}

    def update_lifecycle_policy(self, lifecycle_policy_arn: str, client_token: str, **request: Any) -> Members:
        """Answer UpdateLifecyclePolicy."""
        given = members(request)
        former = self.find("lifecycle-policy", lifecycle_policy_arn)
        self.check("UpdateLifecyclePolicy", {"lifecyclePolicyArn": lifecycle_policy_arn, **given})
        self._check_policy(given)
        kept: Record = {
            key: former[key] for key in ("arn", "name", "dateCreated", "dateLastRun", "tags") if key in former
        }
        self.shelf("lifecycle-policy")[lifecycle_policy_arn] = {
            "status": "ENABLED", **kept, **given, "dateUpdated": self.now(),
        }  # fmt: skip
        return {"clientToken": client_token, "lifecyclePolicyArn": lifecycle_policy_arn}

    def delete_lifecycle_policy(self, lifecycle_policy_arn: str) -> Members:
        """Answer DeleteLifecyclePolicy."""
        self.take("lifecycle-policy", lifecycle_policy_arn)
        self._daily.pop(lifecycle_policy_arn).cancel()
        return {"lifecyclePolicyArn": lifecycle_policy_arn}

    def _check_policy(self, given: Record) -> None:
        self.check_role(given["executionRole"])
        kinds = [each["action"]["type"] for each in given["policyDetails"]]
        if len(set(kinds)) != len(kinds):
            raise invalid("Each action can be specified once in policyDetails.")
        for each in given["policyDetails"]:
            if each["filter"]["type"] == "COUNT" and each["action"]["type"] != "DELETE":
                raise invalid("The COUNT filter can be used with the DELETE action only.")
            if each["filter"]["type"] == "AGE" and "unit" not in each["filter"]:
                raise invalid("The AGE filter needs a unit.")

    # --- a daily run ---

    def _run_policy(self, arn: str) -> None:
        policy = self.shelf("lifecycle-policy")[arn]
        self._daily[arn] = self.sandbox.clock.ticker.after(DAY, partial(self._run_policy, arn), f"run of {arn}")
        if policy["status"] != "ENABLED":
            return
        policy["dateLastRun"] = self.now()
        images = [self._as_seen(each) for each in self._selected(policy)]
        for action in image_actions(image_rules_from(policy["policyDetails"]), images, self.now()):
            self._apply(action)

    def _selected(self, policy: Record) -> Iterator[Record]:
        selection = policy["resourceSelection"]
        names = {each["name"] for each in selection.get("recipes", ())}
        tags = set(selection.get("tagMap", {}).items())
        for image in self.shelf("image").values():
            if image["imageRecipe"]["name"] in names or (tags and tags <= set(image.get("tags", {}).items())):
                yield image

    def _as_seen(self, image: Record) -> Image:
        return Image(
            id=image["arn"],
            recipe=f"{image['imageRecipe']['name']}/{image['imageRecipe']['version']}",
            created=datetime.strptime(image["dateCreated"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC),
            status=image["state"]["status"],
            tags=tuple(image.get("tags", {}).items()),
            amis=tuple(self._ami(each) for each in image["outputResources"]["amis"]),
        )

    def _ami(self, output: Record) -> Ami:
        """Any: moto's instances carry no types. The last launch is that of the newest instance."""
        backend: Any = moto_backend("ec2", self.account_id, output["region"])
        instances = [
            one for each in backend.all_reservations() for one in each.instances if one.image_id == output["image"]
        ]
        launched = [datetime.fromisoformat(str(one.launch_time)) for one in instances]
        image: Any = backend.amis.get(output["image"])
        tags = {tag["key"]: tag["value"] for tag in image.get_tags()} if image else {}
        return Ami(
            id=output["image"],
            region=output["region"],
            last_launched=max((each.astimezone(UTC) for each in launched), default=None),
            shared_accounts=tuple(each["UserId"] for each in image.launch_permissions if "UserId" in each)
            if image
            else (),
            tags=tuple(tags.items()),
        )

    def _apply(self, action: ImageAction) -> None:
        image = self.shelf("image")[action.image.id]
        for ami in action.amis:
            self._retire(action, ami)
        self._set(image, {"status": action.applied().status})
        if action.action == "DELETE" and not action.skipped:
            del self.shelf("image")[action.image.id]

    def _retire(self, action: ImageAction, ami: Ami) -> None:
        """A protected AMI stays, as anything that EC2 refuses to change."""
        ec2 = self.clients.client("ec2", ami.region)
        try:
            if action.action == "DEPRECATE":
                ec2.enable_image_deprecation(ImageId=ami.id, DeprecateAt=self.now())
            elif action.action == "DISABLE":
                ec2.disable_image(ImageId=ami.id)
            else:
                ec2.deregister_image(ImageId=ami.id, DeleteAssociatedSnapshots=action.includes_snapshots)
        except ClientError as error:
            image = self.shelf("image")[action.image.id]
            image["state"] = {**image["state"], "reason": str(error)}
