"""PURE: the plan of a service + what is live + its runs -> how it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.model.observed import Observed
from tools.model.prefect import PrefectDeployment
from tools.model.release import AnyRelease
from tools.model.runs import Runs
from tools.plan.actions import ServicePlan
from tools.plan.live import live_release


@dataclass(frozen=True)
class Status:
    """How one flow stands in an environment."""

    name: str
    release: AnyRelease | None
    """The one that is live, read or not; the newest where no deployment points at any."""
    deployments: tuple[PrefectDeployment, ...]
    runs: Mapping[str, Runs]
    """By the deployments' ids."""
    states: tuple[str, ...]
    """What there is to do about it; `in step` where nothing is."""


def status(item: ServicePlan, observed: Observed, runs: Mapping[str, Runs]) -> Status:
    """How a flow stands that the repository declares.

    Args:
        item: what a deploy would do.
        observed: what is live.
        runs: by the deployments' ids.
    """
    live = live_release(observed) or next(iter(observed.all_releases), None)
    return Status(item.name, live, observed.deployments, runs, tuple(_states(item, live, observed)) or ("in step",))


def _states(item: ServicePlan, live: AnyRelease | None, observed: Observed) -> list[str]:
    found = ["image gone"] if observed.gone else []
    if live is None:
        found.append("not deployed")
    elif item.actions and not item.reused:
        found.append("changed, not deployed")
    elif item.actions and (item.release.revision or 0) > (live.revision or 0):
        found.append(f"behind release {item.release.revision}")
    elif item.actions and not item.drift:
        found.append("deployed in part")
    if item.drift:
        found.append(f"drift ({len(item.drift)})")
    if item.problems:
        found.append("cannot be deployed")
    return found


def undeclared(deployments: Sequence[PrefectDeployment], runs: Mapping[str, Runs]) -> list[Status]:
    """Flows that the repository no longer declares, by their deployments that are left."""
    flows: dict[str, list[PrefectDeployment]] = {}
    for item in deployments:
        flows.setdefault(item.flow, []).append(item)
    return [Status(name, None, tuple(found), runs, ("no longer declared",)) for name, found in sorted(flows.items())]
