"""The least that a click program can be: the peer of start-up."""

import click


@click.command()
def hello() -> None:
    """Say hello."""
    click.echo("hello")


if __name__ == "__main__":
    hello()
