"""Whose lock it is: two declarations in one folder do not share one."""

from __future__ import annotations

import pytest

from baseops.errors import DeclarationError, UsageError
from baseops.workflow.compile import compile_declaration
from baseops.workflow.load import check_lock, load, load_lock, save_lock

TEXT = """\
version: 1
name: {name}
accounts: ["111111111111"]
region: eu-west-1
logs: {{web: {{group: {{name: /{name}/web}}}}}}
"""


@pytest.fixture
def declared(tmp_path):
    def write(name):
        path = tmp_path / f"{name}.yaml"
        path.write_text(TEXT.format(name=name))
        return load(path)

    return write


def test_the_lock_of_another_declaration_is_refused_and_stays_as_it_is(declared, tmp_path):
    first = declared("first")
    assert save_lock(first, compile_declaration(first, load_lock(first)).lock)
    before = (tmp_path / "baseops.lock").read_bytes()

    with pytest.raises(DeclarationError) as caught:
        load_lock(declared("second"))
    assert caught.value.what == f"{tmp_path}/baseops.lock is the lock of the declaration first, not of second"
    assert caught.value.remedy.startswith("Give second.yaml a folder of its own")
    with pytest.raises(DeclarationError):
        save_lock(declared("second"), load_lock(first))
    assert (tmp_path / "baseops.lock").read_bytes() == before


def test_a_lock_that_names_nobody_takes_the_name_of_who_saves_it_first(declared, tmp_path):
    only = declared("only")
    compiled = compile_declaration(only, load_lock(only))
    (tmp_path / "baseops.lock").write_text('{"version": 1, "places": {"logs": {"web": 1}}}')
    with pytest.raises(UsageError, match="would have to change"):
        check_lock(only, compiled.lock)
    assert save_lock(only, compiled.lock)
    assert load_lock(only).declaration == "only"
    assert not save_lock(only, compile_declaration(only, load_lock(only)).lock)
    check_lock(only, compiled.lock)
