"""A session of a role gets new credentials before its hour is over."""

from datetime import timedelta

from baseops.aws import session as sessions
from baseops.aws.session import Session


class Sts:
    """Gives other keys each time."""

    def __init__(self):
        self.calls = 0

    def assume_role(self, RoleArn, RoleSessionName):  # noqa: N803  # AWS's names
        self.calls += 1
        keys = {"AccessKeyId": f"ASIA{self.calls}", "SecretAccessKey": "x", "SessionToken": RoleSessionName}
        return {"Credentials": keys}


def test_credentials_are_renewed_before_they_end(monkeypatch):
    sts = Sts()
    caller = Session(region="eu-west-1", credentials={"aws_access_key_id": "a", "aws_secret_access_key": "b"})
    monkeypatch.setattr(caller, "client", lambda _: sts)

    fresh = caller.assume("arn:aws:iam::111111111111:role/drill", "ci")
    assert (fresh.credentials.access_key, fresh.credentials.access_key, sts.calls) == ("ASIA1", "ASIA1", 1)

    monkeypatch.setattr(sessions, "_HOUR", timedelta(minutes=1))  # botocore renews ten minutes before the end
    ending = caller.assume("arn:aws:iam::111111111111:role/drill", "ci")
    monkeypatch.setattr(sessions, "_HOUR", timedelta(hours=1))
    assert (ending.credentials.access_key, ending.region) == ("ASIA3", "eu-west-1")
