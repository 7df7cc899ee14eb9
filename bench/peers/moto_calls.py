"""The calls of `sandbox_calls.py` against moto as it comes: in-process under mock_aws, or its threaded server."""

import sys

import boto3
from moto import mock_aws
from moto.server import ThreadedMotoServer
from sandbox_calls import KEYS, exercise

server = None
if sys.argv[1] == "http":
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    exercise(lambda service: boto3.client(service, endpoint_url=url, region_name="eu-west-1", **KEYS))
    server.stop()
else:
    with mock_aws():
        exercise(lambda service: boto3.client(service, region_name="eu-west-1", **KEYS))
