"""Images as CloudFormation: what matters of each resource, written by hand."""

from __future__ import annotations

import json

import pytest

from baseops.areas.images import stack as images
from baseops.areas.images.library import builtin
from baseops.contract.lock import Lock, LockedBase
from baseops.contract.needs import KeyNeed
from baseops.declaration import load
from baseops.errors import CompileError
from baseops.workflow.load import SPECS


def properties(resources, title):
    return resources[title]["Properties"]


def statement(resources, role, sid):
    (policy,) = properties(resources, role)["Policies"]
    return next(each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == sid)


def test_a_recipe_is_pinned_to_the_locked_base(declared, compiled):
    recipe = compiled(declared())["WebRecipe"]
    assert recipe["Properties"]["ParentImage"] == "ami-0123456789abcdef0"
    assert recipe["Properties"]["Components"] == [
        {
            "ComponentArn": {"Ref": "UpdateComponent"},
            "Parameters": [{"Name": "ReleaseVersion", "Value": ["2023.6.20260105"]}],
        },
        {"ComponentArn": {"Ref": "HardenComponent"}},
    ]


def test_a_base_that_is_not_locked_stops_the_compilation_with_the_command(declared, compiled):
    with pytest.raises(CompileError, match=r"images\.web: the base is not locked") as caught:
        compiled(declared(), Lock())
    assert caught.value.remedy == "Run: baseops images lock"


def test_recipes_and_components_never_meet_a_version_that_exists_and_are_kept(declared, compiled):
    resources = compiled(declared())
    assert properties(resources, "WebRecipe")["Version"] == "1.0.x"
    assert properties(resources, "UpdateComponent")["Version"] == "1.0.0"
    for title in ("WebRecipe", "UpdateComponent"):
        assert (resources[title]["DeletionPolicy"], resources[title]["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_a_component_of_ours_takes_its_version_from_the_lock(declared, compiled, refs):
    before = refs(declared()).lock
    known = {**before.components["images"]}
    changed = Lock(bases=before.bases, components={"images": {**known, "update": type(known["update"])("1.0.6", "x")}})
    resources = compiled(declared(), changed)
    assert properties(resources, "UpdateComponent")["Version"] == "1.0.7"
    assert properties(resources, "UpdateComponent")["Data"] == builtin("update")


def test_every_volume_is_encrypted_with_the_images_key(declared, compiled):
    (mapping,) = properties(compiled(declared()), "WebRecipe")["BlockDeviceMappings"]
    assert mapping == {
        "DeviceName": "/dev/xvda",
        "Ebs": {
            "DeleteOnTermination": True,
            "Encrypted": True,
            "KmsKeyId": {"Ref": "ImagesKeyArn"},
            "VolumeType": "gp3",
        },
    }


def test_builds_take_imdsv2_only_and_no_key_pair_and_leave_nothing_behind(declared, compiled):
    infrastructure = properties(compiled(declared()), "WebInfrastructure")
    assert infrastructure["InstanceMetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    assert infrastructure["TerminateInstanceOnFailure"] is True
    assert infrastructure["SubnetId"] == "subnet-0a1b2c3d"
    assert infrastructure["SecurityGroupIds"] == [{"Fn::GetAtt": ["WebSecurityGroup", "GroupId"]}]
    assert "KeyPair" not in infrastructure


def test_the_group_of_builds_lets_nobody_in(declared, compiled):
    group = properties(compiled(declared()), "WebSecurityGroup")
    assert "SecurityGroupIngress" not in group
    assert [each["ToPort"] for each in group["SecurityGroupEgress"]] == [443, 80]


def test_a_pipeline_builds_at_every_time_and_stops_after_failures(declared, compiled):
    pipeline = properties(compiled(declared()), "WebPipeline")
    assert pipeline["Schedule"] == {
        "ScheduleExpression": "cron(0 3 ? * SUN *)",
        "Timezone": "UTC",
        "PipelineExecutionStartCondition": "EXPRESSION_MATCH_ONLY",
        "AutoDisablePolicy": {"FailureCount": 3},
    }
    assert pipeline["ImageTestsConfiguration"] == {"ImageTestsEnabled": True, "TimeoutMinutes": 90}
    assert pipeline["ExecutionRole"] == {"Fn::GetAtt": ["ExecutionRole", "Arn"]}


def test_each_region_has_its_own_key_and_parameter_and_launch_permission_is_no_copy(declared, compiled):
    distributions = properties(compiled(declared()), "WebDistribution")["Distributions"]
    assert [each["Region"] for each in distributions] == ["eu-west-1", "us-east-1"]
    keys = [each["AmiDistributionConfiguration"]["KmsKeyId"] for each in distributions]
    assert keys == [{"Ref": "ImagesKeyArn"}, {"Ref": "ImagesKeyArnUsEast1"}]
    ami = distributions[0]["AmiDistributionConfiguration"]
    assert ami["Name"] == "baseops-acme-web {{ imagebuilder:buildDate }}"
    assert ami["LaunchPermissionConfiguration"] == {"UserIds": ["222222222222"]}
    assert "TargetAccountIds" not in ami
    published = [{"ParameterName": "/acme/images/web", "DataType": "aws:ec2:image"}]
    assert [each["SsmParameterConfigurations"] for each in distributions] == [published, published]


def test_an_ami_says_what_it_was_built_from(declared, compiled):
    tags = properties(compiled(declared()), "WebRecipe")["AmiTags"]
    assert tags == {
        "Name": "baseops-acme-web",
        "baseops:declaration": "acme",
        "baseops:image": "web",
        "baseops:base": "ami-0123456789abcdef0",
        "baseops:base-release": "2023.6.20260105",
    }


def test_retirement_keeps_what_was_launched_lately_and_deletes_snapshots_too(declared, compiled):
    policy = properties(compiled(declared()), "WebLifecyclePolicy")
    exclusion = {"Amis": {"LastLaunched": {"Unit": "DAYS", "Value": 30}}}
    assert policy["PolicyDetails"] == [
        {
            "Action": {"Type": "DEPRECATE", "IncludeResources": {"Amis": True}},
            "Filter": {"Type": "AGE", "Value": 60, "Unit": "DAYS"},
            "ExclusionRules": exclusion,
        },
        {
            "Action": {"Type": "DELETE", "IncludeResources": {"Amis": True, "Snapshots": True}},
            "Filter": {"Type": "AGE", "Value": 90, "Unit": "DAYS", "RetainAtLeast": 2},
            "ExclusionRules": exclusion,
        },
    ]
    assert policy["ResourceSelection"] == {"Recipes": [{"Name": "baseops-acme-web", "SemanticVersion": "x.x.x"}]}


def test_the_alert_on_failed_builds_hears_of_this_image_alone(declared, compiled):
    pattern = properties(compiled(declared()), "WebFailedBuildRule")["EventPattern"]
    prefix = "arn:${AWS::Partition}:imagebuilder:${AWS::Region}:${AWS::AccountId}:image/baseops-acme-web/"
    assert pattern["resources"] == [{"prefix": {"Fn::Sub": prefix}}]
    assert pattern["detail"] == {"state": {"status": ["CANCELLED", "FAILED"]}}


def test_the_pipelines_role_writes_our_parameters_and_passes_no_role_but_the_builds(declared, compiled):
    resources = compiled(declared())
    own = "arn:${AWS::Partition}:ssm:%s:${AWS::AccountId}:parameter/acme/images/web"
    assert statement(resources, "ExecutionRole", "PublishImages")["Resource"] == [
        {"Fn::Sub": own % "eu-west-1"},
        {"Fn::Sub": own % "us-east-1"},
    ]
    assert statement(resources, "ExecutionRole", "PassNoOtherRole") == {
        "Sid": "PassNoOtherRole",
        "Effect": "Deny",
        "Action": "iam:PassRole",
        "NotResource": {"Fn::GetAtt": ["BuildRole", "Arn"]},
    }


def test_a_parameter_under_imagebuilder_needs_no_role_of_ours(declared, compiled):
    text = """images:
  web:
    base: {parameter: /aws/service/x}
    schedule: {cron: "0 3 ? * SUN *"}
    promise: {max_age: 8d, max_base_age: 35d}
    default_vpc: true
    publish: /imagebuilder/web
"""
    resources = compiled(declared(text))
    assert "ExecutionRole" not in resources
    assert "ExecutionRole" not in properties(resources, "WebPipeline")
    assert "Components" not in properties(resources, "WebRecipe")
    assert "SubnetId" not in properties(resources, "WebInfrastructure")
    assert "LifecycleRole" not in resources


def test_ages_over_a_thousand_days_are_in_weeks(declared, compiled):
    text = """images:
  web:
    base: {parameter: /aws/service/x}
    schedule: {cron: "0 3 ? * SUN *"}
    promise: {max_age: 8d, max_base_age: 35d}
    default_vpc: true
    publish: /imagebuilder/web
    retire: {deprecate_after: 1001d}
"""
    (rule,) = properties(compiled(declared(text)), "WebLifecyclePolicy")["PolicyDetails"]
    assert rule["Filter"] == {"Type": "AGE", "Value": 143, "Unit": "WEEKS"}


def test_a_long_component_comes_from_the_artifact_bucket(tmp_path, compiled):
    step = "      - {name: a, action: ExecuteBash, inputs: {commands: [id]}}\n"
    text = "schemaVersion: 1.0\nphases:\n  - name: build\n    steps:\n" + step + "#" + 16000 * "x" + "\n"
    (tmp_path / "long.yaml").write_text(text)
    (tmp_path / "baseops.yaml").write_text(
        'version: 1\nname: acme\naccounts: ["111111111111"]\nregion: eu-west-1\nimages:\n  web:\n'
        '    base: {parameter: /aws/service/x}\n    components: [./long.yaml]\n    schedule: {cron: "0 3 ? * SUN *"}\n'
        "    promise: {max_age: 8d, max_base_age: 35d}\n    default_vpc: true\n"
    )
    declaration = load(tmp_path / "baseops.yaml", SPECS)
    (artifact,) = images.needs(declaration.sections["images"], declaration.site).artifacts
    component = properties(compiled(declaration), "LongComponent")
    assert "Data" not in component
    assert component["Uri"] == {
        "Fn::Sub": [f"s3://${{Bucket}}/{artifact.key}", {"Bucket": {"Ref": "ArtifactBucketName"}}]
    }
    assert artifact.content == text.encode()


def test_the_foundation_is_asked_for_a_shared_key_in_every_region(declared):
    declaration = declared()
    needs = images.needs(declaration.sections["images"], declaration.site)
    services, shared = frozenset({"ebs", "imagebuilder"}), frozenset({"222222222222"})
    assert needs.keys == (
        KeyNeed("images", "eu-west-1", services, shared_with=shared),
        KeyNeed("images", "us-east-1", services, shared_with=shared),
        KeyNeed("logs", "eu-west-1", frozenset({"logs"})),
    )
    assert needs.publishers == {"eu-west-1": frozenset({"events"})}


def test_an_organisation_stands_in_the_key_by_its_id(full):
    needs = images.needs(full.sections["images"], full.site)
    assert needs.keys[0].organizations == {"o-abcde12345"}
    assert needs.keys[0].shared_with == {"222222222222", "333333333333"}


def test_an_image_that_others_build_makes_nothing(full, compiled):
    assert not [title for title in compiled(full) if title.startswith("Theirs")]


def test_the_same_declaration_gives_the_same_bytes(full, compiled):
    assert json.dumps(compiled(full)) == json.dumps(compiled(full))


def test_a_moved_base_changes_the_recipe_and_the_tags_alone(declared, compiled, refs):
    before = compiled(declared())
    lock = refs(declared()).lock
    newer = LockedBase("ami-11111111111111111", "al2023-ami-2023.7.20260202.0-x", "2023.7.20260202", "/aws/service/x")
    after = compiled(declared(), Lock(bases={"web": newer}, components=lock.components))
    changed = {title for title in before if before[title] != after[title]}
    assert changed == {"WebRecipe", "WebDistribution"}
