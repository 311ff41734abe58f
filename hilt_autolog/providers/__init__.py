"""One file an SDK: a table of probes and pure functions that turn its objects into facts.

The path of a file mirrors the package that it watches (`providers/openai.py` waits for `openai`,
`providers/google/genai.py` would wait for `google.genai`), and each offers a `PROVIDER`. Files that
begin with an underscore hold what several share. Adding a file is all it takes to add a provider. A probe
may lie in a module that the package loads later, or never: nothing is loaded for us.
"""
