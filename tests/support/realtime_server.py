"""A websocket server on this machine that speaks OpenAI's Realtime and Responses protocols.

What it answers depends on the last words that it got: see `Script`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import threading
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

SOUND = [b"\x01\x02" * 40, b"\x03\x04" * 25]  # what the model says aloud, in two pieces
SAID = "It is noon."
TRANSCRIPT = "What time is it?"
USAGE = {
    "total_tokens": 30,
    "input_tokens": 20,
    "output_tokens": 10,
    "input_token_details": {"text_tokens": 8, "audio_tokens": 12, "cached_tokens": 4},
    "output_token_details": {"text_tokens": 3, "audio_tokens": 7},
}


def b64(content):
    return base64.b64encode(content).decode()


class Server:
    """Listens on the loopback; `spoken` are the events of its clients, `play` may replace the script."""

    def __init__(self):
        self.spoken = []
        self.play = None
        self._server = serve(self._handle, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_how):
        self._server.shutdown()
        self._thread.join()

    def _handle(self, socket):
        path = urlsplit(socket.request.path)
        play = self.play or (Realtime if path.path.endswith("/realtime") else Responses)
        with contextlib.suppress(ConnectionClosed):
            script = play(socket, parse_qs(path.query).get("model", ["gpt-test"])[0])
            for message in socket:
                event = json.loads(message)
                self.spoken.append(event)
                script.take(event)


class Script:
    """What both protocols have in common: events go out as JSON, and responses have numbers."""

    def __init__(self, socket, model):
        self.socket, self.model, self.count = socket, model, 0

    def send(self, kind, **known):
        self.socket.send(json.dumps({"type": kind, **known}))

    def word_by_word(self, kind, text, **known):
        for word in text.split(" "):
            self.send(kind, delta=word if text.startswith(word) else f" {word}", **known)


class Realtime(Script):
    """Answers `tool` by a call, `cut` by closing, `break` by an error, `fail` by failing, else an echo."""

    def __init__(self, socket, model):
        super().__init__(socket, model)
        self.words, self.modalities, self.detects, self.items = "", ["text"], False, 0
        self.session = {"id": "sess_1", "object": "realtime.session", "model": model, "voice": "alloy"}
        self.send("session.created", event_id="event_1", session=self.session)

    def take(self, event):
        handler = getattr(self, "on_" + event.get("type", "").replace(".", "_"), None)
        if handler is not None:
            handler(event)

    def on_session_update(self, event):
        if event["session"].get("voice") == "nobody":
            self.send(
                "error",
                error={"type": "invalid_request_error", "message": "No such voice", "param": "session.voice"},
            )
            return
        self.modalities = event["session"].get("output_modalities", self.modalities)
        self.detects = bool(event["session"].get("turn_detection"))
        self.session |= event["session"]
        self.send("session.updated", session=self.session)

    def on_conversation_item_create(self, event):
        self.items += 1
        item = {"id": f"item_{self.items}", "object": "realtime.item", **event["item"]}
        self.words = item.get("output") or "".join(piece.get("text", "") for piece in item.get("content", ()))
        self.send("conversation.item.added", previous_item_id=None, item=item)
        self.send("conversation.item.done", previous_item_id=None, item=item)

    def on_input_audio_buffer_append(self, event):
        if self.detects:  # one piece is one utterance
            self.send("input_audio_buffer.speech_started", item_id="item_v", audio_start_ms=0)
            self.send("input_audio_buffer.speech_stopped", item_id="item_v", audio_end_ms=9)
            self.on_input_audio_buffer_commit(event)
            self.on_response_create({})
            self.transcribe()

    def on_input_audio_buffer_commit(self, event):
        self.items += 1
        self.audio_item, self.words = f"item_{self.items}", TRANSCRIPT
        self.send("input_audio_buffer.committed", item_id=self.audio_item, previous_item_id=None)
        content = [{"type": "input_audio", "transcript": None}]
        item = {"id": self.audio_item, "type": "message", "role": "user", "content": content}
        self.send("conversation.item.added", item=item)
        if not self.detects:
            self.transcribe()

    def transcribe(self):
        self.send(
            "conversation.item.input_audio_transcription.completed",
            item_id=self.audio_item,
            content_index=0,
            transcript=TRANSCRIPT,
            usage={"type": "duration", "seconds": 1.5},
        )

    def on_response_cancel(self, event):
        self.done("cancelled", [], status_details={"type": "cancelled", "reason": "client_cancelled"})

    def on_response_create(self, event):
        wish = event.get("response") or {}
        if wish.get("tool_choice") == "wrong":
            error = {"type": "invalid_request_error", "code": "invalid_value", "message": "No such tool"}
            self.send(
                "error", error=error | {"param": "response.tool_choice", "event_id": event.get("event_id")}
            )
            return
        self.count += 1
        self.id = f"resp_{self.count}"
        response = {"id": self.id, "object": "realtime.response", "status": "in_progress", "output": []}
        self.send("response.created", response=response)
        words = self.words
        if words == "fail":
            error = {"type": "server_error", "code": "overloaded", "message": "Too much"}
            self.done("failed", [], status_details={"type": "failed", "error": error})
        elif words.startswith("tool"):
            self.call('{"city": "Rome"}')
        elif "audio" in wish.get("output_modalities", self.modalities):
            self.speak()
        else:
            self.write(f"You said: {words}")

    def call(self, arguments):
        item = {"id": f"fc_{self.count}", "type": "function_call", "name": "weather"}
        item |= {"call_id": f"call_{self.count}", "arguments": ""}
        where = {"response_id": self.id, "item_id": item["id"], "output_index": 0}
        self.send("response.output_item.added", response_id=self.id, output_index=0, item=item)
        for half in (arguments[:5], arguments[5:]):
            self.send("response.function_call_arguments.delta", delta=half, **where)
        item["arguments"] = arguments
        self.send("response.output_item.done", response_id=self.id, output_index=0, item=item)
        self.done("completed", [item])

    def speak(self):
        where = {"response_id": self.id, "item_id": "item_a", "output_index": 0, "content_index": 0}
        self.send("response.output_audio.delta", delta=b64(SOUND[0]), **where)
        self.word_by_word("response.output_audio_transcript.delta", SAID, **where)
        self.send("response.output_audio.delta", delta=b64(SOUND[1]), **where)
        content = [{"type": "output_audio", "transcript": SAID}]
        self.done("completed", [{"id": "item_a", "type": "message", "role": "assistant", "content": content}])

    def write(self, text):
        where = {"response_id": self.id, "item_id": "item_t", "output_index": 0, "content_index": 0}
        if text.endswith(("cut", "break", "wait", "restart")):
            self.send("response.output_text.delta", delta="You", **where)
            if text.endswith("cut"):
                self.socket.close()
            elif text.endswith("break"):
                self.socket.close(1011, "broken")
            elif text.endswith("restart"):
                self.socket.close(1012, "restart")
            return
        self.word_by_word("response.output_text.delta", text, **where)
        content = [{"type": "output_text", "text": text}]
        self.done("completed", [{"id": "item_t", "type": "message", "role": "assistant", "content": content}])

    def done(self, status, output, **known):
        response = {"id": self.id, "object": "realtime.response", "status": status, "output": output}
        response |= known
        if status == "completed":
            response["usage"] = USAGE
        self.send("response.done", response=response)


class Responses(Script):
    """Answers each request by an echo in its lane, but `tool`, `fail`, `wrong`, `cut`, `break` and `wait`."""

    lane: dict

    def take(self, event):
        lane = {"stream_id": event["stream_id"]} if "stream_id" in event else {}
        if event.get("type") == "response.steer":
            self.finish(" steered", self.lane)
            return
        given = event.get("input")
        last = given if isinstance(given, str) else given[-1]
        words = last if isinstance(last, str) else last.get("output") or last["content"]
        self.count += 1
        self.id, self.lane = f"resp_{self.count}", lane
        if words == "wrong":
            error = {"type": "invalid_request_error", "code": "bad", "message": "Wrong"}
            self.send("error", status=400, error=error, **lane)
            return
        self.begun = {"id": self.id, "object": "response", "model": event["model"], "status": "in_progress"}
        self.send("response.created", response=self.begun | {"output": []}, sequence_number=0, **lane)
        if words.startswith("tool"):
            item = {"type": "function_call", "id": "fc_1", "call_id": f"call_{self.count}", "name": "weather"}
            item |= {"arguments": '{"city": "Rome"}', "status": "completed"}
            self.send("response.function_call_arguments.delta", delta=item["arguments"], **lane)
            self.end("completed", [item], lane)
        elif words == "fail":
            self.begun |= {"error": {"code": "server_error", "message": "Too much"}}
            self.end("failed", [], lane)
        elif words in ("cut", "break", "wait"):
            self.send("response.output_text.delta", delta="You", **lane)
            if words == "cut":
                self.socket.close()
            elif words == "break":
                self.socket.close(1011, "broken")
        else:
            self.finish(f"You said: {words}", lane)

    def finish(self, text, lane):
        self.word_by_word("response.output_text.delta", text, item_id="msg_1", **lane)
        content = [{"type": "output_text", "text": text, "annotations": []}]
        item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed"}
        self.end("completed", [item | {"content": content}], lane)

    def end(self, status, output, lane):
        usage = {"input_tokens": 5, "output_tokens": 3, "total_tokens": 8}
        self.send(
            f"response.{status}",
            response=self.begun | {"status": status, "output": output, "usage": usage},
            **lane,
        )
