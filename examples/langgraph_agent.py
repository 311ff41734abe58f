"""A LangGraph agent with two tools, over three turns, and the log of it.

    hilt-run python examples/langgraph_agent.py    needs no change of the code
    python examples/langgraph_agent.py             `enable()` switches the log on

It needs langchain and langchain-openai. With OPENAI_API_KEY in the environment it calls OpenAI, without it a
local server (`offline_provider.py`).
"""

from __future__ import annotations

from typing import Any

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_rag import chat_model
from langgraph.checkpoint.memory import InMemorySaver
from offline.table import now, show_log

import hilt_autolog


@tool
def get_weather(city: str) -> str:
    """Get the weather of a city."""
    return f"18 degrees and sunny in {city}"


@tool
def get_time(city: str) -> str:
    """Get the time of a city."""
    return f"noon in {city}"


def main() -> None:
    """Talk for three turns of one LangGraph thread; then print the log of them."""
    start = now()
    hilt_autolog.enable()  # under hilt-run it is on already, and this does nothing
    with chat_model() as model:
        agent: Any = create_agent(model, [get_weather, get_time], checkpointer=InMemorySaver())
        config = {"configurable": {"thread_id": "trip-to-paris"}}
        for question in ("How is the weather in Paris?", "And what is the time in Paris?", "Thank you"):
            print(f"> {question}")
            state = agent.invoke({"messages": [("user", question)]}, config)
            print(state["messages"][-1].content)
    show_log(start)


if __name__ == "__main__":
    main()
