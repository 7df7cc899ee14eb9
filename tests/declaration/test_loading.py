"""What a good declaration becomes, what is warned about, and how findings get their places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from baseops.contract.finding import Finding, Severity
from baseops.contract.site import Drills, EvidenceStore, Iam, Network, Notify, Site
from baseops.declaration import load, print_path
from baseops.errors import DeclarationError

TOP = 'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\n'
KEY = "arn:aws:kms:{}:111111111111:key/1234abcd"


def test_the_least_declaration_has_the_documented_defaults(loaded):
    assert loaded().site == Site(
        name="acme",
        accounts=("111111111111",),
        region="eu-west-1",
        iam=Iam(path="/", permissions_boundary=None, service_role=None),
        drills=Drills(allow=("observe",), window=None, max_cost_usd=2.0),
        evidence=EvidenceStore(retention_days=400, object_lock=False),
        folder=".",
    )


def test_everything_at_the_top_reaches_the_site(loaded):
    text = f"""\
regions: [us-east-1]
tags: {{owner: platform, "Kostenstelle Süd": "7"}}
iam: {{path: /baseops/, permissions_boundary: policy/org/boundary, service_role: role/cloudformation}}
network: {{build_subnet: subnet-0a1, drill_subnet: subnet-0b2}}
notify: [{{email: ops@acme.example}}, {{sqs: "arn:aws:sqs:eu-west-1:111111111111:alerts"}}]
drills: {{allow: [observe, disturb], window: "Sat,Sun 02:00-05:00 UTC", max_cost_usd: 0.5}}
evidence: {{retention_days: 30, object_lock: true}}
keys: {{logs: "{KEY.format("eu-west-1")}", images: {{us-east-1: "{KEY.format("us-east-1")}"}}}}
"""
    assert loaded(text, path=Path("/tmp/acme/baseops.yaml")).site == Site(
        name="acme",
        accounts=("111111111111",),
        region="eu-west-1",
        regions=("us-east-1",),
        tags={"owner": "platform", "Kostenstelle Süd": "7"},
        iam=Iam(
            "/baseops/",
            "arn:aws:iam::111111111111:policy/org/boundary",
            "arn:aws:iam::111111111111:role/cloudformation",
        ),
        network=Network("subnet-0a1", "subnet-0b2"),
        notify=(Notify("email", "ops@acme.example"), Notify("sqs", "arn:aws:sqs:eu-west-1:111111111111:alerts")),
        drills=Drills(("observe", "disturb"), "Sat,Sun 02:00-05:00 UTC", 0.5),
        evidence=EvidenceStore(30, True),
        keys={("logs", "eu-west-1"): KEY.format("eu-west-1"), ("images", "us-east-1"): KEY.format("us-east-1")},
        folder="/tmp/acme",
    )


@pytest.mark.parametrize(
    ("accounts", "region", "expected"),
    [
        ('["111111111111"]', "cn-north-1", "arn:aws-cn:iam::111111111111:policy/b"),
        ('["111111111111"]', "us-gov-west-1", "arn:aws-us-gov:iam::111111111111:policy/b"),
        ('["111111111111", "222222222222"]', "eu-west-1", "arn:aws:iam::${AWS::AccountId}:policy/b"),
    ],
)
def test_a_boundary_by_name_becomes_the_accounts_arn(loaded, accounts, region, expected):
    top = f"version: 1\nname: acme\naccounts: {accounts}\nregion: {region}\niam: {{permissions_boundary: policy/b}}\n"
    assert loaded(top=top).site.iam.permissions_boundary == expected


def test_a_file_is_named_as_it_was_given(tmp_path, monkeypatch, toy):
    monkeypatch.chdir(tmp_path)
    Path("acme").mkdir()
    Path("acme/baseops.yaml").write_text(TOP + "regions: us-east-1\n", encoding="utf-8")
    with pytest.raises(DeclarationError) as refused:
        load(Path("acme/baseops.yaml"), {"logs": toy})
    assert str(refused.value) == (
        "acme/baseops.yaml has 1 problem\n"
        "acme/baseops.yaml:5:10: regions: expected a list; got 'us-east-1'. Write: regions: [us-east-1]"
    )


def test_sections_hold_what_the_file_mentions_and_nothing_else(loaded):
    assert not loaded().sections
    assert [*loaded("logs: {}\n").sections] == ["logs"]
    assert loaded("logs: {web: {group: {name: /a}}}\n").sections["logs"].entries["web"].group.name == "/a"


def test_an_area_without_a_value_is_an_area_not_declared(loaded):
    assert not loaded("logs:\naccount:\n").sections


def test_a_claim_alone_makes_a_section(loaded):
    section = loaded("account: {logs: {block_public: true}}\n").sections["logs"]
    assert section.entries == {}
    assert section.account.block_public is True


class Noting(Mapping):
    """Specs that note which were asked for."""

    def __init__(self, specs) -> None:
        self.specs, self.asked = specs, set()

    def __getitem__(self, name):
        self.asked.add(name)
        return self.specs[name]

    def __contains__(self, name) -> bool:
        return name in self.specs

    def __iter__(self):
        return iter(self.specs)

    def __len__(self) -> int:
        return len(self.specs)


def test_only_the_areas_that_the_file_mentions_are_loaded(toy):
    specs = Noting({"logs": toy, "email": toy})
    load(TOP + "logs: {web: {group: {name: /a}}}\n", specs)
    assert specs.asked == {"logs"}


def test_keys_that_begin_with_x_hold_what_anchors_repeat(loaded):
    text = (
        "x-alarm: &alarm {metric: m, threshold: 1}\nlogs: {web: {group: {name: /a}, alarms: {a: *alarm, b: *alarm}}}\n"
    )
    assert set(loaded(text).sections["logs"].entries["web"].alarms) == {"a", "b"}


def test_warnings_do_not_stop(loaded):
    declaration = loaded(top=TOP.replace("eu-west-1", "eu-wset-1"))
    assert [str(problem) for problem in declaration.warnings] == [
        "baseops.yaml:4:9: warning: region: the region eu-wset-1 is not known here. Did you mean eu-west-1?"
    ]


def test_a_region_of_every_partition_is_known(said):
    for region in ("cn-northwest-1", "us-gov-east-1", "us-isob-east-1", "eusc-de-east-1", "ap-southeast-7"):
        assert said("", TOP.replace("eu-west-1", region)) == []


def test_errors_come_with_the_warnings_beside_them(said):
    lines = said(
        "logs: {web: {group: {name: /a}, alarms: {x: {metric: m, threshold: 1, remedy: r}}}}\nregions: [eu-west-9]\n"
    )
    assert [line.split(":")[1] for line in lines] == ["5", "6"]


def test_meaning_is_judged_when_every_shape_is_right(said):
    wrong_shape = "logs: {web: {group: {name: 7}, alarms: {x: {metric: m, threshold: 1, remedy: r}}}}\n"
    assert len(said(wrong_shape)) == 1


def test_findings_become_problems_with_places_in_the_order_of_the_file(loaded):
    declaration = loaded("logs:\n  web:\n    group: {name: /a}\n    remedies: [one]\n")
    findings = [
        Finding(Severity.NOTE, "logs.b", ("logs", "web", "remedies", 0), "later"),
        Finding(Severity.WARNING, "logs.a", ("logs", "web", "heartbeat", "silent_for"), "earlier", "Write it"),
        Finding(Severity.ERROR, "all", (), "whole"),
        Finding(Severity.ERROR, "all", (), "whole"),
    ]
    assert [str(problem) for problem in declaration.resolve(findings)] == [
        "baseops.yaml:1:1: whole",
        "baseops.yaml:6:3: warning: logs.web.heartbeat.silent_for: earlier. Write it",
        "baseops.yaml:8:16: note: logs.web.remedies[0]: later",
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("logs", "web"), "logs.web"),
        (("notify", 0, "email"), "notify[0].email"),
        (("email", "acme.example", "dns"), 'email."acme.example".dns'),
        (("email", "a@b.example"), 'email."a@b.example"'),
        (("tags", "a b"), 'tags."a b"'),
        (("tags", "a\x1bb"), 'tags."a\\x1bb"'),
        (("tags", ""), 'tags.""'),
    ],
)
def test_paths_read_as_in_the_file(path, text):
    assert print_path(path) == text
