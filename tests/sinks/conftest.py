from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from offline_sheets import OfflineSheets

if TYPE_CHECKING:
    from offline.sheets import Google
    from offline.workbook import Workbook

NUMBERS = itertools.count(1)


class Shared(NamedTuple):
    """A spreadsheet of this test's own, shared with a service account."""

    server: OfflineSheets
    google: Google
    key: dict[str, Any]
    id: str
    book: Workbook

    def rows(self, title="Logs"):
        return self.server.rows(self.id, title)

    def header(self, title="Logs"):
        return self.book.worksheets[title].rows[0]

    def column(self, name, title="Logs"):
        """A column of the worksheet, below its header."""
        at = self.header(title).index(name)
        return [row[at] if at < len(row) else "" for row in self.rows(title)]


@pytest.fixture(scope="session")
def server():
    with OfflineSheets(quota=None) as running:
        yield running


@pytest.fixture(scope="session")
def key(server):
    return server.account()


@pytest.fixture
def sheet(server, key, tmp_path, monkeypatch):
    """A spreadsheet that is shared with `key`; the current folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    for variable in ("GOOGLE_SHEET_ID", "GOOGLE_CREDENTIALS_PATH", "HILT_SHEETS_ID"):
        monkeypatch.delenv(variable, raising=False)
    google = server.google
    google.failures.clear()
    google.appended.clear()
    google.calls.clear()
    google.is_down = False
    name = f"sheet-{next(NUMBERS)}"
    book = server.share(name, key["client_email"])
    yield Shared(server, google, key, name, book)
    google.is_down = False
