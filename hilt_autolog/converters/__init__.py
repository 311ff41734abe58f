"""Convert logs to the formats of other tools: CSV, Parquet, chat messages."""
