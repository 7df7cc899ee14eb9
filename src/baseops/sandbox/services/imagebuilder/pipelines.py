"""Pipelines: kept, started by hand or at the times of their schedule, disabled after too many failures."""

from __future__ import annotations

from functools import partial
from typing import Any

from baseops.sandbox.service import Members, ServiceError
from baseops.sandbox.services.imagebuilder.configurations import Configurations
from baseops.sandbox.services.imagebuilder.records import Record, invalid, matches, members, page
from baseops.sandbox.ticker import Entry
from baseops.semantics.schedules import Cron, Rate, ScheduleError, parse

_REPLACED = (
    "description", "imageRecipeArn", "containerRecipeArn", "infrastructureConfigurationArn",
    "distributionConfigurationArn", "imageTestsConfiguration", "enhancedImageMetadataEnabled", "schedule", "status",
    "imageScanningConfiguration", "workflows", "loggingConfiguration", "executionRole", "imageTags",
)  # fmt: skip


class Pipelines(Configurations):
    """https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_CreateImagePipeline.html and its neighbours."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self._planned: dict[str, Entry] = {}

    def create_image_pipeline(self, client_token: str, **request: Any) -> Members:
        """Answer CreateImagePipeline."""
        given = members(request)
        self.check("CreateImagePipeline", given)
        self._check_pipeline(given)
        record = {**_defaults(given), "dateCreated": self.moment(), "dateUpdated": self.moment()}
        arn = self.put("image-pipeline", self.name_arn("image-pipeline", given["name"]), record)["arn"]
        self._plan(arn)
        return {"requestId": self.token(), "clientToken": client_token, "imagePipelineArn": arn}

    def get_image_pipeline(self, image_pipeline_arn: str) -> Members:
        """Answer GetImagePipeline."""
        return {
            "requestId": self.token(),
            "imagePipeline": self._with_next(self.find("image-pipeline", image_pipeline_arn)),
        }

    def list_image_pipelines(
        self, filters: list[Any] | None = None, max_results: int | None = None, next_token: str | None = None
    ) -> Members:
        """Answer ListImagePipelines."""
        own = [self._with_next(each) for each in self.shelf("image-pipeline").values() if matches(each, filters)]
        found, token = page(own, max_results, next_token)
        return {"requestId": self.token(), "imagePipelineList": found, "nextToken": token}

    def update_image_pipeline(self, image_pipeline_arn: str, client_token: str, **request: Any) -> Members:
        """Answer UpdateImagePipeline: what is left out is gone."""
        given = members(request)
        former = self.find("image-pipeline", image_pipeline_arn)
        self.check("UpdateImagePipeline", {"imagePipelineArn": image_pipeline_arn, **given})
        self._check_pipeline(given)
        kept = {key: value for key, value in former.items() if key not in _REPLACED}
        record = {**kept, **_defaults(given), "dateUpdated": self.moment(), "consecutiveFailures": 0}
        self.shelf("image-pipeline")[image_pipeline_arn] = record
        self._plan(image_pipeline_arn)
        return {"requestId": self.token(), "clientToken": client_token, "imagePipelineArn": image_pipeline_arn}

    def delete_image_pipeline(self, image_pipeline_arn: str) -> Members:
        """Answer DeleteImagePipeline; its images stay."""
        self.take("image-pipeline", image_pipeline_arn)
        self._forget(image_pipeline_arn)
        return {"requestId": self.token(), "imagePipelineArn": image_pipeline_arn}

    def start_image_pipeline_execution(
        self, image_pipeline_arn: str, client_token: str, tags: dict[str, str] | None = None
    ) -> Members:
        """Answer StartImagePipelineExecution; also for a disabled pipeline."""
        pipeline = self.find("image-pipeline", image_pipeline_arn)
        image = self.begin_build(pipeline, "USER_INITIATED", tags or {})
        return {"requestId": self.token(), "clientToken": client_token, "imageBuildVersionArn": image["arn"]}

    def begin_build(self, pipeline: Record, build_type: str, tags: dict[str, str]) -> Record:
        """Begin to build an image; `images` says how."""
        raise ServiceError(
            f"Image Builder cannot build {pipeline['arn']} ({build_type}, {tags}).", code="ServiceException"
        )

    def built(self, pipeline_arn: str, status: str) -> None:
        """Note how a build ended, and disable the pipeline after too many failures."""
        pipeline = self.shelf("image-pipeline").get(pipeline_arn)
        if pipeline is None:
            return
        pipeline["lastRunStatus"] = status
        failures = pipeline.get("consecutiveFailures", 0) + 1 if status == "FAILED" else 0
        pipeline["consecutiveFailures"] = failures
        limit = pipeline.get("schedule", {}).get("autoDisablePolicy", {}).get("failureCount")
        if limit and failures >= limit:
            pipeline["status"] = "DISABLED"
            self._forget(pipeline_arn)

    def _check_pipeline(self, given: Record) -> None:
        for key, noun in (
            ("imageRecipeArn", "image-recipe"),
            ("infrastructureConfigurationArn", "infrastructure-configuration"),
            ("distributionConfigurationArn", "distribution-configuration"),
        ):
            if given.get(key) and given[key] not in self.shelf(noun):
                raise invalid(f"The value supplied for parameter '{key}' is not valid. '{given[key]}' does not exist.")
        if not given.get("imageRecipeArn"):
            raise invalid("The sandbox builds AMIs alone: specify imageRecipeArn.")
        if given.get("executionRole"):
            self.check_role(given["executionRole"])
        _schedule(given)

    def _with_next(self, pipeline: Record) -> Record:
        planned = self._planned.get(pipeline["arn"])
        following = {"dateNextRun": planned.when.strftime("%Y-%m-%dT%H:%M:%S.000Z")} if planned else {}
        return {**pipeline, **following}

    def _plan(self, arn: str) -> None:
        self._forget(arn)
        pipeline = self.shelf("image-pipeline")[arn]
        schedule = _schedule(pipeline)
        if schedule is None or pipeline["status"] != "ENABLED":
            return
        when = schedule.next_after(self.now())
        if when is not None:
            self._planned[arn] = self.sandbox.clock.ticker.at(when, partial(self._run_schedule, arn), f"build by {arn}")

    def _forget(self, arn: str) -> None:
        planned = self._planned.pop(arn, None)
        if planned:
            planned.cancel()

    def _run_schedule(self, arn: str) -> None:
        pipeline = self.shelf("image-pipeline")[arn]
        pipeline["dateLastRun"] = self.moment()
        self.begin_build(pipeline, "SCHEDULED", dict(pipeline.get("imageTags", {})))
        self._plan(arn)


def _defaults(given: Record) -> Record:
    tests = {"imageTestsEnabled": True, "timeoutMinutes": 720, **given.get("imageTestsConfiguration", {})}
    usual: Record = {"status": "ENABLED", "enhancedImageMetadataEnabled": True, "platform": "Linux"}
    return {**usual, **given, "imageTestsConfiguration": tests}


def _schedule(given: Record) -> Cron | Rate | None:
    schedule = given.get("schedule")
    if not schedule:
        return None
    try:
        return parse(schedule["scheduleExpression"], schedule.get("timezone", "UTC"))
    except (ScheduleError, ValueError) as error:
        raise invalid(
            f"The value supplied for parameter 'schedule.scheduleExpression' is not valid. {error}"
        ) from error
