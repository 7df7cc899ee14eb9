"""One contract for five areas: who knows one of them knows them all."""

from __future__ import annotations

import inspect
import json
import shutil
import textwrap
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.text import template_text
from baseops.contract import area as contract
from baseops.contract.lock import Lock, LockedBase
from baseops.contract.refs import Refs
from baseops.declaration import Declaration, declaration_schema, load
from baseops.registry import AREAS, Area
from baseops.workflow.compile import compile_declaration
from baseops.workflow.data import effects
from baseops.workflow.destroy import Kept
from baseops.workflow.load import SPECS
from baseops.workflow.load import load as load_file

TESTS = Path(__file__).resolve().parents[1]
TOP = """\
version: 1
name: acme
accounts: ["111111111111"]
region: eu-west-1
regions: [us-east-1]
iam: {path: /platform/, permissions_boundary: policy/boundary}
tags: {owner: platform}
"""
PARTS = {
    "spec": contract.SpecPart,
    "stack": contract.StackPart,
    "settings": contract.SettingsPart,
    "world": contract.WorldPart,
    "rehearse": contract.RehearsePart,
    "account": contract.AccountPart,
    "prove": contract.ProvePart,
}
UNMANAGED = {
    "images": "web: {managed: false, publish: /acme/images/web, promise: {max_age: 8d}}",
    "backups": "daily: {managed: false, target: {resource: volume, tags: {Backup: daily}}, promise: {rpo: 30h}}",
    "logs": (
        "web: {managed: false, group: {name: /acme/web}, metrics: {Errors: {pattern: ERROR}}, "
        "alarms: {many: {metric: Errors, threshold: 1, treat_missing_data: notBreaching}}}"
    ),
    "secrets": "db: {managed: false, secret: app/db, readers: [role/web]}",
    "email": "acme.example: {managed: false}",
}

# CloudFormation has no tags for these: their schemas say `taggable: false`.
WITHOUT_TAGS = {
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::RolePolicy",
    "AWS::KMS::Alias",
    "AWS::Lambda::Permission",
    "AWS::Logs::LogStream",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::Logs::SubscriptionFilter",
    "AWS::Route53::RecordSet",
    "AWS::S3::BucketPolicy",
    "AWS::SES::ConfigurationSetEventDestination",
    "AWS::SES::ReceiptRule",
    "AWS::SES::ReceiptRuleSet",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SecretsManager::ResourcePolicy",
    "AWS::SecretsManager::RotationSchedule",
}

areas = pytest.mark.parametrize("area", AREAS, ids=lambda each: each.name)


@pytest.fixture
def full(tmp_path: Path) -> Callable[[Area], Path]:
    """The area's declaration that uses every key, with the files that it names, under an organisation's IAM rules."""

    def place(area: Area) -> Path:
        folder = tmp_path / area.name
        shutil.copytree(TESTS / "areas" / area.name, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
        text = (folder / "full.yaml").read_text(encoding="utf-8")
        if "\nversion:" not in f"\n{text}":
            text = f"{area.name}:\n{textwrap.indent(text, '  ')}"
        top = yaml.safe_load(TOP)
        whole = {**top, **yaml.safe_load(text), "iam": top["iam"], "tags": top["tags"]}
        path = folder / "baseops.yaml"
        path.write_text(yaml.safe_dump(whole, sort_keys=False), encoding="utf-8")
        return path

    return place


def lock_of(declaration: Declaration) -> Lock:
    """A lock with a base for every image."""
    images = declaration.sections.get("images")
    base = LockedBase("ami-0123456789abcdef0", "al2023", "2023.9.20261101", "ssm:/aws/service/al2023")
    return Lock(bases=dict.fromkeys(images.entries, base) if images else {})


def resources(declaration: Declaration) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for template in compile_declaration(declaration, lock_of(declaration)).templates:
        for name, each in template.body["Resources"].items():
            yield template.stack, name, each


@areas
@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_the_protocols_functions_with_their_parameters(area: Area, part: str) -> None:
    module = getattr(area, part)
    assert module.__doc__, f"{area.name}/{part}.py says nothing about itself"
    for name, wanted in inspect.getmembers(PARTS[part], inspect.isfunction):
        if name.startswith("_"):
            continue
        expected = [each for each in inspect.signature(wanted).parameters if each != "self"]
        assert list(inspect.signature(getattr(module, name)).parameters) == expected, f"{area.name}.{part}.{name}"
        assert getattr(module, name).__doc__, f"{area.name}.{part}.{name} is not described"


@areas
def test_compiling_and_judging_change_nothing_and_say_the_same_twice(area: Area, full: Callable[[Area], Path]) -> None:
    declaration = load_file(full(area))
    section, site, lock = declaration.sections[area.name], declaration.site, lock_of(declaration)
    refs, before = Refs(site, lock), (section.model_dump_json(), deepcopy(site), deepcopy(lock))

    def once() -> tuple[object, ...]:
        compiled = compile_declaration(declaration, lock)
        built = StackBuilder(area.name, site)
        area.stack.build(section, built, compiled.refs)
        templates, places = built.build(lock)
        settings = [(each.id, each.region, each.desired) for each in area.settings.settings(section, compiled.refs)]
        return (
            area.spec.check(section, site),
            area.stack.needs(section, site),
            templates,
            places,
            settings,
            area.rehearse.judge(section, refs),
        )

    assert once() == once()
    assert (section.model_dump_json(), site, lock) == before


@areas
def test_every_key_together_compiles_to_the_same_bytes_and_keeps_to_the_schema(
    area: Area, full: Callable[[Area], Path]
) -> None:
    path = full(area)
    first = compile_declaration(load_file(path), lock_of(load_file(path)))
    again = compile_declaration(load_file(path), first.lock)
    assert list(map(template_text, first.templates)) == list(map(template_text, again.templates))
    assert first.lock == again.lock
    data = json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))
    jsonschema.Draft202012Validator(declaration_schema(SPECS)).validate(data)


@areas
def test_what_is_not_managed_becomes_no_resource_and_no_setting(area: Area) -> None:
    declaration = load(f"{TOP}{area.name}:\n  {UNMANAGED[area.name]}\n", SPECS)
    compiled = compile_declaration(declaration, Lock())
    assert [each.stack for each in compiled.templates] == ["artifacts", "foundation"]
    assert compiled.settings == ()
    assert compiled.artifacts == ()


@areas
def test_an_empty_section_becomes_nothing(area: Area) -> None:
    compiled = compile_declaration(load(f"{TOP}{area.name}: {{}}\n", SPECS), Lock())
    assert [each.stack for each in compiled.templates] == ["artifacts", "foundation"]
    assert (compiled.settings, compiled.artifacts) == ((), ())


@areas
def test_an_empty_declaration_judges_and_proves_nothing(area: Area) -> None:
    declaration = load(f"{TOP}{area.name}: {{}}\n", SPECS)
    section, refs = declaration.sections[area.name], Refs(declaration.site)
    assert area.rehearse.judge(section, refs) == []
    assert list(area.prove.drills(section, refs)) == []


@areas
def test_every_role_has_the_declared_path_and_boundary(area: Area, full: Callable[[Area], Path]) -> None:
    declaration = load_file(full(area))
    roles = {name: each["Properties"] for _, name, each in resources(declaration) if each["Type"] == "AWS::IAM::Role"}
    bare = {
        name
        for name, properties in roles.items()
        if (properties.get("Path"), properties.get("PermissionsBoundary"))
        != ("/platform/", "arn:aws:iam::111111111111:policy/boundary")
    }
    assert (bool(roles), bare) == (True, set())


@areas
def test_whatever_can_carry_tags_carries_the_declared_ones(area: Area, full: Callable[[Area], Path]) -> None:
    bare = {
        each["Type"]
        for _, _, each in resources(load_file(full(area)))
        if "platform" not in json.dumps(each["Properties"].get("Tags", each["Properties"].get("HostedZoneTags", "")))
    }
    assert bare <= WITHOUT_TAGS


@areas
def test_whatever_is_kept_can_be_deleted_with_the_data(area: Area, full: Callable[[Area], Path]) -> None:
    kept = [
        Kept(stack, "eu-west-1", each["Type"], name)
        for stack, name, each in resources(load_file(full(area)))
        if str(each.get("DeletionPolicy")).startswith("Retain")
    ]
    assert kept
    assert [each for each, effect in effects(kept) if not effect] == []


@areas
def test_a_released_setting_of_an_unknown_id_is_none(area: Area) -> None:
    assert area.settings.released(f"{area.name}/no-such-thing", "eu-west-1") is None
