"""The recorder: what is told of a call becomes events, links, tokens and cost."""
