"""A PostgreSQL database for each test: clones that `database clone` of db-tool makes."""

import os
import subprocess
from dataclasses import dataclass
from typing import Iterator
from urllib.parse import unquote, urlsplit

import pytest

_FAILED = pytest.StashKey[bool]()
_DATABASE = pytest.StashKey["Database"]()


@dataclass(frozen=True)
class Database:
    """The database of a test."""

    url: str

    @property
    def name(self) -> str:
        return unquote(urlsplit(self.url).path.lstrip("/"))


class DbToolError(Exception):
    """db-tool has failed. The text is its message."""


def _database(*arguments: str) -> str:
    program = os.environ.get("DB_TOOL") or "database"
    try:
        done = subprocess.run(
            [program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except OSError as error:
        advice = "install db-tool, or name its program in DB_TOOL"
        raise DbToolError(f"cannot start {program}: {error.strerror}; {advice}") from None
    if done.returncode != 0:
        command = " ".join(["database", *arguments])
        raise DbToolError(f"`{command}` failed:\n{done.stderr.rstrip()}")
    return done.stdout.rstrip("\n")


def pytest_configure(config: pytest.Config) -> None:
    text = "db_tool(patch=False, mock=False): the content of the test's database"
    config.addinivalue_line("markers", text)


@pytest.fixture
def db_tool_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database of this test alone, with the content of the project's sources."""
    marker = request.node.get_closest_marker("db_tool")
    wanted = marker.kwargs if marker else {}
    unknown = set(wanted) - {"patch", "mock"}
    if unknown or (marker and marker.args):
        raise pytest.UsageError("the marker db_tool takes patch=True and mock=True only")
    switches = [f"--{name}" for name in ("patch", "mock") if wanted.get(name)]
    # a worker of pytest-xdist is a process of its own
    database = Database(_database("clone", "--owner", str(os.getpid()), *switches))
    request.node.stash[_DATABASE] = database
    yield database
    failed = request.node.stash.get(_FAILED, False)
    _database("clone", "keep" if failed else "drop", database.name)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call):
    outcome = yield
    report = outcome.get_result()
    database = item.stash.get(_DATABASE, None)
    if database is not None and report.failed and report.when != "teardown":
        item.stash[_FAILED] = True
        text = f"{database.url}\nIt stays for an hour: database clone drop {database.name}"
        report.sections.append(("Database of the failed test", text))
