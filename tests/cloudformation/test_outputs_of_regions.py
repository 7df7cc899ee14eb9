"""A stack may use outputs of the same name from two regions."""

from __future__ import annotations

from troposphere import sqs

from baseops.cloudformation.builder import StackBuilder
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import Site
from baseops.contract.template import Output

SITE = Site("acme", ("111111111111",), "eu-west-1", ("us-east-1",))


def test_keys_of_two_regions_become_two_parameters():
    stack, refs = StackBuilder("secrets", SITE), Refs(SITE)
    home, away = stack.use(refs.key("secrets")), stack.use(refs.key("secrets", "us-east-1"))
    stack.add(sqs.Queue("Home", KmsMasterKeyId=home))
    stack.add(sqs.Queue("Away", KmsMasterKeyId=away))
    (template,), _ = stack.build(Lock())
    assert template.parameters == {
        "SecretsKeyArn": Output("foundation", "eu-west-1", "SecretsKeyArn"),
        "SecretsKeyArnUsEast1": Output("region", "us-east-1", "SecretsKeyArn"),
    }
