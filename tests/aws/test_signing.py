"""Our signatures are botocore's."""

from __future__ import annotations

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from baseops.aws.signing import GetSigner


@pytest.mark.parametrize("token", [None, "a/session+token=="])
def test_the_same_signature_as_botocore(token: str | None):
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", token)
    path, query = "/snapshots/snap-0a1b2c3d4e5f60718/blocks/7", "blockToken=AAAB%2Bx%2F%3D"
    request = AWSRequest("GET", f"https://ebs.eu-west-1.amazonaws.com{path}?{query}")
    SigV4Auth(credentials.get_frozen_credentials(), "ebs", "eu-west-1").add_auth(request)
    stamp = request.headers["X-Amz-Date"]

    signer = GetSigner("ebs", "eu-west-1", "ebs.eu-west-1.amazonaws.com", credentials)
    from calendar import timegm
    from time import strptime

    ours = signer.headers(path, query, timegm(strptime(stamp, "%Y%m%dT%H%M%SZ")))

    assert ours["Authorization"] == request.headers["Authorization"]
    assert ours.get("X-Amz-Security-Token") == token
