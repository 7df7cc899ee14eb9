"""Every request is told of before it is made, and nothing else is."""

import pytest

from baseops.aws.metered import MeteredClients
from baseops.aws.session import Session

KEYS = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "a"}


@pytest.fixture
def clients():
    return Session(region="eu-west-1", credentials=KEYS)


@pytest.fixture
def told():
    return []


@pytest.fixture
def metered(clients, told):
    return MeteredClients(clients, lambda service, operation: told.append((service, operation)))


@pytest.fixture
def answer(clients):
    """Answers a service's requests, in order, without sending them; gives the names of the operations asked for."""

    def answering(service, *answers):
        waiting, asked = list(answers), []
        client = clients.client(service)

        def answered(model, **_):
            asked.append(model.name)
            return Response(), waiting.pop(0)

        client.meta.events.register(f"before-call.{service}", answered)
        return asked

    return answering


class Response:
    status_code = 200


@pytest.mark.parametrize("pages", [1, 2, 5])
def test_a_paginator_asks_as_often_as_it_tells(metered, told, answer, pages):
    answers = [
        {"Volumes": [{"VolumeId": f"vol-{number}"}], "NextToken": f"after-{number}"} for number in range(pages - 1)
    ]
    asked = answer("ec2", *answers, {"Volumes": [{"VolumeId": "vol-last"}]})

    found = list(metered.client("ec2").get_paginator("describe_volumes").paginate())

    assert len(found) == pages
    assert told == [("ec2", "describe_volumes")] * pages
    assert asked == ["DescribeVolumes"] * pages


def test_pages_that_nobody_asks_for_are_not_told_of(metered, told, answer):
    answer("ec2", *[{"Volumes": [], "NextToken": "more"}] * 3)

    next(iter(metered.client("ec2").get_paginator("describe_volumes").paginate()))

    assert told == [("ec2", "describe_volumes")]


def test_results_that_are_put_together_are_told_of_too(metered, told, answer):
    answer("ec2", {"Volumes": [{"VolumeId": "a"}], "NextToken": "more"}, {"Volumes": [{"VolumeId": "b"}]})

    found = metered.client("ec2").get_paginator("describe_volumes").paginate().build_full_result()

    assert [each["VolumeId"] for each in found["Volumes"]] == ["a", "b"]
    assert told == [("ec2", "describe_volumes")] * 2


def test_a_single_call_is_told_of_once(metered, told, answer):
    answer("sts", {"Account": "111111111111"})

    assert metered.client("sts").get_caller_identity()["Account"] == "111111111111"
    assert told == [("sts", "get_caller_identity")]


def test_who_hears_of_a_page_may_end_it(clients, answer):
    class OverError(Exception):
        pass

    def end(_service, _operation):
        raise OverError

    asked = answer("ec2", {"Volumes": []})

    with pytest.raises(OverError):
        list(MeteredClients(clients, end).client("ec2").get_paginator("describe_volumes").paginate())
    assert asked == []
