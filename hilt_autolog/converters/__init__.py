"""Logs in the formats of other tools: CSV, Parquet, chat messages."""
