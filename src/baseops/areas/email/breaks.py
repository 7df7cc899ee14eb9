"""What breaks mail, done to a sandbox account by ordinary API calls: records, policies, switches. One break each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from baseops.areas.email.feedback import topic_title
from baseops.areas.email.identities import Identity, Stream
from baseops.contract.sandbox_account import SandboxAccount
from baseops.contract.site import Site
from baseops.semantics.roles import role_of

# Any: botocore's answers, and policy documents.
ELSEWHERE = "999999999999"
_GONE = "gone.example"


@dataclass(frozen=True)
class Victim:
    """A managed domain with its default stream, and where it is declared."""

    identity: Identity
    stream: Stream
    site: Site

    def dkim_record_gone(self, account: SandboxAccount) -> None:
        """Somebody tidies the zone up and takes one of three CNAMEs for a leftover."""
        answer = account.client("sesv2").get_email_identity(EmailIdentity=self.identity.name)
        name = f"{answer['DkimAttributes']['Tokens'][0]}._domainkey.{self.identity.name}"
        _change_record(account, name, "CNAME", lambda _: [])

    def mail_from_mx_gone(self, account: SandboxAccount) -> None:
        """The MX record of the MAIL FROM domain goes."""
        _change_record(account, self.identity.mail_from, "MX", lambda _: [])

    def spf_without_ses(self, account: SandboxAccount) -> None:
        """Another sender's SPF takes the place of SES's."""
        other = '"v=spf1 include:_spf.elsewhere.example -all"'
        _change_record(account, self.identity.mail_from, "TXT", lambda _: [other])

    def dmarc_doubled(self, account: SandboxAccount) -> None:
        """Somebody adds a stricter policy beside the one that is there."""
        _change_record(account, f"_dmarc.{self.identity.name}", "TXT", lambda now: [*now, '"v=DMARC1; p=reject"'])

    def destination_disabled(self, account: SandboxAccount) -> None:
        """The event destination is switched off for a while, and stays so."""
        self._change_destination(account, lambda each: {**each, "Enabled": False})

    def complaints_lost(self, account: SandboxAccount) -> None:
        """Complaints are no longer among the events that are published."""

        def without(each: dict[str, Any]) -> dict[str, Any]:
            return {**each, "MatchingEventTypes": [one for one in each["MatchingEventTypes"] if one != "COMPLAINT"]}

        self._change_destination(account, without)

    def subscription_deleted(self, account: SandboxAccount) -> None:
        """The queue is no longer subscribed."""
        sns = account.client("sns")
        for each in sns.list_subscriptions_by_topic(TopicArn=self._topic(account))["Subscriptions"]:
            sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])

    def queue_policy_gone(self, account: SandboxAccount) -> None:
        """The queue's policy is emptied, so that the topic delivers nowhere."""
        sqs = account.client("sqs")
        (subscribed,) = account.client("sns").list_subscriptions_by_topic(TopicArn=self._topic(account))[
            "Subscriptions"
        ]
        url = sqs.get_queue_url(QueueName=subscribed["Endpoint"].rpartition(":")[2])["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})

    def topic_of_another_account(self, account: SandboxAccount) -> None:
        """The topic's policy asks for an account that is not ours: copied from somewhere, condition and all."""
        sns, topic = account.client("sns"), self._topic(account)
        policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
        for statement in policy["Statement"]:
            if statement["Effect"] == "Allow":
                statement["Condition"]["StringEquals"]["aws:SourceAccount"] = ELSEWHERE
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))

    def topic_of_every_account(self, account: SandboxAccount) -> None:
        """The topic's policy loses its conditions: everybody's SES may publish."""
        sns, topic = account.client("sns"), self._topic(account)
        policy = json.loads(sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"])
        for statement in policy["Statement"]:
            if statement["Effect"] == "Allow":
                del statement["Condition"]
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(policy))

    def key_forgets_ses(self, account: SandboxAccount) -> None:
        """The key's policy is rewritten without SES."""
        sns, kms = account.client("sns"), account.client("kms")
        key = sns.get_topic_attributes(TopicArn=self._topic(account))["Attributes"]["KmsMasterKeyId"]
        policy = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
        policy["Statement"] = [each for each in policy["Statement"] if not _names_ses(each)]
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))

    def signing_off(self, account: SandboxAccount) -> None:
        """DKIM signing is switched off."""
        sesv2 = account.client("sesv2")
        sesv2.put_email_identity_dkim_attributes(EmailIdentity=self.identity.name, SigningEnabled=False)

    def default_set_removed(self, account: SandboxAccount) -> None:
        """Mail that names no configuration set goes through none."""
        account.client("sesv2").put_email_identity_configuration_set_attributes(EmailIdentity=self.identity.name)

    def suppression_off(self, account: SandboxAccount) -> None:
        """The configuration set heeds no suppression list any more."""
        account.client("sesv2").put_configuration_set_suppression_options(
            ConfigurationSetName=self.stream.name, SuppressedReasons=[]
        )

    def old_addresses_mailed(self, account: SandboxAccount) -> None:
        """An old list of addresses is mailed, at a domain that takes mail no longer: SES begins a review."""
        route53, sesv2 = account.client("route53"), account.client("sesv2")
        zone = route53.create_hosted_zone(Name=_GONE, CallerReference=_GONE)["HostedZone"]["Id"]
        nowhere = {"Name": _GONE, "Type": "MX", "TTL": 300, "ResourceRecords": [{"Value": "0 ."}]}
        route53.change_resource_record_sets(
            HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": nowhere}]}
        )
        text = {"Data": "Do you remember us?"}
        for start in range(0, 120, 10):
            sesv2.send_email(
                FromEmailAddress=f"news@{self.identity.name}",
                Destination={"BccAddresses": [f"customer{start + number}@{_GONE}" for number in range(10)]},
                Content={"Simple": {"Subject": text, "Body": {"Text": text}}},
            )
            account.clock.sleep(2)

    def alarm_actions_off(self, account: SandboxAccount) -> None:
        """The bounce alarm rings for nobody."""
        name = f"{self.site.prefix}-email-{self.stream.label}-bounce-rate"
        account.client("cloudwatch").disable_alarm_actions(AlarmNames=[name])

    def opened_to_an_account(self, account: SandboxAccount) -> None:
        """A policy that somebody put on the identity lets another account send under every address of it."""
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ELSEWHERE}:root"},
            "Action": "ses:Send*",
            "Resource": f"arn:aws:ses:{self.site.region}:{account.account_id}:identity/{self.identity.name}",
        }
        account.client("sesv2").create_email_identity_policy(
            EmailIdentity=self.identity.name,
            PolicyName="newsletter",
            Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )

    def sender_refused(self, account: SandboxAccount) -> None:
        """A sender loses its policies."""
        iam, name = account.client("iam"), role_of(next(iter(self.identity.entry.senders)), self.site.accounts).name
        for each in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=each)

    def _change_destination(self, account: SandboxAccount, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        sesv2, name = account.client("sesv2"), self.stream.name
        answer = sesv2.get_configuration_set_event_destinations(ConfigurationSetName=name)
        for each in answer["EventDestinations"]:
            destination = change({key: value for key, value in each.items() if key != "Name"})
            sesv2.update_configuration_set_event_destination(
                ConfigurationSetName=name, EventDestinationName=each["Name"], EventDestination=destination
            )

    def _topic(self, account: SandboxAccount) -> str:
        (stack,) = account.client("cloudformation").describe_stacks(StackName=f"{self.site.prefix}-email")["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        return str(outputs[f"{topic_title(self.stream)}Arn"])


def production_access_lost(account: SandboxAccount) -> None:
    """The account is back in SES's sandbox: a form that was filled in again says that it need not send to everybody."""
    account.client("sesv2").put_account_details(
        MailType="TRANSACTIONAL", WebsiteURL="https://example.com", ProductionAccessEnabled=False
    )


def port_opened(account: SandboxAccount, *, tags: Mapping[str, str]) -> None:
    """Somebody who sets up a mail server lets port 25 out of a group of the instances."""
    ec2 = account.client("ec2")
    group = _instance(ec2, tags)["NetworkInterfaces"][0]["Groups"][0]["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 25, "ToPort": 25, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[rule])


def port_shut(account: SandboxAccount, *, tags: Mapping[str, str], port: int) -> None:
    """A network ACL of the instances' subnet denies the port from now on."""
    ec2 = account.client("ec2")
    filters = [{"Name": "association.subnet-id", "Values": [_instance(ec2, tags)["SubnetId"]]}]
    (acl,) = ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
    ec2.create_network_acl_entry(
        NetworkAclId=acl["NetworkAclId"],
        RuleNumber=1,
        Protocol="6",
        RuleAction="deny",
        Egress=True,
        CidrBlock="0.0.0.0/0",
        PortRange={"From": port, "To": port},
    )


def address_listed(account: SandboxAccount, *, blocklist: str, server: str, pool: str) -> None:
    """A list takes up an address that mail leaves from: the owner's server, or else one of the pool."""
    leased = account.client("sesv2").get_dedicated_ips(PoolName=pool)["DedicatedIps"] if pool else []
    address = ip_address(server or leased[0]["Ip"])
    _list(account, blocklist, address.reverse_pointer.rsplit(".", 2)[0], "127.0.0.3")


def domain_listed(account: SandboxAccount, *, blocklist: str, domain: str) -> None:
    """A list takes up the domain."""
    _list(account, blocklist, domain, "127.0.1.2")


def sending_paused(account: SandboxAccount) -> None:
    """Somebody pauses all sending and forgets it."""
    account.client("sesv2").put_account_sending_attributes(SendingEnabled=False)


def account_suppression_off(account: SandboxAccount) -> None:
    """The account's suppression list fills no more."""
    account.client("sesv2").put_account_suppression_attributes(SuppressedReasons=[])


def wrong_sender(account: SandboxAccount) -> None:
    """A newcomer's role gets all of SES, which was easier."""
    iam = account.client("iam")
    iam.create_role(
        RoleName="newcomer-in-a-hurry", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []})
    )
    statement = {"Effect": "Allow", "Action": "ses:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName="newcomer-in-a-hurry", PolicyName="ses", PolicyDocument=json.dumps(document))


def _instance(ec2: Any, tags: Mapping[str, str]) -> Any:
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    filters.append({"Name": "instance-state-name", "Values": ["running"]})
    return ec2.describe_instances(Filters=filters)["Reservations"][0]["Instances"][0]


def _list(account: SandboxAccount, blocklist: str, name: str, code: str) -> None:
    entry = {"Name": f"{name}.{blocklist}", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": code}]}
    batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": entry}]}
    route53 = account.client("route53")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        if f".{blocklist}.".endswith(f".{zone['Name']}"):
            route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch=batch)


def _change_record(account: SandboxAccount, name: str, kind: str, change: Callable[[list[str]], list[str]]) -> None:
    """Other values for a record set, in whichever public zone it is; none deletes it."""
    route53 = account.client("route53")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        sets = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        for each in sets:
            if each["Name"].rstrip(".") == name and each["Type"] == kind:
                values = change([record["Value"] for record in each["ResourceRecords"]])
                _put(route53, zone["Id"], each, values)


def _put(route53: Any, zone: str, found: Mapping[str, Any], values: list[str]) -> None:
    action, wanted = ("UPSERT", {**found, "ResourceRecords": [{"Value": each} for each in values]})
    batch = {"Changes": [{"Action": action if values else "DELETE", "ResourceRecordSet": wanted if values else found}]}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


def _names_ses(statement: Mapping[str, Any]) -> bool:
    principal = statement.get("Principal", {})
    return isinstance(principal, Mapping) and "ses.amazonaws.com" in str(principal.get("Service", ""))
