"""1,200 calls of four services against the sandbox: in-process, or over HTTP. Shared with `moto_calls.py`."""

import sys

KEYS = {"aws_access_key_id": "AKIA111111111111OPER", "aws_secret_access_key": "x"}


def exercise(client_of):
    for service, operation in (
        ("logs", "describe_log_groups"),
        ("ssm", "describe_parameters"),
        ("ec2", "describe_volumes"),
        ("sns", "list_topics"),
    ):
        client = client_of(service)
        for _ in range(300):
            getattr(client, operation)()


def main():
    from baseops.sandbox.account import open_account

    if sys.argv[1] == "process":
        with open_account() as account:
            exercise(account.client)
        return
    import boto3

    from baseops.sandbox.server import Server

    with open_account(speed=1) as account, Server(account) as server:
        exercise(lambda service: boto3.client(service, endpoint_url=server.url, region_name="eu-west-1", **KEYS))


if __name__ == "__main__":
    main()
