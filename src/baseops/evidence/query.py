"""Answers SQL over evidence with DuckDB: the table `evidence`, one row for each record. Reads, never writes.

The same files work in Amazon Athena; `athena_table` gives the statement. Partitions are account, region and date.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baseops.errors import UsageError
from baseops.evidence.records import Place, run_of
from baseops.evidence.store import FolderStore, Store, is_key

_COLUMNS = {
    "run": "VARCHAR",
    "number": "BIGINT",
    "previous": "VARCHAR",
    "area": "VARCHAR",
    "drill": "VARCHAR",
    "class": "VARCHAR",
    "promise": "VARCHAR",
    "target": "VARCHAR",
    "verdict": "VARCHAR",
    "reason": "VARCHAR",
    "method": "VARCHAR",
    "measures": "MAP(VARCHAR, DOUBLE)",
    "not_exercised": "VARCHAR[]",
    "started": "TIMESTAMP",
    "ended": "TIMESTAMP",
    "tool": "VARCHAR",
    "account": "VARCHAR",
    "region": "VARCHAR",
}


@dataclass(frozen=True)
class Answer:
    """The result of a query. Any: whatever SQL gives."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def query(store: Store, sql: str) -> Answer:
    """Run a SELECT; raises `UsageError` with DuckDB's words when it cannot be."""
    try:
        import duckdb
    except ImportError as error:
        raise UsageError(
            "evidence cannot be queried", "DuckDB is not installed", "Run: pip install 'baseops-aws[query]'"
        ) from error
    with _local(store) as files, duckdb.connect(":memory:") as database:
        database.execute(_view(files))
        # From here on a query reaches neither files nor the network.
        database.execute("SET enable_external_access = false")
        try:
            found = database.execute(sql)
        except duckdb.Error as error:
            known = f"Ask the table `evidence`; it has: {', '.join([*_COLUMNS, 'date'])}."
            raise UsageError("the query cannot be answered", str(error).strip(), known) from error
        columns = tuple(each[0] for each in found.description or ())
        return Answer(columns, tuple(found.fetchall()))


def athena_table(bucket: str, prefix: str, accounts: Sequence[str], region: str) -> str:
    """The statement that makes the table in Athena, with its partitions projected.

    https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
    https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
    """
    types = {"MAP(VARCHAR, DOUBLE)": "map<string,double>", "VARCHAR[]": "array<string>", "BIGINT": "bigint"}
    stored = {name: kind for name, kind in _COLUMNS.items() if name not in ("account", "region")}
    fields = [f"  `{name}` {types.get(kind, 'string')}" for name, kind in stored.items()]
    location = "s3://" + "/".join(filter(None, (bucket, prefix.strip("/"), "records"))) + "/"
    properties = {
        "projection.enabled": "true",
        "projection.account.type": "enum",
        "projection.account.values": ",".join(accounts),
        "projection.region.type": "enum",
        "projection.region.values": region,
        "projection.date.type": "date",
        "projection.date.format": "yyyy-MM-dd",
        "projection.date.range": "NOW-3YEARS,NOW",
        "storage.location.template": f"{location}{Place('${account}', '${region}', '${date}').path('')[1:]}/",
    }
    projected = [f"  '{name}' = '{value}'" for name, value in properties.items()]
    return (
        "CREATE EXTERNAL TABLE evidence (\n"
        + ",\n".join(fields)
        + "\n)\nPARTITIONED BY (account string, region string, `date` string)\n"
        + "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'\n"
        + f"LOCATION '{location}'\nTBLPROPERTIES (\n"
        + ",\n".join(projected)
        + "\n)"
    )


@contextmanager
def _local(store: Store) -> Iterator[list[Path]]:
    """The files of records of runs that have a head, copied from a bucket where they lie in one."""
    ended = {run_of(key) for key in store.keys("heads/")} - {""}
    keys = [key for key in store.keys("records/") if run_of(key) in ended and is_key(key)]
    if isinstance(store, FolderStore):
        yield [store.folder / key for key in keys]
        return
    with tempfile.TemporaryDirectory(prefix="baseops-evidence-") as name:
        for key in keys:
            path = Path(name) / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(store.read(key))
        yield [Path(name) / key for key in keys]


def _view(files: Sequence[Path]) -> str:
    fields = ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items())
    if not files:
        empty = ", ".join(f'NULL::{kind} AS "{name}"' for name, kind in {**_COLUMNS, "date": "DATE"}.items())
        return f"CREATE TABLE evidence AS SELECT {empty} LIMIT 0"
    listed = ", ".join("'{}'".format(_literally(each).replace("'", "''")) for each in files)
    return (
        "CREATE TABLE evidence AS SELECT *, regexp_extract(filename, 'date=([0-9-]+)', 1)::DATE AS \"date\" "  # noqa: S608
        f"FROM read_json([{listed}], format='newline_delimited', columns={{{fields}}}, "
        "filename=true, hive_partitioning=false)"
    )


def _literally(path: Path) -> str:
    """The path as DuckDB takes no part of it for a pattern: a folder may be called `[old]`."""
    return re.sub(r"([*?\[])", r"[\1]", str(path))
