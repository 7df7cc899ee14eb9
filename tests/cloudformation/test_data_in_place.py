"""A change in place that replaces data is called out like a removal."""

from __future__ import annotations

from baseops.cloudformation.changes import from_change_set, from_templates


def secret(length: int) -> dict:
    properties = {"Name": "db", "GenerateSecretString": {"PasswordLength": length}}
    return {"Resources": {"Db": {"Type": "AWS::SecretsManager::Secret", "Properties": properties}}}


def test_a_changed_generation_loses_the_live_value():
    (change,) = from_templates(secret(20), secret(30))
    assert (change.action, change.loses_data) == ("modify", True)


def test_a_changed_description_loses_nothing():
    resource = {
        "Action": "Modify",
        "LogicalResourceId": "Db",
        "ResourceType": "AWS::SecretsManager::Secret",
        "Replacement": "False",
        "Details": [{"Target": {"Attribute": "Properties", "Name": "Description"}}],
    }
    (change,) = from_change_set([{"Type": "Resource", "ResourceChange": resource}], {})
    assert not change.loses_data


def test_a_change_set_with_a_path_into_the_generation_loses_the_live_value():
    target = {
        "Attribute": "Properties",
        "Name": "GenerateSecretString",
        "Path": "/Properties/GenerateSecretString/PasswordLength",
    }
    resource = {
        "Action": "Modify",
        "LogicalResourceId": "Db",
        "ResourceType": "AWS::SecretsManager::Secret",
        "Replacement": "False",
        "Details": [{"Target": target}],
    }
    (change,) = from_change_set([{"Type": "Resource", "ResourceChange": resource}], {})
    assert change.loses_data
