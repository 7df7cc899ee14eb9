"""What the drill of port 25 says of the example's instances, as they are and after what opens or shuts a port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

PORT25, SUBMISSION = "email/acme.example/port25", "email/acme.example/submission"


def rule(port: int, **destination: Any) -> dict[str, Any]:
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **destination}


def allowing(*rules: dict[str, Any]) -> Callable[[Any], None]:
    """A break: the group of the web instances lets more out."""

    def change(account: Any) -> None:
        ec2 = account.client("ec2")
        ec2.authorize_security_group_egress(GroupId=_group(ec2), IpPermissions=list(rules))

    return change


def _web(ec2: Any) -> Any:
    filters = [
        {"Name": "tag:Role", "Values": ["web"]},
        {"Name": "instance-state-name", "Values": ["running"]},
    ]
    return ec2.describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]


def _group(ec2: Any) -> str:
    return str(_web(ec2)["NetworkInterfaces"][0]["Groups"][0]["GroupId"])


def _acl(ec2: Any) -> str:
    filters = [{"Name": "association.subnet-id", "Values": [_web(ec2)["SubnetId"]]}]
    return str(ec2.describe_network_acls(Filters=filters)["NetworkAcls"][0]["NetworkAclId"])


@pytest.fixture
def says(acme_says) -> Callable[..., dict[str, tuple[str, str]]]:
    def run(break_: Callable[[Any], None] = lambda _: None) -> dict[str, tuple[str, str]]:
        records = acme_says("email/port25", break_=break_)
        assert {each["method"] for each in records} == {"evaluated"}
        return {each["target"]: (each["verdict"], each["reason"]) for each in records}

    return run


def test_port_25_is_shut_and_the_port_for_ses_is_open(says):
    assert says() == {
        PORT25: ("proven", "groups and ACLs let no port 25 out"),
        SUBMISSION: ("proven", "groups and ACLs let port 587 out to email-smtp.eu-west-1.amazonaws.com"),
    }


@pytest.mark.parametrize(
    "opening",
    [
        rule(25, IpRanges=[{"CidrIp": "203.0.113.0/24"}]),
        {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "198.51.100.9/32"}]},
        {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ],
    ids=["a network", "everything to one host", "every port"],
)
def test_whatever_lets_port_25_out_to_the_internet_is_found(says, opening):
    verdict, reason = says(allowing(opening))[PORT25]
    assert verdict == "refuted"
    assert reason.startswith("port 25 leaves i-")
    assert " (sg-" in reason


def give_the_network_ipv6(account: Any) -> None:
    """The group lets port 25 out by IPv6, and the ACL everything."""
    allowing(rule(25, Ipv6Ranges=[{"CidrIpv6": "::/0"}]))(account)
    ec2 = account.client("ec2")
    for is_out in (True, False):
        ec2.create_network_acl_entry(
            NetworkAclId=_acl(ec2),
            RuleNumber=101,
            Protocol="-1",
            RuleAction="allow",
            Egress=is_out,
            Ipv6CidrBlock="::/0",
        )


def test_ipv6_is_open_where_both_the_group_and_the_acl_let_it_out(says):
    assert says(allowing(rule(25, Ipv6Ranges=[{"CidrIpv6": "::/0"}])))[PORT25][0] == "proven"
    assert says(give_the_network_ipv6)[PORT25][0] == "refuted"


def test_mail_to_a_relay_of_the_company_is_no_mail_to_the_internet(says):
    relays = [{"CidrIp": "10.1.0.25/32"}, {"CidrIp": "172.16.0.0/12"}]
    assert says(allowing(rule(25, IpRanges=relays)))[PORT25][0] == "proven"


def deny_answers(account: Any) -> None:
    """A network ACL lets no answers in."""
    ec2 = account.client("ec2")
    ec2.create_network_acl_entry(
        NetworkAclId=_acl(ec2),
        RuleNumber=1,
        Protocol="6",
        RuleAction="deny",
        Egress=False,
        CidrBlock="203.0.113.26/32",
        PortRange={"From": 1024, "To": 65535},
    )


def test_a_port_whose_answers_do_not_come_back_is_not_open(says):
    verdict, reason = says(deny_answers)[SUBMISSION]
    assert verdict == "refuted"
    assert reason.startswith("groups or ACLs keep port 587 of i-")


def forget_the_endpoint(account: Any) -> None:
    """Nobody knows an address of SES's endpoint any more."""
    route53 = account.client("route53")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        if zone["Name"].startswith("email-smtp."):
            sets = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
            changes = [{"Action": "DELETE", "ResourceRecordSet": each} for each in sets if each["Type"] == "A"]
            route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": changes})


def test_without_an_address_of_ses_nothing_is_known_of_the_way_there(says):
    found = says(forget_the_endpoint)
    assert found[SUBMISSION] == ("inconclusive", "DNS has no address of email-smtp.eu-west-1.amazonaws.com")
    assert found[PORT25][0] == "proven"


def give_the_vpc_an_endpoint(account: Any) -> None:
    """The instances' VPC has an endpoint of its own for SES."""
    ec2 = account.client("ec2")
    ec2.create_vpc_endpoint(
        VpcId=_web(ec2)["VpcId"],
        ServiceName="com.amazonaws.eu-west-1.email-smtp",
        VpcEndpointType="Interface",
        SubnetIds=[_web(ec2)["SubnetId"]],
        SecurityGroupIds=[_group(ec2)],
        PrivateDnsEnabled=True,
    )


def test_a_way_through_an_endpoint_of_the_vpc_is_left_open(says):
    verdict, reason = says(give_the_vpc_an_endpoint)[SUBMISSION]
    assert verdict == "inconclusive"
    assert reason.endswith("by an endpoint of the VPC's own, whose groups are not evaluated")


def stop_the_instances(account: Any) -> None:
    """No web instance runs."""
    ec2 = account.client("ec2")
    filters = [{"Name": "tag:Role", "Values": ["web"]}]
    found = [each for group in ec2.describe_instances(Filters=filters)["Reservations"] for each in group["Instances"]]
    ec2.stop_instances(InstanceIds=[each["InstanceId"] for each in found])
    account.clock.sleep(120)


def test_where_no_instance_runs_nothing_is_proven(says):
    assert says(stop_the_instances) == {PORT25: ("inconclusive", "no running instance has the tags Role=web")}
