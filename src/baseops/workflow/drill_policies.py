"""The IAM policies that drills need, by class, from what the areas say; and the one that keeping evidence needs."""

from __future__ import annotations

from collections.abc import Collection
from itertools import count
from typing import get_args

from baseops.contract.site import Site
from baseops.contract.types import DrillClass, Json
from baseops.declaration import Declaration
from baseops.semantics.partitions import partition_of
from baseops.semantics.policies.sizes import packed
from baseops.workflow.compile import sections


def drill_policies(declaration: Declaration, areas: Collection[str] = ()) -> dict[str, Json]:
    """A policy document for each class that has drills, and `run`: what baseops itself does around them.

    Who runs drills of a class needs that policy, `observe` and `run`; with the foundation's roles, `run` alone. Drills
    of an area do with the statements of that area: `areas` are all where empty.
    """
    site = declaration.site
    wanted = [each for each in sections(declaration) if not areas or each[0].name in areas]
    needs = [area.stack.needs(section, site) for area, section in wanted]
    found: dict[str, Json] = {"run": _document(_run_statements(site))}
    for drill_class in get_args(DrillClass):
        statements = [dict(one) for each in needs for one in each.drill_statements.get(drill_class, ())]
        if statements:
            found |= _documents(drill_class, [_filled(one, site) for one in statements])
    return found


def _documents(drill_class: DrillClass, statements: list[dict[str, Json]]) -> dict[str, Json]:
    """One document, or several (`observe`, `observe-2`) where it is longer than a managed policy may be."""
    names = (drill_class if number == 1 else f"{drill_class}-{number}" for number in count(1))
    return dict(zip(names, (_document([dict(each) for each in part]) for part in packed(statements)), strict=False))


def _document(statements: list[Json]) -> dict[str, Json]:
    return {"Version": "2012-10-17", "Statement": statements}


def _run_statements(site: Site) -> list[Json]:
    account, region, partition = site.accounts[0], site.region, partition_of(site.region)
    key = f"arn:{partition}:kms:{region}:{account}:key/*"
    aliases: list[Json] = [f"alias/{site.prefix}-{each}" for each in ("evidence-signing", "evidence-fingerprints")]
    return [
        {
            "Sid": "SeeStacksKeysAndStrays",
            "Effect": "Allow",
            "Action": ["cloudformation:DescribeStacks", "kms:ListAliases", "tag:GetResources"],
            "Resource": "*",
        },
        {
            "Sid": "KeepEvidence",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
            "Resource": [f"arn:{partition}:s3:::{site.prefix}-*", f"arn:{partition}:s3:::{site.prefix}-*/*"],
        },
        {
            "Sid": "SealEvidence",
            "Effect": "Allow",
            "Action": ["kms:DescribeKey", "kms:GenerateMac", "kms:Sign", "kms:Verify"],
            "Resource": key,
            "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}},
        },
        {
            "Sid": "EncryptEvidence",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": key,
            "Condition": {"StringEquals": {"kms:ViaService": f"s3.{region}.amazonaws.com"}},
        },
        {
            "Sid": "BecomeADrill",
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": f"arn:{partition}:iam::{account}:role{site.iam.path}{site.prefix}-drill-*",
        },
    ]


def _filled(statement: dict[str, Json], site: Site) -> dict[str, Json]:
    """Without intrinsic functions, so that it can be pasted."""
    return {key: _literal(each, site) for key, each in statement.items()}


def _literal(value: Json, site: Site) -> Json:
    if isinstance(value, dict):
        if set(value) == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
            text = value["Fn::Sub"].replace("${AWS::Partition}", partition_of(site.region))
            text = text.replace("${AWS::Region}", site.region)
            return text.replace("${AWS::AccountId}", site.accounts[0])
        return {key: _literal(each, site) for key, each in value.items()}
    return [_literal(each, site) for each in value] if isinstance(value, list) else value
