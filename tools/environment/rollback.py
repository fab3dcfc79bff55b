"""A rollback: what an environment holds of a service, whatever the repository says -> plan. Writes nothing."""

from __future__ import annotations

from dataclasses import replace

from tools.clients import ssm
from tools.desired.discover import check_name
from tools.environment.connect import Environment
from tools.environment.roles import role_of_release, run_template
from tools.errors import UserError
from tools.model.names import family
from tools.model.observed import Observed
from tools.plan.actions import OnDrift, Plan
from tools.plan.rollback import chosen, rollback


def look_back(name: str, environment: Environment) -> Observed:
    """Every release of a service and its deployments; the repository is not asked.

    Raises:
        UserError: the name is none.
    """
    check_name(name)
    releases = environment.ecs.releases(family(environment.settings.environment, name))
    return Observed.of(releases, environment.prefect.deployments([name]))


def plan_rollback(name: str, to: str, environment: Environment, on_drift: OnDrift) -> Plan:
    """What must be done to bring a service back to a release; neither git, Docker nor the repository is asked.

    Args:
        name: the service's.
        to: the release; the one before the live one where empty.
        environment: where.
        on_drift: what to do with what was changed by hand.

    Raises:
        UserError: there is no such release, or its image or a secret of it is gone.
    """
    settings = environment.settings
    observed = look_back(name, environment)
    target = chosen(name, settings.environment, to, observed)
    missing = [f"the secret's parameter {path}" for path in ssm.missing(settings.aws, target.secret_paths.values())]
    if not environment.ecr.holds(target.repository, target.image_digest):
        missing.append(f"its image {target.image}")
    if missing:
        raise UserError(
            f"{name} cannot go back to release {target.revision}: {' and '.join(missing)} no longer exists",
            f"python -m tools history {name} lists the others; nothing was written",
        )
    if target.ecs_run.permissions:
        observed = replace(observed, role=role_of_release(target, settings, run_template(settings)))
    return rollback(target, observed, settings.work_pool, on_drift)
