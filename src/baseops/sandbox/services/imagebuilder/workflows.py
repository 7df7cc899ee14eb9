"""What an image's workflows did, step by step: for users to see which step failed or could not be exercised.

https://docs.aws.amazon.com/imagebuilder/latest/APIReference/API_ListWorkflowStepExecutions.html
"""

from __future__ import annotations

import json
from typing import Any

from baseops.sandbox.service import Members, ServiceError
from baseops.sandbox.services.imagebuilder.builds import Built
from baseops.sandbox.services.imagebuilder.pipelines import Pipelines
from baseops.sandbox.services.imagebuilder.records import Record

_STEPS = {
    "BUILD": (
        ("LaunchBuildInstance", "LaunchInstance"),
        ("ApplyBuildComponents", "ExecuteComponents"),
        ("RunSanitizeScript", "SanitizeInstance"),
        ("CreateOutputAMI", "CreateImage"),
        ("TerminateBuildInstance", "TerminateInstance"),
    ),
    "TEST": (
        ("LaunchTestInstance", "LaunchInstance"),
        ("ApplyTestComponents", "ExecuteComponents"),
        ("TerminateTestInstance", "TerminateInstance"),
    ),
}


class Workflows(Pipelines):
    """Executions by image."""

    def note_workflow(self, image: Record, kind: str, built: Built) -> None:
        """Keep how a workflow went."""
        execution, noun = f"wf-{self.hex(8)}-{self.hex(4)}-{self.hex(4)}-{self.hex(12)}", kind.lower()
        arn = f"arn:aws:imagebuilder:{self.region_name}:aws:workflow/{noun}/{noun}-image/1.0.2/1"
        failed = built.failed
        moments = {"startTime": self.moment(), "endTime": self.moment()}
        record = {
            "workflowBuildVersionArn": arn,
            "workflowExecutionId": execution,
            "type": kind,
            "status": "FAILED" if failed else "COMPLETED",
            "message": built.not_exercised and f"not exercised: {built.not_exercised}",
            "imageBuildVersionArn": image["arn"],
            **moments,
        }
        self.shelf("workflow-execution")[execution] = {**record, "steps": self._steps(kind, built, moments)}

    def _steps(self, kind: str, built: Built, moments: Record) -> list[Record]:
        steps: list[Record] = []
        for name, action in _STEPS[kind]:
            is_last = action == "ExecuteComponents" and built.failed is not None
            outputs: Record = {}
            if action == "ExecuteComponents":
                outputs = {"components": [_described(built, number) for number in range(len(built.steps))]}
            steps.append(
                {
                    "stepExecutionId": f"step-{self.hex(8)}-{self.hex(4)}-{self.hex(4)}-{self.hex(12)}",
                    "name": name,
                    "action": action,
                    "status": "FAILED" if is_last else "COMPLETED",
                    "message": built.not_exercised and f"not exercised: {built.not_exercised}" if outputs else "",
                    "outputs": json.dumps(outputs),
                    "inputs": "{}",
                    **moments,
                }
            )
            if is_last:
                break
        return steps

    def list_workflow_executions(self, image_build_version_arn: str, **_page: Any) -> Members:
        """Answer ListWorkflowExecutions."""
        own = [
            each
            for each in self.shelf("workflow-execution").values()
            if each["imageBuildVersionArn"] == image_build_version_arn
        ]
        listed = [{**_without(each), "totalStepCount": len(each["steps"])} for each in own]
        return {
            "requestId": self.token(),
            "workflowExecutions": listed,
            "imageBuildVersionArn": image_build_version_arn,
        }

    def list_workflow_step_executions(self, workflow_execution_id: str, **_page: Any) -> Members:
        """Answer ListWorkflowStepExecutions."""
        found = self._execution(workflow_execution_id)
        return {
            "requestId": self.token(),
            "steps": found["steps"],
            "workflowBuildVersionArn": found["workflowBuildVersionArn"],
            "workflowExecutionId": workflow_execution_id,
            "imageBuildVersionArn": found["imageBuildVersionArn"],
        }

    def get_workflow_step_execution(self, step_execution_id: str) -> Members:
        """Answer GetWorkflowStepExecution."""
        for execution in self.shelf("workflow-execution").values():
            for step in execution["steps"]:
                if step["stepExecutionId"] == step_execution_id:
                    return {"requestId": self.token(), **_without(execution), **step}
        raise _missing(step_execution_id)

    def _execution(self, identifier: str) -> Record:
        found = self.shelf("workflow-execution").get(identifier)
        if found is None:
            raise _missing(identifier)
        return found


def _described(built: Built, number: int) -> Record:
    step = built.steps[number]
    shown = {"component": step.document.arn, "phase": step.phase, "step": step.name, "action": step.action}
    return {**shown, "status": step.status, "stdout": step.output[-500:], "stderr": step.errors[-500:]}


def _without(execution: Record) -> Record:
    kept = ("workflowBuildVersionArn", "workflowExecutionId", "type", "status", "message", "startTime", "endTime")
    return {key: execution[key] for key in kept}


def _missing(identifier: str) -> ServiceError:
    message = f"The resource with id '{identifier}' does not exist."
    return ServiceError(message, code="ResourceNotFoundException", status=404)
