from __future__ import annotations

import pytest

from hilt_autolog.analytics import ends


@pytest.fixture(params=["DuckDB", "line by line"])
def engine(request, monkeypatch):
    """Count by one engine, then by the other, however small the log."""
    monkeypatch.setattr(ends, "LARGE", 0)
    monkeypatch.setattr(ends, "is_installed", lambda: request.param == "DuckDB")
    return request.param
