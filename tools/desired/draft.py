"""PURE: Service + fingerprint + Settings -> the draft of a release."""

from __future__ import annotations

from dataclasses import dataclass

from tools.desired.fingerprint import Fingerprint
from tools.model.names import ANY_SERVICE
from tools.model.release import Release
from tools.model.service import Service
from tools.settings import Settings


@dataclass(frozen=True)
class Desired:
    """What the repository declares for one service in one environment.

    `draft` is its release as far as it is known before anything is built: image and parameter schema may be missing.
    """

    service: Service
    draft: Release
    work_pool: str


def desire(service: Service, fingerprint: Fingerprint, settings: Settings) -> Desired:
    """What should be of a service in the environment of `settings`.

    Args:
        service: as discovered.
        fingerprint: of its image.
        settings: the environment's.
    """
    declared = service.ecs_run(settings.environment)
    task_role, execution_role = roles(service, settings)
    run = declared.model_copy(update={"task_role": task_role, "execution_role": execution_role})
    added = {
        **settings.flow_env,
        "DATA_FLOWS_SERVICE": service.name,
        "DATA_FLOWS_FINGERPRINT": fingerprint.value,
    }
    draft = Release(
        service=service.name,
        owner=service.declaration.owner,
        environment=settings.environment,
        fingerprint=fingerprint.value,
        inputs=dict(fingerprint.inputs),
        entrypoint=service.declaration.docker_storage.entrypoint,
        platform=service.declaration.docker_storage.platform,
        ecs_run=run,
        platform_env={name: value for name, value in added.items() if name not in {*declared.env, *declared.secrets}},
        secret_paths=secret_paths(service, settings),
        log_group=settings.log_group,
        deployments=service.declaration.deployments,
    )
    return Desired(service, draft, settings.work_pool)


def roles(service: Service, settings: Settings) -> tuple[str, str]:
    """The roles of a service's tasks: of the flow itself, and of ECS when it starts one."""
    declared = service.ecs_run(settings.environment)
    task_role = declared.task_role or settings.task_role.replace(ANY_SERVICE, service.name)
    return task_role, declared.execution_role or settings.execution_role


def secret_paths(service: Service, settings: Settings) -> dict[str, str]:
    """Where the secrets of a service's tasks lie in the Parameter Store: variable -> full path.

    What the Prefect API wants to be shown is among them: the worker takes it out of what it gives to a task.
    """
    root, secrets = settings.parameter_root, service.ecs_run(settings.environment).secrets
    shown = settings.prefect_credential
    own: dict[str, str] = {shown.name: f"{root}/{shown.name}"} if shown else {}
    return {**own, **{name: f"{root}/{service.name}/{parameter}" for name, parameter in secrets.items()}}
