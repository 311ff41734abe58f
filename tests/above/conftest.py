from __future__ import annotations

from conformance.fixtures import frozen, runner, strict, watch  # noqa: F401  for the tests
