"""One file for each SDK: a table of functions to wrap, and pure functions that parse its objects.

`registry` maps each SDK to its file, which offers a `PROVIDER` and may offer `EXTRA_PROVIDERS`
(`contracts.provider`, `contracts.realtime`, `contracts.framework`). Files and folders that begin with an
underscore are shared by several providers. No provider file imports its SDK.
"""
