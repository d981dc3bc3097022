"""A table of a SQL database as CSV. Names, passwords and addresses of the connection are never shown or written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.profile.finding import Finding
from analysis.profile.incoming import Incoming, as_csv, as_fields
from analysis.refusal import Refusal
from analysis.study import did_you_mean

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine


def read(address: str, table: str) -> Incoming:
    """The table or view `table` (or `schema.table`) of the database at the URL `address`, in the order of its key.

    Raises Refusal D421 (URL, driver, connection, table) or D407 (no rows, a column that is no text, number or date).
    """
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError

    url = _url(address)
    shown = f"{url.get_backend_name()} database {Path(url.database or '').name}"
    try:
        engine = sqlalchemy.create_engine(url)
    except (ModuleNotFoundError, SQLAlchemyError):
        fix = "ask whoever keeps the computer to install one, or export the table as .csv"
        raise Refusal("D421", shown, f"no driver for {url.get_backend_name()} is installed", fix) from None
    try:
        schema, name = _named(engine, table, shown)
        header, rows, ordered = _rows(engine, schema, name)
    except SQLAlchemyError as error:
        problem = f"the database did not answer ({type(error).__name__})"
        fix = "check host, name, user and password of the URL, and that this computer may reach it"
        raise Refusal("D421", shown, problem, fix) from None
    finally:
        engine.dispose()
    if not rows:
        raise Refusal("D407", f"{shown}:{table}", "the table has no rows", "choose another table")
    columns = [
        as_fields(column, f"{shown}:{title}") for title, column in zip(header, zip(*rows, strict=True), strict=True)
    ]
    said = ("a table of a database written as CSV, numbers in full precision, dates as year-month-day",)
    content = as_csv(header, zip(*columns, strict=True))
    return Incoming(
        content, "csv", f"{shown}, table {table}", "", "row", said, findings=() if ordered else (_UNORDERED,)
    )


_UNORDERED = Finding(
    "note", "", "the table has no primary key: the rows stand in the order in which the database gave them",
    "a second reading may give another order and another checksum",
)  # fmt: skip


def _url(address: str) -> URL:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    kind = address.partition("://")[0]
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):
        fix = "write it like sqlite:///folder/file.db or postgresql://user:password@host/database"
        raise Refusal("D421", f"{kind}://…", "not the URL of a database", fix) from None
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        fix = "check the path: three slashes before a path from here, four before one from the top"
        raise Refusal("D421", "sqlite database", f"there is no file {url.database}", fix)
    return url


def _named(engine: Engine, table: str, shown: str) -> tuple[str | None, str]:
    import sqlalchemy

    schema, _, name = table.rpartition(".")
    inspector = sqlalchemy.inspect(engine)
    known = sorted([*inspector.get_table_names(schema or None), *inspector.get_view_names(schema or None)])
    if not table:
        listed = ", ".join(known[:12]) or "none"
        raise Refusal("D421", shown, f"which table? there are: {listed}", f"add TABLE={known[0] if known else 'name'}")
    if name not in known:
        fix = did_you_mean(name, known) if known else "check the database's name"
        raise Refusal("D421", f"{shown}:{table}", f"no table {table!r}", fix)
    return schema or None, name


def _rows(engine: Engine, schema: str | None, name: str) -> tuple[list[str], list[tuple[object, ...]], bool]:
    """Header, rows, and whether a primary key gave them their order."""
    import sqlalchemy

    inspector = sqlalchemy.inspect(engine)
    header = [str(column["name"]) for column in inspector.get_columns(name, schema)]
    key = inspector.get_pk_constraint(name, schema)["constrained_columns"]
    columns: list[sqlalchemy.ColumnClause[object]] = [sqlalchemy.column(title) for title in header]
    query = sqlalchemy.select(*columns).select_from(sqlalchemy.table(name, *columns, schema=schema))
    with engine.connect() as connection:
        found = connection.execute(query.order_by(*[sqlalchemy.column(title) for title in key]))
        return header, [tuple(row) for row in found], bool(key)
