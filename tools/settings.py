"""The settings of one environment, validated.

Takes the environment's name, the process environment, `.env` and, through a reader, the environment's Parameter Store
tree; gives `Settings`. Never writes, never shows a secret.

Order, first found wins: process environment, `.env` (only where it speaks for this environment), the Parameter Store
at /DataFlows/{environment}/. `Local` is the cloud in compose/: its addresses follow from that alone, so that nothing
exported for another environment can lead a Local deploy there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from tools.errors import UserError
from tools.model import names
from tools.model.credential import AUTH_STRING, FORMS, KEY, Credential

LOCAL = "Local"
USUAL_ENVIRONMENTS = (LOCAL, "Dev", "Prod")
_NOT_AN_ENVIRONMENT = "branches"
"""Its parameters would be those that say which environment a branch deploys to."""

#: Reads {name: value} of the parameters directly below a path.
ParameterReader = Callable[["Connection", str], Mapping[str, str]]


@dataclass(frozen=True)
class Connection:
    """How AWS is reached. An endpoint means an emulator, which gets keys that are worth nothing elsewhere."""

    region: str
    endpoint: str | None = None

    @property
    def key(self) -> str | None:
        """Access key and secret of a boto3 session; None for AWS itself, where boto3's own chain finds them."""
        return "test" if self.endpoint else None


def _setting(name: str, pattern: str = "", words: str = "", *, default: Any = MISSING, secret: bool = False) -> Any:
    """A setting: each stands once, as a field of Settings.

    Args:
        name: of its variable and its parameter.
        pattern: what its value must be like.
        words: that in words.
        default: None or a value where it may be absent.
        secret: whether it is shown nowhere.
    """
    form = {"name": name, "pattern": pattern, "words": words}
    return field(default=default, repr=not secret, metadata=form, kw_only=True)


@dataclass(frozen=True)
class Settings:
    """Everything an environment's name stands for."""

    environment: str
    aws: Connection
    prefect_api_url: str = _setting("PREFECT_API_URL")
    prefect_api_key: str | None = _setting(KEY, *FORMS[KEY], default=None, secret=True)
    prefect_api_auth_string: str | None = _setting(AUTH_STRING, *FORMS[AUTH_STRING], default=None, secret=True)
    account: str | None = _setting("AWS_ACCOUNT_ID", r"[0-9]{12}", "the 12 digits of an account", default=None)
    registry: str | None = _setting(
        "REGISTRY",
        r"[A-Za-z0-9.-]+(:[0-9]+)?",
        "a host with or without a port, and without https://",
        default=None,
    )
    """Host of the registry; ECR's own `repositoryUri` where it is None."""
    work_pool: str = _setting("WORK_POOL", r"[^/%&<>]+", "a name without / % & < >")
    execution_role: str = _setting("EXECUTION_ROLE")
    task_role: str = _setting(
        "TASK_ROLE", r"[^{}]*(\{service\})?[^{}]*", f"a role; {names.ANY_SERVICE} in it stands for the service's name"
    )
    """The role of each service's tasks that names none itself."""
    log_group: str = _setting("LOG_GROUP", r"[A-Za-z0-9_./#-]+", "a name of letters, digits and _ . / # -")
    lake_url: str = _setting("LAKE_URL", r"s3://[^\s/]+(/\S*)?", "s3://BUCKET/PREFIX")
    results_block: str = _setting("RESULTS_BLOCK", default=names.RESULTS_BLOCK)
    """The Prefect block, `<type>/<name>`, where results of flows and tasks are kept."""

    @property
    def parameter_root(self) -> str:
        """Where the environment's parameters lie in the Parameter Store."""
        return names.parameters(self.environment)

    @property
    def prefect_credential(self) -> Credential | None:
        """What the Prefect API is shown."""
        if self.prefect_api_key:
            return Credential(KEY, self.prefect_api_key)
        return Credential(AUTH_STRING, self.prefect_api_auth_string) if self.prefect_api_auth_string else None

    @property
    def flow_env(self) -> dict[str, str]:
        """Variables that every flow of the environment gets."""
        region = self.aws.region
        return {
            "DATA_FLOWS_ENVIRONMENT": self.environment,
            "LAKE_URL": self.lake_url,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            # An unset or unreadable default would send results to the task's own disk, which is lost with it.
            "PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK": self.results_block,
            "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
            "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        }


#: The fields of Settings that are read one by one.
_SETTINGS = tuple(item for item in fields(Settings) if item.metadata)


def environment_name(value: str) -> str:
    """Checks an environment's name.

    Raises:
        UserError: it is not letters and digits, or is one of the usual names in another case.
    """
    for usual in USUAL_ENVIRONMENTS:
        if value != usual and value.lower() == usual.lower():
            raise UserError(f"environment '{value}' is unknown", f"did you mean {usual}? ENVIRONMENT={usual}")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,31}", value):
        raise UserError(
            f"environment {value!r} is no name: letters and digits only, at most 32, beginning with a letter",
            "examples: Local, Dev, Prod",
        )
    if value.lower() == _NOT_AN_ENVIRONMENT:
        raise UserError(f"environment '{value}' has a name that is taken", "choose another one, e.g. Dev")
    return value


def read_dotenv(path: Path, environment: str) -> dict[str, str]:
    """The variables of `.env`, or none where it speaks for another environment (its ENVIRONMENT; Local by default)."""
    return _dotenv(path) if dotenv_environment(path) == environment else {}


def dotenv_environment(path: Path) -> str:
    """The environment that `.env` speaks for."""
    return _dotenv(path).get("ENVIRONMENT", LOCAL)


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        return {name: value for name, value in dotenv_values(path).items() if value}
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}", "save it as UTF-8") from None


def load(environment: str, process_env: Mapping[str, str], dotenv: Path, parameters: ParameterReader) -> Settings:
    """The settings of `environment`.

    Args:
        environment: its name, e.g. `Local`.
        process_env: the variables of this process.
        dotenv: the `.env` file; it may be missing.
        parameters: reads the environment's tree in the Parameter Store.

    Raises:
        UserError: a setting is missing or malformed; all of them are told at once.
        RemoteError: the Parameter Store did not answer.
    """
    environment_name(environment)
    if environment == LOCAL:
        return local_settings(given_values(LOCAL, process_env, dotenv))
    given = given_values(environment, process_env, dotenv)
    aws = connection(environment, given)
    stored = parameters(aws, names.parameters(environment))
    values = {item.metadata["name"]: "" for item in _SETTINGS}
    values |= {name: given.get(name) or stored.get(name, "") for name in values}
    _check(environment, values, given)
    found = {item.name: values[item.metadata["name"]] for item in _SETTINGS if values[item.metadata["name"]]}
    make: Any = Settings
    made: Settings = make(environment, aws, **found)
    return replace(made, prefect_api_url=made.prefect_api_url.rstrip("/"))


def given_values(environment: str, process_env: Mapping[str, str], dotenv: Path) -> dict[str, str]:
    """What `.env` says where it speaks for the environment, and over it what the process says."""
    return {**read_dotenv(dotenv, environment), **{name: value for name, value in process_env.items() if value}}


def account_connection(process_env: Mapping[str, str], dotenv: Path) -> Connection | None:
    """How an account is reached before an environment is chosen; None where no region is set.

    Args:
        process_env: the variables of this process.
        dotenv: the `.env` file, whichever environment it speaks for.
    """
    given = {**_dotenv(dotenv), **{name: value for name, value in process_env.items() if value}}
    region = _region(given)
    return _checked_connection(region, given) if region else None


def connection(environment: str, given: Mapping[str, str]) -> Connection:
    """How the environment's AWS is reached; checked before it is asked for the rest."""
    region = _region(given)
    if not region:
        raise UserError(
            f"AWS_REGION is not set for {environment}",
            f"set it in the process environment, or in .env together with ENVIRONMENT={environment}",
        )
    return _checked_connection(region, given)


def _region(given: Mapping[str, str]) -> str | None:
    return given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION")


def _checked_connection(region: str, given: Mapping[str, str]) -> Connection:
    endpoint = given.get("AWS_ENDPOINT_URL")
    where = "the process environment or .env"
    problems = [
        *form_problems("AWS_REGION", region, where, r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region, e.g. eu-west-1"),
        *form_problems(
            "AWS_ENDPOINT_URL", endpoint or "", where, r"https?://[^\s/@]+/?", "an http(s) address without a path"
        ),
    ]
    if problems:
        raise UserError("\n".join(problems), "mend it in the process environment or in .env")
    return Connection(region, endpoint)


def local_settings(given: Mapping[str, str]) -> Settings:
    """The settings of the local cloud; of what is given, the ports alone count."""
    prefect, aws = local_port(given, "PREFECT_PORT", 4200), local_port(given, "AWS_PORT", 4566)
    region, account = "us-east-1", "000000000000"
    roles = f"arn:aws:iam::{account}:role"
    return Settings(
        LOCAL,
        Connection(region, f"http://127.0.0.1:{aws}"),
        prefect_api_url=f"http://127.0.0.1:{prefect}/api",
        account=account,
        registry=f"localhost:{aws}",
        work_pool=names.PLATFORM,
        execution_role=f"{roles}/{names.role(LOCAL, 'execution')}",
        task_role=f"{roles}/{names.task_role(LOCAL, names.ANY_SERVICE)}",
        log_group=names.log_group(LOCAL),
        lake_url=f"s3://{names.bucket(account, region, LOCAL)}/lake",
    )


def local_port(given: Mapping[str, str], name: str, default: int) -> int:
    """A port of the local cloud.

    Raises:
        UserError: it is not a number from 1 to 65535.
    """
    value = given.get(name) or str(default)
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 1 <= int(value) <= 65535:
        raise UserError(f"{name} is {value!r}; it must be a port number from 1 to 65535")
    return int(value)


def _check(environment: str, values: Mapping[str, str], given: Mapping[str, str]) -> None:
    root = names.parameters(environment)
    problems = []
    for item in _SETTINGS:
        name, value = item.metadata["name"], values[item.metadata["name"]]
        if not value and item.default is MISSING:
            problems.append(f"{name} is missing: neither in the process environment, nor in .env, nor at {root}/{name}")
        where = "the process environment or .env" if given.get(name) else f"{root}/{name}"
        shown = repr(value) if item.repr else "of another form"
        problems += form_problems(name, value, where, item.metadata["pattern"], item.metadata["words"], shown)
    problems += api_url_problems(values["PREFECT_API_URL"].strip())
    if values[KEY] and values[AUTH_STRING]:
        problems.append(f"{KEY} and {AUTH_STRING} are both given; a Prefect API wants one of them")
    if problems:
        raise UserError("\n".join(problems), f'README.md, "Initial deployment", says what {environment} needs')


def form_problems(
    name: str, value: str, where: str, pattern: str, words: str, shown: str | None = None
) -> Iterator[str]:
    """What is wrong with a value; it is shown, or what stands for it, unless its ends alone cannot be seen."""
    if value != value.strip():
        yield f"{name} begins or ends with white space ({where}); a trailing newline is a usual cause"
    elif value and pattern and not re.fullmatch(pattern, value):
        yield f"{name} is {shown or repr(value)} ({where}); it must be {words}"


def api_url_problems(url: str) -> list[str]:
    """What is wrong with the address of a Prefect API; nothing with one that is absent."""
    if not url:
        return []
    if "@" in url:
        return [f"PREFECT_API_URL holds a user or a password; give them as {AUTH_STRING}, or a key as {KEY}"]
    if re.search(r"[\s\x00-\x1f\x7f?#\\]", url):
        return [f"PREFECT_API_URL is {url!r}; an API's address has no white space, ?, # or backslash in it"]
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return [f"PREFECT_API_URL is {url!r}: {error}"]
    if parts.scheme not in ("http", "https") or not host:
        return [f"PREFECT_API_URL is {url!r}; it must be an http(s) address that ends in /api"]
    if host == "app.prefect.cloud":
        return [f"PREFECT_API_URL is {url}, the UI's address; the API's is https://api.prefect.cloud/api/accounts/…"]
    if host == "api.prefect.cloud" and not re.fullmatch(r"/api/accounts/[^/]+/workspaces/[^/]+/?", parts.path):
        return [f"PREFECT_API_URL is {url}; Prefect Cloud's has /api/accounts/…/workspaces/… in it"]
    if not re.search(r"/api(/|$)", parts.path):
        return [f"PREFECT_API_URL is {url}; a Prefect API's address has /api in it, the UI's has not"]
    return []
