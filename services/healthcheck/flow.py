"""Tells where a flow runs and what it can reach there: the first flow to run in a new environment."""

from __future__ import annotations

import logging

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed

import checks
from checks import Finding, Verdict

Report = dict[str, str]

_LEVELS = {Verdict.OK: logging.INFO, Verdict.MISSING: logging.ERROR}


@flow(name="healthcheck")
def healthcheck() -> Report | State[Report]:
    """Looks at versions, image, release, region, lake, result storage and Prefect API.

    As a task of an environment it fails where one of them is missing; as a plain process it tells what is local.
    """
    findings = look()
    for finding in findings:
        get_run_logger().log(_LEVELS[finding.verdict], "%s: %s", finding.what, finding.value)
    publish(findings)
    missing = [finding for finding in findings if finding.verdict is Verdict.MISSING]
    if missing:
        return Failed(message="missing here: " + "; ".join(f"{finding.what}: {finding.value}" for finding in missing))
    return {finding.what: finding.value for finding in findings}


@task(name="look", cache_policy=NO_CACHE, persist_result=False)
def look() -> list[Finding]:
    """All findings, in the order in which a person would ask."""
    return [
        checks.versions(),
        checks.named("environment", "DATA_FLOWS_ENVIRONMENT"),
        checks.named("service", "DATA_FLOWS_SERVICE"),
        checks.named("image fingerprint", "DATA_FLOWS_FINGERPRINT"),
        checks.release(),
        checks.named("region", "AWS_REGION", "AWS_DEFAULT_REGION"),
        checks.api(),
        checks.lake(),
        checks.results(),
    ]


@task(name="publish", cache_policy=NO_CACHE, persist_result=False)
def publish(findings: list[Finding]) -> None:
    """Shows the findings as a table in Prefect's UI."""
    rows = [{"what": finding.what, "found": finding.value, "verdict": finding.verdict.value} for finding in findings]
    create_table_artifact(rows, key="healthcheck", description="Where this flow runs and what it can reach")
