"""`baseops check`: says everything that is wrong with a declaration at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from baseops.cli import options
from baseops.cli.output import next_step, print_json, printable
from baseops.errors import DeclarationError

if TYPE_CHECKING:
    from baseops.declaration import Problem

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.command("check")
@options.declaration_option
@options.aws_options
@click.option("--account", "in_account", is_flag=True, help="Look at the account too: what apply will need there.")
@click.option("--lint", "with_lint", is_flag=True, help="Run cfn-lint over the compiled templates too.")
@click.option("--credentials/--no-credentials", default=True, help="Look for credentials in the repository.")
@options.output_option("table", "json")
def command(
    path: str,
    connection: options.Connection,
    in_account: bool,
    with_lint: bool,
    credentials: bool,
    output: str,
) -> None:
    """Check the declaration: schema, cross-references, AWS limits, credentials in its repository.

    \b
    baseops check -f examples/acme/baseops.yaml

    Needs no network unless --account is given. Exits with 2 when something is wrong.
    """
    try:
        problems = _check(path, connection if in_account else None, with_lint=with_lint, credentials=credentials)
    except DeclarationError as error:
        if not error.problems:
            raise
        problems = error.problems
    _print(problems, output)
    errors = sum(problem.severity.value == "error" for problem in problems)
    correct = f"correct {errors} error{'s' * (errors > 1)} and run: baseops check -f {path}"
    next_step(correct if errors else f"baseops rehearse -f {path}")
    if errors:
        click.get_current_context().exit(DeclarationError.exit_code)


def _check(
    path: str, connection: options.Connection | None, *, with_lint: bool, credentials: bool
) -> Sequence[Problem]:
    from baseops.workflow.check import check, check_account
    from baseops.workflow.load import load, load_lock

    declaration = load(path)
    problems = list(check(declaration, load_lock(declaration), credentials=credentials).problems)
    if connection:
        problems += check_account(declaration, load_lock(declaration), connection.session(declaration)).problems
    if with_lint:
        from baseops.workflow.lint import cache_folder, find_linter, lint

        found = lint(options.compiled(path).templates, linter=find_linter(), cache=cache_folder())
        problems += declaration.resolve(found)
    return problems


def _print(problems: Sequence[Problem], output: str) -> None:
    if output == "json":
        print_json("baseops/check/1", {"problems": [_json(problem) for problem in problems]})
        return
    for problem in problems:
        weight = problem.severity.value
        click.secho(f"{weight}: ", fg=_COLOURS[weight], nl=False)
        click.echo(printable(str(problem).replace(f": {weight}: ", ": ", 1)))
    if not problems:
        click.echo("nothing to correct")


def _json(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": list(problem.path),
        "severity": problem.severity.value,
        "rule": problem.rule,
        "message": problem.message,
        "remedy": problem.remedy,
    }
