"""Events on a terminal: escaping and paging, tables, event rows, conversations, progress."""
