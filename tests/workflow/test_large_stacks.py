"""Templates too large to travel inline, and declarations too large for one stack."""

import pytest

from baseops.cloudformation.changesets import MAX_INLINE_BYTES
from baseops.cloudformation.text import template_text
from baseops.contract.lock import Lock
from baseops.declaration import load
from baseops.sandbox.account import open_account
from baseops.workflow.apply import apply
from baseops.workflow.compile import compile_declaration
from baseops.workflow.load import SPECS
from baseops.workflow.plan import plan

TOP = 'version: 1\nname: many\naccounts: ["111111111111"]\nregion: eu-west-1\nlogs:\n'


def entry(name):
    return f"""\
  {name}:
    group: {{name: /many/{name}, retention_days: 30}}
    metrics: {{Errors: {{pattern: ERROR}}}}
    alarms: {{errors: {{metric: Errors, threshold: 5}}}}
"""


def compiled(names, lock=None):
    return compile_declaration(load(TOP + "".join(map(entry, names)), SPECS), lock or Lock())


def names(count):
    return [f"g{number:03d}" for number in range(count)]


def test_a_template_over_51200_bytes_goes_through_the_artifact_bucket():
    made = compiled(names(60))
    large = [each for each in made.templates if len(template_text(each)) > MAX_INLINE_BYTES]
    assert [each.stack for each in large] == ["logs"]
    asked = []
    with open_account("111111111111", "eu-west-1") as account:
        account.record(lambda call, _: asked.append((call.operation, call.parameters)))
        first = apply(made, account, account.clock)
        assert {each.outcome for each in first.stacks} == {"created"}
        assert {each.outcome for each in apply(made, account, account.clock).stacks} == {"unchanged"}
    urls = [parameters.get("TemplateURL", "") for operation, parameters in asked if operation == "CreateChangeSet"]
    assert sum("/templates/" in url for url in urls) == 2
    assert sum(operation == "PutObject" for operation, _ in asked) == 1


@pytest.mark.slow
def test_700_log_groups_live_in_six_stacks_and_a_new_one_moves_none_of_them():
    made = compiled(names(700))
    with open_account("111111111111", "eu-west-1") as account:
        first = apply(made, account, account.clock)
        assert [each.template.stack for each in first.stacks] == [
            "artifacts",
            "foundation",
            *(f"logs{part}" for part in ("", "-2", "-3", "-4", "-5", "-6")),
        ]
        more = compiled([*names(700), "a-new-one"], made.lock)
        assert {name: place for name, place in more.lock.places["logs"].items() if name != "a-new-one"} == dict(
            made.lock.places["logs"]
        )
        changed = [stack for stack in plan(more, account, account.clock).stacks if stack.changes]
        assert [(stack.stack, [change.action for change in stack.changes]) for stack in changed] == [
            ("logs-6", ["add", "add", "add"])
        ]
        outcomes = [each.outcome for each in apply(more, account, account.clock).stacks]
        assert outcomes.count("updated") == 1
        assert outcomes.count("unchanged") == len(outcomes) - 1
