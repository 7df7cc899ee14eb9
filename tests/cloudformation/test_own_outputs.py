"""Areas add resources to the stack of a further region, which itself holds the keys and the topic."""

from troposphere import Ref, sns

from baseops.cloudformation.builder import StackBuilder
from baseops.contract.lock import Lock
from baseops.contract.refs import Refs
from baseops.contract.site import Site


def site() -> Site:
    return Site(name="acme", accounts=("111111111111",), region="eu-west-1", regions=("us-east-1",))


def test_an_output_of_the_same_stack_is_used_without_a_parameter():
    stack = StackBuilder("region", site(), "us-east-1")
    topic = stack.add(sns.Topic("AlertTopic"))
    stack.output("AlertTopicArn", Ref(topic))
    stack.add(
        sns.SubscriptionResource(
            "Subscription",
            TopicArn=stack.use(Refs(site()).topic("us-east-1")),
            Protocol="email",
            Endpoint="a@acme.example",
        )
    )
    (template,), _ = stack.build(Lock())
    assert template.body["Resources"]["Subscription"]["Properties"]["TopicArn"] == {"Ref": "AlertTopic"}
    assert template.parameters == {}


def test_an_output_of_another_region_stays_a_parameter():
    stack = StackBuilder("region", site(), "us-east-1")
    stack.output("AlertTopicArn", "here")
    assert stack.use(Refs(site()).topic()).to_dict() == {"Ref": "AlertTopicArnEuWest1"}
