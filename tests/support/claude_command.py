"""What the Claude Agent SDK starts: it speaks the command's protocol, lines of JSON, and asks no model."""

from __future__ import annotations

import json
import sys

HEAD = {"session_id": "s_1", "parent_tool_use_id": None}
USAGE = {"input_tokens": 9, "output_tokens": 4}
USE = {"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "a.txt"}}


def send(kind, **said):
    print(json.dumps({"type": kind, **said}), flush=True)


def receive():
    """The next line, unless the program has left."""
    line = sys.stdin.readline()
    return json.loads(line) if line else sys.exit()


def answer(*blocks):
    message = {"id": "msg_1", "role": "assistant", "model": "claude-haiku-4-5", "content": list(blocks)}
    send("assistant", message=message | {"usage": USAGE}, **HEAD)


def ended(words):
    known = {"duration_ms": 7, "duration_api_ms": 5, "is_error": False, "num_turns": 2}
    send("result", subtype="success", result=words, total_cost_usd=0.001, usage=USAGE, **known, **HEAD)


def turn(words):
    """Ask whether a tool may be used, use it, and answer."""
    answer(USE)
    asked = {"subtype": "can_use_tool", "tool_name": USE["name"], "input": USE["input"]}
    send("control_request", request_id="ask_1", request=asked | {"tool_use_id": USE["id"]})
    allowed = receive()["response"]["response"]["behavior"]
    result = {"type": "tool_result", "tool_use_id": USE["id"], "content": allowed}
    send("user", message={"role": "user", "content": [result]}, **HEAD)
    answer({"type": "text", "text": f"You said: {words}"})
    ended(words)


while True:
    line = receive()
    if line["type"] == "control_request":
        known = {"subtype": "success", "request_id": line["request_id"], "response": {"commands": []}}
        send("control_response", response=known)
        send("system", subtype="init", tools=[], claude_code_version="99.0.0", **HEAD)
    else:
        turn(line["message"]["content"])
