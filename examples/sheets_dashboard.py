"""The calls of a program, live in Google Sheets, and their totals by model.

    python examples/sheets_dashboard.py

`enable(sheets=...)` copies every call to the worksheet Logs; a session writes feedback on the answers to the
worksheet Feedback. With GOOGLE_SHEET_ID and GOOGLE_CREDENTIALS_PATH in the environment both are in that
spreadsheet, without them in a local one (`offline_sheets.py`). With OPENAI_API_KEY it calls OpenAI, without
it a local server (`offline_provider.py`).
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from offline.table import show
from offline_sheets import OfflineSheets
from openai import APIError
from quickstart import openai_client

import hilt_autolog
from hilt_autolog import Actor, Content, Event, Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from openai import OpenAI

QUESTIONS = [
    ("gpt-4o-mini", "What is a spreadsheet?"),
    ("gpt-4o", '=IMPORTXML("http://evil.example", "//a") is text, and never runs.'),
    ("gpt-4o", "How much is a cell?"),
    ("fail-429", "Is there any quota left?"),
]


def main() -> None:
    """Ask, give feedback on the answers, and print what the spreadsheet has of it."""
    with spreadsheet() as sheet_id, openai_client() as client:
        recording = hilt_autolog.enable(sheets=sheet_id)
        for model, question in QUESTIONS:
            ask(client, model, question)
        log = recording.path
        hilt_autolog.disable()  # waits until all is in the spreadsheet, up to five seconds
        if log is None:
            print("There is no log: HILT_AUTOLOG=0 has switched it off.")
            return
        print(f"\n{log}\n-> {sheet_id}/Logs\n")
        calls = calls_of_log(sheet_id, log)
        show(event.to_dict() for event in calls)
        give_feedback(sheet_id, [event for event in calls if event.action == "completion"])
        dashboard(calls)


@contextmanager
def spreadsheet() -> Iterator[str]:
    """Yield the id of a spreadsheet, with GOOGLE_CREDENTIALS_PATH set to a key for it."""
    sheet_id = os.environ.get("GOOGLE_SHEET_ID")
    if sheet_id and os.environ.get("GOOGLE_CREDENTIALS_PATH"):
        yield sheet_id
        return
    with OfflineSheets() as google, TemporaryDirectory() as folder:
        key = google.account()
        google.share("offline-sheet", key["client_email"])
        path = Path(folder, "key.json")
        path.write_text(json.dumps(key), encoding="utf-8")
        os.environ["GOOGLE_CREDENTIALS_PATH"] = str(path)
        yield "offline-sheet"


def ask(client: OpenAI, model: str, question: str) -> None:
    """Ask a model, and ignore its errors: they are in the log."""
    print(f"> {question}")
    with contextlib.suppress(APIError):
        client.with_options(max_retries=0).chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}]
        )


def calls_of_log(sheet_id: str, log: str) -> list[Event]:
    """Return the events of a log from the worksheet, which has events of earlier runs as well."""
    event_ids = {event["event_id"] for event in hilt_autolog.read(log)}
    rows = Session(backend="sheets", sheet_id=sheet_id, mode="r").read()
    return [event for event in rows if event.event_id in event_ids]


def give_feedback(sheet_id: str, answers: Sequence[Event]) -> None:
    """Write feedback on the answers to a worksheet of its own."""
    ada = Actor(type="human", id="ada")
    columns = ["timestamp", "event_id", "reply_to", "speaker", "action", "message"]
    with Session("sheets", sheet_id=sheet_id, worksheet_name="Feedback", columns=columns) as session:
        for answer in answers:
            session.append(
                Event(
                    session_id=answer.session_id,
                    actor=ada,
                    action="feedback",
                    content=Content(text="good"),
                    extensions={"reply_to": answer.event_id},
                )
            )
        rows = list(session.read())
    print(f"\n{len(answers)} answers judged -> {sheet_id}/Feedback, which has {len(rows)} rows")


def dashboard(calls: Sequence[Event]) -> None:
    """Print the totals of each model."""
    models = {event.event_id: str((event.extensions or {}).get("model")) for event in calls}
    totals: dict[str, Counter[str]] = {}
    for event in calls:
        extensions = event.extensions or {}
        model = models.get(str(extensions.get("reply_to")), models[event.event_id])
        total = totals.setdefault(model, Counter())
        total["calls"] += event.action == "prompt"
        total["errors"] += event.action == "system"
        if event.metrics:
            total["tokens"] += sum((event.metrics.tokens or {}).values())
            total["micro$"] += round(1e6 * (event.metrics.cost_usd or 0))
    print(f"\n{'model':<16}{'calls':>8}{'errors':>8}{'tokens':>8}{'$':>12}")
    for model, total in sorted(totals.items()):
        cost = total["micro$"] / 1e6
        print(f"{model:<16}{total['calls']:>8}{total['errors']:>8}{total['tokens']:>8}{cost:>12.6f}")


if __name__ == "__main__":
    main()
