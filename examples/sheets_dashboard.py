"""What a program asks its models, live in Google Sheets, and the figures of it.

    python examples/sheets_dashboard.py

`enable(sheets=...)` copies every call to the worksheet Logs; a session writes what people say of the
answers to the worksheet Feedback. With GOOGLE_SHEET_ID and GOOGLE_CREDENTIALS_PATH in the environment that is
your own spreadsheet, without them one on this machine; and so are the models without OPENAI_API_KEY.
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
    """Ask, judge the answers, and show what the spreadsheet has of it."""
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
        calls = newest(sheet_id, log)
        show(event.to_dict() for event in calls)
        judge(sheet_id, [event for event in calls if event.action == "completion"])
        dashboard(calls)


@contextmanager
def spreadsheet() -> Iterator[str]:
    """Give the id of a spreadsheet, and see that GOOGLE_CREDENTIALS_PATH names a key for it."""
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
    """Ask a model; that it refuses is an answer, too."""
    print(f"> {question}")
    with contextlib.suppress(APIError):
        client.with_options(max_retries=0).chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}]
        )


def newest(sheet_id: str, log: str) -> list[Event]:
    """Return what the worksheet has of the events of a log; of earlier runs it has others."""
    ours = {event["event_id"] for event in hilt_autolog.read(log)}
    rows = Session(backend="sheets", sheet_id=sheet_id, mode="r").read()
    return [event for event in rows if event.event_id in ours]


def judge(sheet_id: str, answers: Sequence[Event]) -> None:
    """Write what somebody says of the answers to a worksheet of its own."""
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
    """Print the figures of each model."""
    asked = {event.event_id: str((event.extensions or {}).get("model")) for event in calls}
    figures: dict[str, Counter[str]] = {}
    for event in calls:
        extensions = event.extensions or {}
        model = asked.get(str(extensions.get("reply_to")), asked[event.event_id])
        of_model = figures.setdefault(model, Counter())
        of_model["calls"] += event.action == "prompt"
        of_model["errors"] += event.action == "system"
        if event.metrics:
            of_model["tokens"] += sum((event.metrics.tokens or {}).values())
            of_model["micro$"] += round(1e6 * (event.metrics.cost_usd or 0))
    print(f"\n{'model':<16}{'calls':>8}{'errors':>8}{'tokens':>8}{'$':>12}")
    for model, found in sorted(figures.items()):
        cost = found["micro$"] / 1e6
        print(f"{model:<16}{found['calls']:>8}{found['errors']:>8}{found['tokens']:>8}{cost:>12.6f}")


if __name__ == "__main__":
    main()
