"""`instrument(backend="sheets")`: what automatic capture records is in the sheet, as hilt-python's is."""

from __future__ import annotations

import openai
import pytest

import hilt_autolog
from hilt_autolog.session import sheets_backend


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No test waits 1.1 s between two calls."""
    monkeypatch.setattr(sheets_backend.SheetsBackend.__init__, "__kwdefaults__", {"mode": "a", "pause": 0.02})


def test_calls_are_rows_when_it_is_taken_away(sheet, provider):
    session = hilt_autolog.instrument(
        backend="sheets",
        sheet_id=sheet.id,
        credentials_json=sheet.key,
        worksheet_name="Chat",
        columns=["speaker", "action", "message", "tokens_in"],
        providers=["openai"],
    )
    with openai.OpenAI(api_key="x", base_url=provider.base_url, max_retries=0) as client:
        completion = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "hi"}]
        )
        hilt_autolog.record_feedback("nice")
    assert session.backend == "sheets"
    hilt_autolog.uninstrument()
    assert sheet.column("action", "Chat") == ["prompt", "completion", "feedback"]
    assert sheet.column("message", "Chat") == ["hi", completion.choices[0].message.content, "nice"]
    assert sheet.column("tokens_in", "Chat")[1] == 4
    assert not hilt_autolog.status().enabled


def test_a_missing_sheet_is_an_error_and_nothing_is_recorded():
    with pytest.raises(ValueError, match="sheet"):
        hilt_autolog.instrument(backend="sheets", credentials_json={})
    assert not hilt_autolog.status().enabled
