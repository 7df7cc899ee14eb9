"""`--dns` and `BASEOPS_DNS`: which name servers a command asks, and what is none."""

from __future__ import annotations

import click
from click.testing import CliRunner

from baseops.cli import options
from baseops.cli.prove import command as prove


def test_a_name_server_is_an_address():
    result = CliRunner().invoke(prove, ["--dns", "localhost", "-f", "nowhere.yaml"])
    assert result.exit_code == 2
    assert "Write 192.0.2.1 or 127.0.0.1:5300." in result.output


def test_the_name_servers_of_the_environment_are_asked():
    found = []

    @click.command
    @options.aws_options
    @options.dns_option
    def probe(connection):
        found.append(connection.name_servers)

    CliRunner().invoke(probe, env={"BASEOPS_DNS": "127.0.0.1:5300 192.0.2.1"})
    CliRunner().invoke(probe, ["--dns", "[::1]:5301"], env={"BASEOPS_DNS": ""})
    assert found == [("127.0.0.1:5300", "192.0.2.1"), ("[::1]:5301",)]
