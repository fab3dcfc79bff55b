"""The doctor's looks at an environment: facts from the clients; what they mean is told by tools/doctor/. Reads only."""

from __future__ import annotations

from tools.doctor import machine
from tools.doctor.machine import Clocks
from tools.environment.doctor.account import Place, Visit, look_at_aws, look_at_stacks
from tools.environment.doctor.flows import look_at_flows
from tools.environment.doctor.looks import Looks, known
from tools.environment.doctor.prefect import look_at_api, look_at_pool
from tools.environment.doctor.surroundings import look_at_github, look_at_network, look_at_runs


def look_at_environment(looks: Looks, place: Place) -> None:
    """Begins every look at an environment, and the one at this machine's clock that its servers make possible."""
    reached = look_at_aws(looks, place)
    stacks = look_at_stacks(looks, place, reached)
    visit = Visit(looks, place, reached, stacks)
    prefect = look_at_api(visit)
    pool = look_at_pool(visit, prefect)
    look_at_flows(visit, prefect)
    if not place.is_local:  # the tasks of the local cloud share one network of Docker's
        look_at_network(visit, pool)
    look_at_runs(visit, prefect, pool)
    if not place.is_local:
        look_at_github(visit)

    def clocks() -> list[Clocks]:
        return [found for look in (reached.clocks, prefect.clocks) if (found := known(look))]

    looks.look(machine.GROUP, "clock", clocks, machine.clock)
