"""The partition of a region, held against botocore's own list."""

import re

import pytest
from botocore.loaders import Loader

from baseops.semantics.partitions import domain_of, partition_of

KNOWN = Loader().load_data("partitions")["partitions"]
REGIONS = [
    "ap-southeast-1",
    "ca-central-1",
    "cn-north-1",
    "eu-isoe-west-1",
    "eu-west-1",
    "eusc-de-east-1",
    "il-central-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-isob-east-1",
    "us-isof-south-1",
]


@pytest.mark.parametrize("region", REGIONS)
def test_partition_and_domain_are_those_that_botocore_knows(region):
    (known,) = [each for each in KNOWN if re.match(each["regionRegex"], region)]

    assert (partition_of(region), domain_of(region)) == (known["id"], known["outputs"]["dnsSuffix"])


def test_no_partition_is_left_out():
    assert {partition_of(each) for each in REGIONS} == {each["id"] for each in KNOWN}
