"""The SDKs: which are installed, how old they are, and what of them is watched."""

from __future__ import annotations

import os
import re
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hilt_autolog.providers import registry

from . import Finding, ok, problem, warning
from .child_process import ask_child
from .settings import effective

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Versions before the oldest that is tested, whose shape is known to be the same.
_BEST_EFFORT = {"openai": "1.12", "anthropic": "0.34"}


def sdks() -> Iterator[Finding]:
    """Examine each SDK that there is a provider for."""
    known = sorted(registry.sdks())
    versions = {sdk: version_of(sdk) for sdk in known}
    installed = [sdk for sdk in known if versions[sdk] is not None]
    named = effective().providers
    wanted = [sdk for sdk in installed if not named or sdk in named]
    if not installed:
        yield problem(f"none of the SDKs that are watched is installed: {', '.join(known)}")
    elif not wanted:
        yield problem(f"providers={','.join(named)}, but only {', '.join(installed)} is installed")
    for sdk in wanted:
        yield from _age(sdk, versions[sdk] or "")
        yield _watched(sdk)
    for sdk in known:
        if sdk not in installed:
            yield ok(f"{sdk} is not installed", sdk=sdk)
        elif sdk not in wanted:
            yield warning(f"{sdk} is installed, but left out by providers={','.join(named)}", sdk=sdk)


def version_of(sdk: str) -> str | None:
    """Return an SDK's version, "" if it does not tell, None if it is not there.

    Most distributions are named like their module: google.genai comes with google-genai, langchain_core with
    langchain-core. Of the others, which take long to look through, the first will do: `perplexity` comes with
    perplexityai.
    """
    try:
        return version(sdk.replace(".", "-"))
    except PackageNotFoundError:
        pass
    try:
        is_there = find_spec(sdk) is not None
    except ImportError:  # of the package that it would be in
        return None
    return _version_by_files(sdk) if is_there else None


def _version_by_files(sdk: str) -> str:
    return next((version(name) for name in packages_distributions().get(sdk, ())), "")


def _age(sdk: str, found: str) -> Iterator[Finding]:
    """Compare a version with the one that our own installation asks for."""
    facts = {"sdk": sdk, "version": found, "supported": _supported(sdk), "best_effort": _BEST_EFFORT.get(sdk)}
    if not found:
        yield warning(f"{sdk} does not tell its version", **facts)
    elif _is_older(found, facts["best_effort"]):
        yield warning(f"{sdk} {found} is older than {facts['best_effort']}: nothing is promised", **facts)
    elif _is_older(found, facts["supported"]):
        yield warning(
            f"{sdk} {found} is older than {facts['supported']}, the oldest that is tested: best effort",
            **facts,
        )
    else:
        yield ok(f"{sdk} {found}", **facts)


def _supported(sdk: str) -> str | None:
    """Return the oldest version that the extra of this SDK takes."""
    try:
        lines = requires("hilt-autolog") or []
    except PackageNotFoundError:
        return None
    oldest = re.compile(rf"{re.sub('[._]', '-', sdk)} *>= *([\d.]+)")
    return next((found[1] for found in map(oldest.match, lines) if found), None)


def _is_older(version: str, than: str | None) -> bool:
    return than is not None and _numbers(version) < _numbers(than)


def _numbers(version: str) -> list[int]:
    found = re.match(r"[\d.]+", version)
    return [int(number) for number in found[0].split(".") if number] if found else []


def asked(sdk: str) -> dict[str, Any]:
    """Return what `watched` says of an SDK.

    Raises:
        ChildProcessError: it says nothing: the SDK cannot be imported.
    """
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HILT_")}
    return ask_child(["-m", f"{__package__}.probes", sdk], environ)


def own_faults(found: Mapping[str, Any]) -> str:
    """Return in words which faults of ours `watched` has met."""
    faults = ", ".join(f"{kind} at {place}" for place, kind in found["faults"].items())
    return f"our own code fails: {faults}"


def _watched(sdk: str) -> Finding:
    try:
        found = asked(sdk)
    except ChildProcessError as error:
        return problem(f"{sdk} cannot be imported: {error}", sdk=sdk)
    probes = found["watching"]
    missing = [probe for probe, is_there in probes.items() if not is_there]
    facts = {"sdk": sdk, **found}
    if found["faults"]:
        return problem(f"{sdk} cannot be watched, {own_faults(found)}", **facts)
    if len(missing) == len(probes):
        return problem(f"nothing of {sdk} is watched: {found['file']} has no {', '.join(missing)}", **facts)
    if missing:
        return warning(f"not watched, because this {sdk} has no such function: {', '.join(missing)}", **facts)
    return ok(f"{sdk} is watched, by all {len(probes)} functions", **facts)
