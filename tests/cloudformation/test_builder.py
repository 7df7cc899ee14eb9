import pytest
from troposphere import GetAtt, Ref, iam, logs, ssm

from baseops.cloudformation.builder import StackBuilder
from baseops.cloudformation.resources import lacking, logical_id, raw
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import Iam, Site
from baseops.contract.template import Output
from baseops.errors import CompileError

SITE = Site("acme", ("111111111111",), "eu-west-1", regions=("us-east-1",), tags={"owner": "platform"})


def only(stack):
    templates, _ = stack.build(Lock())
    assert len(templates) == 1
    return templates[0]


def test_declared_tags_and_the_declaration_itself_are_on_every_taggable_resource():
    stack = StackBuilder("logs", SITE)
    stack.add(logs.LogGroup("Group"))
    stack.add(ssm.Parameter("Value", Type="String", Value="x", Tags={"own": "1"}))
    resources = only(stack).body["Resources"]
    assert resources["Group"]["Properties"]["Tags"] == [
        {"Key": "baseops:declaration", "Value": "acme"},
        {"Key": "owner", "Value": "platform"},
    ]
    assert resources["Value"]["Properties"]["Tags"] == {"owner": "platform", "baseops:declaration": "acme", "own": "1"}


def test_roles_get_the_declared_path_and_boundary():
    boundary = "arn:aws:iam::111111111111:policy/boundary"
    site = Site("acme", ("111111111111",), "eu-west-1", iam=Iam(path="/baseops/", permissions_boundary=boundary))
    stack = StackBuilder("logs", site)
    stack.add(iam.Role("Role", AssumeRolePolicyDocument={}))
    properties = only(stack).body["Resources"]["Role"]["Properties"]
    assert properties["Path"] == "/baseops/"
    assert properties["PermissionsBoundary"] == boundary


def test_the_boundary_of_several_accounts_is_filled_in_by_cloudformation():
    boundary = "arn:aws:iam::${AWS::AccountId}:policy/boundary"
    accounts = ("111111111111", "222222222222")
    stack = StackBuilder("logs", Site("acme", accounts, "eu-west-1", iam=Iam(permissions_boundary=boundary)))
    stack.add(iam.Role("Role", AssumeRolePolicyDocument={}))
    assert only(stack).body["Resources"]["Role"]["Properties"]["PermissionsBoundary"] == {"Fn::Sub": boundary}


def test_another_stacks_output_becomes_a_parameter_and_a_literal_stays():
    refs = Refs(Site("acme", ("111111111111",), "eu-west-1", keys={("secrets", "eu-west-1"): "arn:key"}))
    stack = StackBuilder("logs", refs.site)
    assert stack.use(refs.key("secrets")) == "arn:key"
    stack.add(logs.LogGroup("Group", KmsKeyId=stack.use(refs.key("logs"))))
    template = only(stack)
    assert template.body["Parameters"] == {"LogsKeyArn": {"Type": "String"}}
    assert template.parameters == {"LogsKeyArn": Output("foundation", "eu-west-1", "LogsKeyArn")}


def test_names_of_stacks():
    stack = StackBuilder("region", SITE, "us-east-1")
    stack.add(logs.LogGroup("Group"))
    template = only(stack)
    assert (template.stack, template.name, template.region) == ("region", "baseops-acme-region", "us-east-1")
    assert stack.place_key == "region@us-east-1"


def test_what_troposphere_lacks_goes_through_untouched():
    stack = StackBuilder("logs", SITE)
    group = stack.add(lacking(logs.LogGroup("Group"), BearerTokenAuthenticationEnabled=True))
    stack.add(
        raw("AWS::CloudWatch::LogAlarm", "Alarm", {"Arn": GetAtt(group, "Arn"), "Name": Ref(group)}, taggable=True)
    )
    resources = only(stack).body["Resources"]
    assert resources["Group"]["Properties"]["BearerTokenAuthenticationEnabled"] is True
    assert resources["Alarm"]["Type"] == "AWS::CloudWatch::LogAlarm"
    assert resources["Alarm"]["Properties"]["Arn"] == {"Fn::GetAtt": ["Group", "Arn"]}
    assert resources["Alarm"]["Properties"]["Tags"][0]["Key"] == "baseops:declaration"


def test_a_misspelt_property_is_refused():
    with pytest.raises(AttributeError, match="RetentionDays"):
        logs.LogGroup("Group", RetentionDays=3)


def test_two_resources_of_one_logical_id_are_an_error():
    stack = StackBuilder("logs", SITE)
    stack.add(logs.LogGroup("Group"))
    with pytest.raises(CompileError, match="two resources would have the logical id Group"):
        stack.add(logs.LogGroup("Group"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("web", "LogGroup"), "WebLogGroup"),
        (("too-many-errors", "Alarm"), "TooManyErrorsAlarm"),
        (("WebGroup",), "WebGroup"),
        (("a1",), "A1"),
    ],
)
def test_logical_ids_read_like_the_names(words, expected):
    assert logical_id(*words) == expected


@pytest.mark.parametrize(
    ("one", "other"), [("a-1", "a1"), ("a.b", "a-b"), ("acme.example", "acme-example"), ("aB", "a-b")]
)
def test_names_that_differ_only_in_separators_get_different_logical_ids(one, other):
    assert logical_id(one) != logical_id(other)
    assert logical_id(one).isalnum()
