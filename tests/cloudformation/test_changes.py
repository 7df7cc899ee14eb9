from baseops.cloudformation.changes import Change, PropertyChange, from_change_set, from_templates


def described(action, kind, name, **more):
    return {
        "Type": "Resource",
        "ResourceChange": {"Action": action, "ResourceType": kind, "LogicalResourceId": name, **more},
    }


def test_a_modified_property_with_its_values():
    detail = {
        "Target": {
            "Attribute": "Properties",
            "Name": "Threshold",
            "RequiresRecreation": "Never",
            "BeforeValue": "1",
            "AfterValue": "5",
        }
    }
    found = from_change_set(
        [described("Modify", "AWS::CloudWatch::Alarm", "A", Replacement="False", Details=[detail])], {}
    )
    assert found == (
        Change("modify", "A", "AWS::CloudWatch::Alarm", properties=(PropertyChange("Threshold", "1", "5"),)),
    )


def test_a_replaced_log_group_loses_data_unless_it_is_retained():
    change = described("Modify", "AWS::Logs::LogGroup", "G", Replacement="True")
    kept = {"Resources": {"G": {"Type": "AWS::Logs::LogGroup", "UpdateReplacePolicy": "Retain"}}}
    assert [each.loses_data for each in from_change_set([change], {})] == [True]
    assert [each.loses_data for each in from_change_set([change], kept)] == [False]


def test_a_removed_key_that_aws_says_is_retained_loses_nothing():
    change = described("Remove", "AWS::KMS::Key", "K", PolicyAction="Retain")
    assert from_change_set([change], {})[0].loses_data is False


def test_imports_are_a_kind_of_their_own():
    change = described("Import", "AWS::Logs::LogGroup", "G", PhysicalResourceId="/app")
    assert from_change_set([change], {})[0] == Change("import", "G", "AWS::Logs::LogGroup", "/app")


def test_a_detail_with_values_wins_over_one_without():
    target = {"Attribute": "Properties", "Name": "KmsKeyId", "RequiresRecreation": "Conditionally"}
    details = [{"Target": {**target, "BeforeValue": "a", "AfterValue": "b"}}, {"Target": target}]
    found = from_change_set(
        [described("Modify", "AWS::SNS::Topic", "T", Replacement="Conditional", Details=details)], {}
    )
    assert found[0].action == "maybe-replace"
    assert found[0].properties == (PropertyChange("KmsKeyId", "a", "b", recreates=True),)


def test_templates_compared_without_aws():
    before = {"Resources": {"A": {"Type": "T", "Properties": {"X": 1, "Y": "same"}}, "Gone": {"Type": "T"}}}
    after = {"Resources": {"A": {"Type": "T", "Properties": {"X": {"Ref": "P"}, "Y": "same"}}, "New": {"Type": "T"}}}
    assert from_templates(before, after) == (
        Change("add", "New", "T"),
        Change("remove", "Gone", "T"),
        Change("modify", "A", "T", properties=(PropertyChange("X", "1", '{"Ref": "P"}'),)),
    )


def test_a_removal_known_by_template_alone_says_whether_data_goes_with_it():
    before = {
        "Resources": {
            "Kept": {"Type": "AWS::Logs::LogGroup", "DeletionPolicy": "Retain"},
            "Lost": {"Type": "AWS::SQS::Queue"},
            "Rule": {"Type": "AWS::Events::Rule"},
        }
    }
    found = {each.logical_id: (each.action, each.loses_data) for each in from_templates(before, {})}
    assert found == {"Kept": ("remove", False), "Lost": ("remove", True), "Rule": ("remove", False)}
