"""Two hundred tests of an application, each with a database of its own.

    application.py clone       each database by `database clone`
    application.py pgtestdb    each database as pgtestdb makes it: CREATE DATABASE … TEMPLATE in a
                               session of the test process, DROP DATABASE after the test
"""

import os
import subprocess
import sys
from typing import Callable

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

TESTS = 200


def test(url: str) -> None:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM shop.customer").fetchone()
        assert row is not None and row[0] >= 0


def database(*arguments: str) -> str:
    command = [os.environ["DB_TOOL"], *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def by_clone() -> None:
    for _ in range(TESTS):
        url = database("clone", "--owner", str(os.getpid()))
        test(url)
        database("clone", "drop", str(conninfo_to_dict(url)["dbname"]))


def by_pgtestdb() -> None:
    url = os.environ["DB_URL"]
    with psycopg.connect(make_conninfo(url, dbname="postgres"), autocommit=True) as admin:
        query = r"SELECT datname FROM pg_database WHERE datname LIKE 'shop\_template\_%'"
        (template,) = admin.execute(query).fetchone()
        for number in range(TESTS):
            name = f"testdb_{os.getpid()}_{number}"
            copy = SQL("CREATE DATABASE {} TEMPLATE {}")
            admin.execute(copy.format(Identifier(name), Identifier(template)))
            test(make_conninfo(url, dbname=name))
            admin.execute(SQL("DROP DATABASE {}").format(Identifier(name)))


METHODS: dict[str, Callable[[], None]] = {"clone": by_clone, "pgtestdb": by_pgtestdb}
METHODS[sys.argv[1]]()
