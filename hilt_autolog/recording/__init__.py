"""The recorder: turn calls into linked events with their tokens and cost."""
