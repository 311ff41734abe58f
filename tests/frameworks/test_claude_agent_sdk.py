"""The Claude Agent SDK starts a program that is not Python: it runs as ever, and is not recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.calling import outcome

STANDIN = Path(__file__).parent / "claude_standin.py"


@pytest.fixture
def offered(tmp_path):
    """The SDK, and its options: a command in place of its own, and permission for every tool."""
    sdk = pytest.importorskip("claude_agent_sdk")
    command = tmp_path / "claude"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{STANDIN}"\n', encoding="utf-8")
    command.chmod(0o700)

    async def allow(_name, _input, _context):
        return sdk.PermissionResultAllow()

    return sdk, sdk.ClaudeAgentOptions(cli_path=command, can_use_tool=allow, cwd=tmp_path)


async def query(sdk, options, seen):
    async def words():
        yield {"type": "user", "message": {"role": "user", "content": "Hello"}}

    seen += [repr(message) async for message in sdk.query(prompt=words(), options=options)]


async def client(sdk, options, seen):
    async with sdk.ClaudeSDKClient(options) as claude:
        for words in ("Hello", "Bye"):
            await claude.query(words)
            seen += [repr(message) async for message in claude.receive_response()]


async def left(sdk, options, seen):
    async with sdk.ClaudeSDKClient(options) as claude:
        await claude.query("Hello")
        async for message in claude.receive_response():
            seen.append(repr(message))
            break


@pytest.mark.parametrize("way", [query, client, left])
def test_the_claude_agent_sdk(offered, runner, recording, capfd, way):
    alone = outcome(runner.run, way, *offered)
    recording()
    assert outcome(runner.run, way, *offered) == alone
    assert way is left or "You said: Hello" in "".join(alone[0])
    assert capfd.readouterr() == ("", "")
    assert recording.log().events == []
