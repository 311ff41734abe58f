"""Lines on disk: the writer's wing (encoder, naming, log file, writer) and the reader's (reader, session)."""
