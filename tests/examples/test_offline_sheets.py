"""The offline Sheets API, through gspread: what it grants, refuses and forgets is what Google would."""

from __future__ import annotations

import gspread
import pytest
import requests
from google.auth.exceptions import RefreshError
from offline_sheets import OfflineSheets


@pytest.fixture
def google():
    with OfflineSheets(quota=5) as running:
        yield running


@pytest.fixture
def key(google):
    key = google.account()
    google.share("book", key["client_email"])
    return key


@pytest.fixture
def client(key):
    client = gspread.service_account_from_dict(key)
    yield client
    client.http_client.session.close()


@pytest.fixture
def logs(client):
    worksheet = client.open_by_key("book").add_worksheet("Logs", rows=2, cols=2)
    worksheet.update([["a", "b"]], "A1")
    return worksheet


def test_rows_are_appended_below_the_table_and_formulas_are_evaluated(logs, google):
    logs.append_rows(
        [["=1+1", 2]], value_input_option="RAW", insert_data_option="INSERT_ROWS", table_range="A1"
    )
    logs.append_rows([["=1+1", ""]], value_input_option="USER_ENTERED")
    assert google.rows("book") == [["=1+1", 2], ["#EXECUTED", ""]]
    assert logs.get("A2:B", value_render_option="UNFORMATTED_VALUE") == [["=1+1", 2], ["#EXECUTED"]]
    assert logs.col_values(2) == ["b", "2"]


def test_an_account_has_a_quota(logs):
    for _ in range(3):
        logs.append_rows([["x", 1]])
    with pytest.raises(gspread.exceptions.APIError, match=r"\[429\]: Quota exceeded"):
        logs.append_rows([["x", 1]])


@pytest.mark.parametrize(("failure", "rows"), [("503", 0), ("503 after", 1), ("drop", 0), ("drop after", 1)])
def test_it_fails_as_configured_before_or_after_the_work(logs, google, failure, rows):
    google.google.failures.append(failure)
    with pytest.raises((gspread.exceptions.APIError, requests.ConnectionError)):
        logs.append_rows([["x", 1]])
    assert len(google.rows("book")) == rows


def test_who_may_not_is_refused(google, key, client):
    with pytest.raises(gspread.exceptions.SpreadsheetNotFound):
        client.open_by_key("nothing")
    google.google.workbooks["book"].editors.clear()
    with pytest.raises(PermissionError):
        client.open_by_key("book")
    google.google.tokens.clear()
    stranger = key | {"client_email": "x@y.z"}
    unknown = gspread.service_account_from_dict(stranger)
    with pytest.raises(RefreshError, match="account not found"):
        unknown.open_by_key("book")
    unknown.http_client.session.close()


def test_the_grid_has_an_end(logs):
    with pytest.raises(gspread.exceptions.APIError, match="exceeds grid limits"):
        logs.get("A50:B")
    with pytest.raises(gspread.exceptions.APIError, match="more than the maximum of 50000 characters"):
        logs.append_rows([["x" * 50_001]])
