"""The page on integrations of HILT's documentation: its snippets run, with the package's name replaced.

What they cannot say by themselves is put around them: the providers' addresses are those of this machine;
`client.messages.create(...)`, which the page leaves open, is given arguments; and `langchain.llms`, which no
LangChain has any more, is a module whose `OpenAI` is langchain-openai's and can be called, as it could then.
"""

from __future__ import annotations

import functools
import re
import sys
import types

import pytest
from langchain_openai import OpenAI

from tests.support.generativeai import genai as generativeai
from tests.support.helper_logs import events, summary

CALL = 'create(model="claude-haiku-4-5", max_tokens=99, messages=[{"role": "user", "content": "Hello"}])'
SUMMARY = "Summarise the Solar System"


class CallableOpenAI(OpenAI):
    """A model as LangChain had it when the page was written."""

    def __call__(self, prompt):
        return self.invoke(prompt)


@pytest.fixture
def snippets(shared):
    """The Python on the page, by what it imports first."""
    page = (shared / "reference" / "hilt-integrations.md").read_text(encoding="utf-8")
    code = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert len(code) == 4
    replaced = [
        re.sub(r"(?m)^from hilt\.", "from hilt_autolog.", one).replace("create(...)", CALL) for one in code
    ]
    return dict(zip(("langchain", "openai", "anthropic", "gemini"), replaced, strict=True))


@pytest.fixture
def run(snippets, provider, monkeypatch, tmp_path):
    """Run a snippet in an empty folder, with the providers on this machine; return its names."""
    monkeypatch.chdir(tmp_path)
    for name, url in (("OPENAI", provider.base_url), ("ANTHROPIC", provider.url)):
        monkeypatch.setenv(f"{name}_BASE_URL", url)
        monkeypatch.setenv(f"{name}_API_KEY", "offline")
    old = types.ModuleType("langchain.llms")
    vars(old)["OpenAI"] = CallableOpenAI
    monkeypatch.setitem(sys.modules, "langchain.llms", old)
    endpoint = {"transport": "rest", "client_options": {"api_endpoint": provider.url}}
    monkeypatch.setattr(generativeai, "configure", functools.partial(generativeai.configure, **endpoint))

    def run(name):
        names = {}
        exec(compile(snippets[name], f"{name} on the page", "exec"), names)
        return names

    return run


UNCLOSED = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # no snippet closes its client


@UNCLOSED
@pytest.mark.parametrize("is_captured", [False, True], ids=["alone", "with capture"])
def test_openai(run, recording, is_captured):
    if is_captured:
        recording()
    run("openai")
    rows = summary("logs/openai.hilt.jsonl")
    chunks = [one for one in rows if one[0] == "completion_chunk"]
    assert [one[0] for one in rows if one not in chunks] == ["prompt", "completion"] * 2
    assert len(chunks) > 1
    assert "".join(one[2] for one in chunks) == rows[-1][2]
    assert {one[3] for one in chunks} == {2}
    for event in events("logs/openai.hilt.jsonl"):
        if event["action"] == "completion":
            assert {"latency_ms", "tokens", "cost_usd"} <= set(event["metrics"])
            assert event["extensions"]["status_code"] == 200
    assert summary("logs/rag.hilt.jsonl") == [
        ("prompt", "human/user", "What is alpha?", None),
        ("retrieval", "tool/retriever", "Alpha doc", 0),
        ("completion", "agent/gpt-4o-mini", "Alpha is…", 0),
    ]
    assert not recording.path.exists()


@UNCLOSED
def test_claude(run):
    names = run("anthropic")
    text = names["response"].content[0].text
    rows = summary("logs/claude.hilt.jsonl")
    assert [(action, text, reply_to) for action, _, text, reply_to in rows] == [
        ("prompt", "Hello", None),
        ("completion", text, 0),
    ]
    assert events("logs/claude.hilt.jsonl")[1]["metrics"]["tokens"]["total"] > 0


def test_gemini(run):
    names = run("gemini")
    rows = summary("logs/gemini.hilt.jsonl")
    assert [one[2] for one in rows] == [SUMMARY, names["result"].text]
    assert events("logs/gemini.hilt.jsonl")[1]["metrics"]["tokens"]["total"] > 0


@UNCLOSED
@pytest.mark.parametrize("is_captured", [False, True], ids=["alone", "with capture"])
def test_langchain(run, recording, is_captured):
    if is_captured:
        recording()
    names = run("langchain")
    rows = summary("logs/langchain.hilt.jsonl")
    assert [(action, text) for action, _, text, _ in rows] == [
        ("prompt", "Explain the HILT format in one sentence."),
        ("completion", names["result"]),
    ]
    assert not recording.path.exists()
