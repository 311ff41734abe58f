"""The SDKs: which are installed, how old they are, and which of their functions are recorded."""

from __future__ import annotations

import os
import re
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hilt_autolog.providers import sdks

from . import Finding, ok, problem, run_python, warning
from .settings import effective_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilt_autolog.contracts.types import JsonMapping, JsonObject

# Versions before the oldest that is tested, whose API is known to be the same.
_BEST_EFFORT = {"openai": "1.12", "anthropic": "0.34"}


def check_sdks() -> Iterator[Finding]:
    """Check each SDK that has a provider."""
    supported = sorted(sdks())
    versions = {sdk: version_of(sdk) for sdk in supported}
    installed = [sdk for sdk in supported if versions[sdk] is not None]
    enabled = effective_settings().providers
    recorded = [sdk for sdk in installed if not enabled or sdk in enabled]
    if not installed:
        yield problem(f"none of the SDKs that are watched is installed: {', '.join(supported)}")
    elif not recorded:
        yield problem(f"providers={','.join(enabled)}, but only {', '.join(installed)} is installed")
    for sdk in recorded:
        yield _check_version(sdk, versions[sdk] or "")
        yield _check_functions(sdk)
    for sdk in supported:
        if sdk not in installed:
            yield ok(f"{sdk} is not installed", sdk=sdk)
        elif sdk not in recorded:
            yield warning(f"{sdk} is installed, but left out by providers={','.join(enabled)}", sdk=sdk)


def version_of(sdk: str) -> str | None:
    """Return an SDK's version; "" if it is unknown, None if the SDK is not installed.

    Most distributions are named like their module: google.genai comes with google-genai, langchain_core with
    langchain-core. The others need a slow search, and their first distribution counts: `perplexity` comes
    with perplexityai.
    """
    try:
        return version(sdk.replace(".", "-"))
    except PackageNotFoundError:
        pass
    try:
        is_installed = find_spec(sdk) is not None
    except ImportError:  # its parent package is missing
        return None
    return _version_by_files(sdk) if is_installed else None


def _version_by_files(sdk: str) -> str:
    return next((version(name) for name in packages_distributions().get(sdk, ())), "")


def _check_version(sdk: str, installed: str) -> Finding:
    """Compare a version with the oldest that this package requires."""
    supported, best_effort = _supported(sdk), _BEST_EFFORT.get(sdk)
    facts = {"sdk": sdk, "version": installed, "supported": supported, "best_effort": best_effort}
    if not installed:
        return warning(f"{sdk} has no known version", **facts)
    if _is_older(installed, best_effort):
        return warning(f"{sdk} {installed} is older than {best_effort}: not supported", **facts)
    if _is_older(installed, supported):
        text = f"{sdk} {installed} is older than {supported}, the oldest that is tested: best effort"
        return warning(text, **facts)
    return ok(f"{sdk} {installed}", **facts)


def _supported(sdk: str) -> str | None:
    """Return the oldest version that this package's extra for the SDK accepts."""
    try:
        requirements = requires("hilt-autolog") or []
    except PackageNotFoundError:
        return None
    oldest = re.compile(rf"{re.sub('[._]', '-', sdk)} *>= *([\d.]+)")
    return next((match[1] for match in map(oldest.match, requirements) if match), None)


def _is_older(version: str, than: str | None) -> bool:
    return than is not None and _numbers(version) < _numbers(than)


def _numbers(version: str) -> list[int]:
    match = re.match(r"[\d.]+", version)
    return [int(number) for number in match[0].split(".") if number] if match else []


def probe_sdk(sdk: str) -> JsonObject:
    """Return the result of `probes.main` for an SDK, from a second Python without HILT_ variables.

    Raises:
        ChildProcessError: the SDK cannot be imported.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HILT_")}
    return run_python(["-m", f"{__package__}.probes", sdk], environ)


def internal_errors_text(result: JsonMapping) -> str:
    """Return the internal errors of this package in a result of `probe_sdk` as text."""
    faults = ", ".join(f"{kind} at {place}" for place, kind in result["faults"].items())
    return f"our own code fails: {faults}"


def _check_functions(sdk: str) -> Finding:
    try:
        result = probe_sdk(sdk)
    except ChildProcessError as error:
        return problem(f"{sdk} cannot be imported: {error}", sdk=sdk)
    functions = result["watching"]
    missing = [name for name, exists in functions.items() if not exists]
    facts = {"sdk": sdk, **result}
    if result["faults"]:
        return problem(f"{sdk} cannot be watched, {internal_errors_text(result)}", **facts)
    if len(missing) == len(functions):
        return problem(f"nothing of {sdk} is watched: {result['file']} has no {', '.join(missing)}", **facts)
    if missing:
        return warning(f"not watched, because this {sdk} has no such function: {', '.join(missing)}", **facts)
    return ok(f"{sdk} is watched, by all {len(functions)} functions", **facts)
