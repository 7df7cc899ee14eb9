"""Answers of every form come whole over a kept connection, and what is cut off is an error, never less data."""

import http.client
import os
import socket
import threading
from contextlib import contextmanager

import pytest

from baseops.aws.block_connection import BlockConnection

BODY = os.urandom(300_000)
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\nX-Amz-Checksum: abc=\r\n\r\n" + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is"
REFUSED = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nx-amzn-ErrorType: Gone\r\n\r\n{}"


@contextmanager
def server(*answers, piece=1 << 20):
    """Answers each request in turn, in pieces, and then hangs up; gives a connection and what was asked."""
    asked = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            connection, _ = listening.accept()
            with connection:
                for answer in answers:
                    request = b""
                    while not request.endswith(b"\r\n\r\n"):
                        request += connection.recv(65536)
                    asked.append(request.decode())
                    for at in range(0, len(answer), piece):
                        connection.sendall(answer[at : at + piece])

        thread = threading.Thread(target=serve)
        thread.start()
        connection = BlockConnection("127.0.0.1", listening.getsockname()[1], None)
        try:
            yield connection, asked
        finally:
            connection.close()
            thread.join()


@pytest.mark.parametrize("piece", [1 << 20, 7919, 61])
def test_an_answer_comes_whole_however_it_is_cut_on_the_way(piece):
    with server(PLAIN, piece=piece) as (connection, asked):
        answer = connection.get("/snapshots/snap-1/blocks/7?blockToken=a%2B", {"Host": "ebs", "X-Amz-Date": "now"})

    assert (answer.status, answer.headers["x-amz-checksum"]) == (200, "abc=")
    assert bytes(answer.body) == BODY
    assert asked == ["GET /snapshots/snap-1/blocks/7?blockToken=a%2B HTTP/1.1\r\nHost: ebs\r\nX-Amz-Date: now\r\n\r\n"]


def test_one_connection_answers_again_and_again():
    with server(PLAIN, REFUSED, CHUNKED, PLAIN) as (connection, _):
        found = [connection.get("/", {}) for _ in range(4)]

    assert [(each.status, len(each.body)) for each in found] == [(200, 300000), (404, 2), (200, 7), (200, 300000)]
    assert found[1].headers["x-amzn-errortype"] == "Gone"
    assert bytes(found[2].body) == b"abcdefg"


def test_a_body_is_read_into_memory_of_the_callers_when_it_fits():
    memory, small = memoryview(bytearray(300_000)), memoryview(bytearray(10))
    with server(PLAIN, PLAIN) as (connection, _):
        fitting, other = connection.get("/", {}, memory), connection.get("/", {}, small)

    assert fitting.body is memory
    assert bytes(memory) == bytes(other.body) == BODY
    assert bytes(small) == bytes(10)


def test_an_answer_that_ends_with_the_connection_is_read_to_its_end():
    with server(UNTIL_THE_END) as (connection, _):
        assert bytes(connection.get("/", {}).body) == b"all there is"


@pytest.mark.parametrize("cut", [0, 20, len(PLAIN) - 300_000, len(PLAIN) - 1])
def test_an_answer_that_is_cut_off_is_an_error(cut):
    with server(PLAIN[:cut]) as (connection, _), pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.get("/", {})


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"SMTP ready\r\nContent-Length: nothing\r\n\r\n",
    ],
    ids=["too long", "more than announced", "endless head", "no chunk", "no HTTP"],
)
def test_what_is_no_proper_answer_is_an_error(answer):
    with server(answer) as (connection, _), pytest.raises((http.client.HTTPException, ConnectionError)):
        connection.get("/", {})
