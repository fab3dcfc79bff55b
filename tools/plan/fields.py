"""PURE: the fields of one deployment as they are + as they should be -> a patch and drift.

Each field is seen three ways: what is live, what the release that the deployment points at declared, and what is
wanted now. A live value that neither of the others explains was made by hand: it is drift. A concurrency limit that was
changed by hand is the operator's and stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.model.differences import same, shown
from tools.model.prefect import PrefectDeployment
from tools.plan.actions import Drift, Patch
from tools.plan.live import points_at

#: Fields of a PrefectDeployment that the repository decides, as they are called in messages.
FIELDS: Mapping[str, str] = {
    "description": "description",
    "version": "version",
    "tags": "tags",
    "parameters": "parameters",
    "entrypoint": "entrypoint",
    "path": "path",
    "work_pool": "work pool",
    "job_variables": "job variables",
    "parameter_schema": "parameter schema",
}
_LIMIT, _RELEASE = "concurrency_limit", "release"


@dataclass(frozen=True)
class _Field:
    """One field of a deployment. Of the job variables it is those beside the release."""

    name: str
    live: Any
    wanted: Any
    by_hand: bool
    """Whether neither the release that the deployment points at nor the repository explains the live value."""

    @property
    def follows_release(self) -> bool:
        """Whether it says the same as the release and is no news beside it."""
        return self.name in ("version", "job_variables")

    @property
    def differs(self) -> bool:
        """Whether it is not as it should be."""
        return not same(self.live, self.wanted)

    @property
    def _wanted(self) -> Any:
        """The number of a release that is not registered yet is unknown."""
        return self.wanted or "the release's number" if self.name == "version" else self.wanted

    def drift(self, deployment: str) -> Drift:
        """What is told where it was changed by hand."""
        return Drift(f"{deployment}: {FIELDS[self.name]}", self.live, self._wanted)

    def reasons(self) -> Iterator[str]:
        """Why it is written."""
        if self.by_hand or not self.follows_release:
            yield f"{FIELDS[self.name]} {shown(self.live)} → {shown(self._wanted)}"


def patch(
    live: PrefectDeployment,
    base: PrefectDeployment | None,
    wanted: PrefectDeployment,
    *,
    schema_known: bool,
    keep: bool,
) -> tuple[Patch | None, tuple[Drift, ...]]:
    """What must be written of a deployment, and what of it was changed by hand.

    Args:
        live: as it is.
        base: as the release that it points at declared it; None where that is not known.
        wanted: as it should be.
        schema_known: whether the parameter schema of `wanted` is that of its image.
        keep: whether what was changed by hand stays.
    """
    fields = [_field(name, live, base, wanted) for name in FIELDS]
    written = {item.name: tuple(item.reasons()) for item in fields if item.differs and not (keep and item.by_hand)}
    if not schema_known:
        written["parameter_schema"] = ("the parameter schema of the new image",)
    written |= _limit(live, base, wanted)
    settings = next(item for item in fields if item.name == "job_variables")
    if points_at(live) != points_at(wanted):
        written.setdefault("job_variables", ())
        written[_RELEASE] = ("it points at the release",)
    drift = tuple(item.drift(live.full_name) for item in fields if item.by_hand)
    if not written:
        return None, drift
    kept = tuple(settings.live.items()) if keep and settings.by_hand else None
    names = tuple(name for name in (*FIELDS, _LIMIT) if name in written)
    why = tuple(reason for name in (*names, _RELEASE) for reason in written.get(name, ()))
    return Patch(live.full_name, why, live, names, kept), drift


def _field(name: str, live: PrefectDeployment, base: PrefectDeployment | None, wanted: PrefectDeployment) -> _Field:
    found = _value(live, name)
    explained = any(same(found, _value(known, name)) for known in (wanted, base) if known)
    # A version follows the release; where that is unknown, so is what it should have been.
    unknown = name == "version" and base is None
    return _Field(name, found, _value(wanted, name), by_hand=not (explained or unknown))


def _value(deployment: PrefectDeployment, name: str) -> Any:
    if name == "job_variables":
        return {key: value for key, value in deployment.job_variables.items() if key != "task_definition_arn"}
    return getattr(deployment, name)


def _limit(
    live: PrefectDeployment, base: PrefectDeployment | None, wanted: PrefectDeployment
) -> dict[str, tuple[str, ...]]:
    """The concurrency limit, where another one is declared than before and nobody has changed it meanwhile."""
    if base is None or base.concurrency_limit == wanted.concurrency_limit:
        return {}
    if live.concurrency_limit != base.concurrency_limit:
        return {}
    return {_LIMIT: (f"concurrency limit {shown(base.concurrency_limit)} → {shown(wanted.concurrency_limit)}",)}
