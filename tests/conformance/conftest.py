from __future__ import annotations

from conformance.fixtures import clients, compare, frozen, runner, strict, watch  # noqa: F401  for the tests
