"""An environment's settings come in their order, are checked all at once, and never lead Local elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import pytest

from tools.errors import UserError
from tools.model.credential import Credential
from tools.repository import ROOT
from tools.settings import Connection, Settings, environment_name, load, local_port, read_dotenv

STORED = {
    "PREFECT_API_URL": "https://prefect.example.com/api",
    "PREFECT_API_KEY": "pnu_stored",
    "WORK_POOL": "data-flows",
    "EXECUTION_ROLE": "execution",
    "TASK_ROLE": "task",
    "LOG_GROUP": "/data-flows/Dev",
    "LAKE_URL": "s3://bucket/lake",
}
REGION = {"AWS_REGION": "eu-west-1"}
DEV = Settings(
    environment="Dev",
    prefect_api_url="https://prefect.example.com/api",
    prefect_api_key="pnu_stored",
    aws=Connection("eu-west-1"),
    work_pool="data-flows",
    execution_role="execution",
    task_role="task",
    log_group="/data-flows/Dev",
    lake_url="s3://bucket/lake",
)


class Store:
    """A Parameter Store in memory, that remembers what it was asked."""

    def __init__(self, values: Mapping[str, str] = STORED) -> None:
        self.values = values
        self.asked: list[tuple[Connection, str]] = []

    def __call__(self, connection: Connection, path: str) -> Mapping[str, str]:
        self.asked.append((connection, path))
        return self.values


def settings(
    process: Mapping[str, str] = REGION, dotenv: Path = Path("/nowhere"), store: Store | None = None, name: str = "Dev"
) -> Settings:
    """The settings of Dev."""
    return load(name, process, dotenv, store or Store())


def problems(process: Mapping[str, str] = REGION, stored: Mapping[str, str] | None = None) -> list[str]:
    """The lines of the error that loading Dev ends with."""
    with pytest.raises(UserError) as caught:
        settings(process, store=Store({**STORED, **(stored or {})}))
    return caught.value.message.splitlines()


# Where they come from -------------------------------------------------------------------------------------------------


def test_the_parameter_store_has_what_nothing_else_says() -> None:
    store = Store()

    assert settings(store=store) == DEV
    assert store.asked == [(Connection("eu-west-1"), "/DataFlows/Dev")]


def test_dotenv_goes_before_the_store_and_the_process_before_both(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("ENVIRONMENT=Dev\nAWS_REGION=eu-west-1\nWORK_POOL=of-dotenv\nTASK_ROLE=of-dotenv\n")

    found = settings({"TASK_ROLE": "of-process"}, dotenv)

    assert found == replace(DEV, work_pool="of-dotenv", task_role="of-process")


@pytest.mark.parametrize("empty", [{"TASK_ROLE": ""}, {}], ids=["empty", "absent"])
def test_an_empty_variable_is_as_an_absent_one(tmp_path: Path, empty: dict[str, str]) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("ENVIRONMENT=Dev\nTASK_ROLE=of-dotenv\nWORK_POOL=\n")

    assert settings({**REGION, **empty}, dotenv) == replace(DEV, task_role="of-dotenv")


@pytest.mark.parametrize(
    ("text", "environment", "read"),
    [
        ("WORK_POOL=x\n", "Local", True),
        ("WORK_POOL=x\n", "Dev", False),
        ("ENVIRONMENT=Dev\nWORK_POOL=x\n", "Dev", True),
        ("ENVIRONMENT=Dev\nWORK_POOL=x\n", "Local", False),
        ("ENVIRONMENT=Dev\nWORK_POOL=x\n", "Prod", False),
    ],
)
def test_dotenv_speaks_for_one_environment_only(tmp_path: Path, text: str, environment: str, read: bool) -> None:
    (tmp_path / ".env").write_text(text)

    assert ("WORK_POOL" in read_dotenv(tmp_path / ".env", environment)) is read


def test_a_dotenv_that_is_not_utf_8_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=1\nB=\xff\n")

    with pytest.raises(UserError, match="not UTF-8 at byte 6"):
        read_dotenv(tmp_path / ".env", "Local")


def test_the_usual_region_of_aws_tools_is_enough() -> None:
    assert settings({"AWS_DEFAULT_REGION": "eu-west-1"}) == DEV


def test_an_environment_of_another_name_is_as_good() -> None:
    assert settings(name="Staging2").parameter_root == "/DataFlows/Staging2"


# Local ----------------------------------------------------------------------------------------------------------------


def test_local_asks_nobody_and_nothing_exported_leads_it_elsewhere() -> None:
    exported = {
        "PREFECT_API_URL": "https://prod.example.com/api",
        "PREFECT_API_KEY": "pnu_prod",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "https://aws.example.com",
        "AWS_PROFILE": "prod",
        "LAKE_URL": "s3://prod",
        "REGISTRY": "prod.example.com",
        "WORK_POOL": "prod",
    }
    store = Store()

    found = settings(exported, store=store, name="Local")

    assert found == settings({}, name="Local")
    assert (found.prefect_api_url, found.prefect_api_key) == ("http://127.0.0.1:4200/api", None)
    assert found.aws == Connection("us-east-1", "http://127.0.0.1:4566")
    assert found.aws.key == "test"
    assert store.asked == []


def test_local_follows_its_ports(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("AWS_PORT=5000\nPREFECT_PORT=1\n")

    found = settings({"PREFECT_PORT": "65535"}, tmp_path / ".env", name="Local")

    assert found.prefect_api_url == "http://127.0.0.1:65535/api"
    assert (found.aws.endpoint, found.registry) == ("http://127.0.0.1:5000", "localhost:5000")


@pytest.mark.parametrize("value", ["0", "65536", "-1", "80a", "8_0", " 80", "\u0668\u0660", "1" * 5000, "http"])
def test_a_port_that_is_none_is_told(value: str) -> None:
    with pytest.raises(UserError, match=r"AWS_PORT is .* must be a port number from 1 to 65535"):
        local_port({"AWS_PORT": value}, "AWS_PORT", 4566)


# Bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("branches", "environment 'branches' has a name that is taken", "choose another one, e.g. Dev"),
        ("Branches", "environment 'Branches' has a name that is taken", "choose another one, e.g. Dev"),
        ("prod", "environment 'prod' is unknown", "did you mean Prod? ENVIRONMENT=Prod"),
        ("LOCAL", "environment 'LOCAL' is unknown", "did you mean Local? ENVIRONMENT=Local"),
        *(
            (name, f"environment {name!r} is no name: letters and digits only, at most 32, beginning with a letter", "")
            for name in ("", "my-env", "../Dev", "Dev\n", "1st", "D" * 33, "$(id)", "\u0414ev")
        ),
    ],
)
def test_a_name_that_is_no_environments_is_told(name: str, message: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        environment_name(name)

    assert caught.value.message == message
    assert caught.value.hint == (hint or "examples: Local, Dev, Prod")


def test_all_that_is_missing_is_told_at_once_with_where_it_was_looked_for() -> None:
    with pytest.raises(UserError) as caught:
        settings(store=Store({}))

    lines = caught.value.message.splitlines()
    assert [line.split()[0] for line in lines] == [name for name in STORED if name != "PREFECT_API_KEY"]
    assert lines[0] == (
        "PREFECT_API_URL is missing: neither in the process environment, nor in .env, nor at "
        "/DataFlows/Dev/PREFECT_API_URL"
    )
    assert caught.value.hint == 'README.md, "Initial deployment", says what Dev needs'


def test_without_a_region_nothing_is_asked() -> None:
    store = Store()

    with pytest.raises(UserError, match="AWS_REGION is not set for Dev"):
        settings({}, store=store)

    assert store.asked == []


HERE = "the process environment or .env"
BAD_CONNECTIONS = {
    "a region with a newline": (
        {"AWS_REGION": "eu-west-1\n"},
        f"AWS_REGION begins or ends with white space ({HERE}); a trailing newline is a usual cause",
    ),
    "a region that is none": (
        {"AWS_REGION": "Ireland"},
        f"AWS_REGION is 'Ireland' ({HERE}); it must be a region, e.g. eu-west-1",
    ),
    "an endpoint that is none": (
        {**REGION, "AWS_ENDPOINT_URL": "localhost:4566"},
        f"AWS_ENDPOINT_URL is 'localhost:4566' ({HERE}); it must be an http(s) address without a path",
    ),
}


@pytest.mark.parametrize(("process", "expected"), BAD_CONNECTIONS.values(), ids=BAD_CONNECTIONS)
def test_how_aws_is_reached_is_checked_before_it_is_asked(process: dict[str, str], expected: str) -> None:
    store = Store()

    with pytest.raises(UserError) as caught:
        settings(process, store=store)

    assert caught.value.message == expected
    assert store.asked == []


STORE = "/DataFlows/Dev"
BAD_VALUES = {
    "a trailing newline in the store": (
        {"PREFECT_API_KEY": "pnu_canary\n"},
        f"PREFECT_API_KEY begins or ends with white space ({STORE}/PREFECT_API_KEY); a trailing newline is a usual "
        "cause",
    ),
    "an account that is none": (
        {"AWS_ACCOUNT_ID": "1234"},
        f"AWS_ACCOUNT_ID is '1234' ({STORE}/AWS_ACCOUNT_ID); it must be the 12 digits of an account",
    ),
    "a registry with https": (
        {"REGISTRY": "https://registry.example.com"},
        f"REGISTRY is 'https://registry.example.com' ({STORE}/REGISTRY); it must be a host with or without a port, and "
        "without https://",
    ),
    "a lake on the task's own disk": (
        {"LAKE_URL": "file:///lake"},
        f"LAKE_URL is 'file:///lake' ({STORE}/LAKE_URL); it must be s3://BUCKET/PREFIX",
    ),
    "a task role that stands for something else": (
        {"TASK_ROLE": "data-flows-task-{name}"},
        f"TASK_ROLE is 'data-flows-task-{{name}}' ({STORE}/TASK_ROLE); it must be a role; {{service}} in it stands for "
        "the service's name",
    ),
    "a work pool with /": (
        {"WORK_POOL": "a/b"},
        f"WORK_POOL is 'a/b' ({STORE}/WORK_POOL); it must be a name without / % & < >",
    ),
    "a log group with a space": (
        {"LOG_GROUP": "a b"},
        f"LOG_GROUP is 'a b' ({STORE}/LOG_GROUP); it must be a name of letters, digits and _ . / # -",
    ),
}
BAD_KEYS = {"letters that are not Latin": "ключ", "a line break": "pnu_a\nb", "a control character": "pnu_a\x00b"}


@pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_key_that_cannot_be_sent_is_told_and_not_shown(key: str) -> None:
    assert problems(stored={"PREFECT_API_KEY": key}) == [
        f"PREFECT_API_KEY is of another form ({STORE}/PREFECT_API_KEY); it must be letters, digits and signs of ASCII "
        "without spaces"
    ]


@pytest.mark.parametrize("value", ["password", ":password", "user:", "us er:x", "user:x\ny", "user:\u043a", "user:x "])
def test_a_user_and_password_that_are_none_are_told_and_not_shown(value: str) -> None:
    (problem,) = problems(stored={"PREFECT_API_KEY": "", "PREFECT_API_AUTH_STRING": value})

    assert problem.startswith(("PREFECT_API_AUTH_STRING is of another form", "PREFECT_API_AUTH_STRING begins or ends"))


def test_an_api_is_shown_a_key_or_a_user_and_password_and_not_both() -> None:
    both = {"PREFECT_API_AUTH_STRING": "user:pass: word"}
    found = settings(store=Store({**STORED, "PREFECT_API_KEY": "", **both}))

    assert settings().prefect_credential == Credential("PREFECT_API_KEY", "pnu_stored")
    assert found.prefect_credential == Credential("PREFECT_API_AUTH_STRING", "user:pass: word")
    assert problems(stored=both) == [
        "PREFECT_API_KEY and PREFECT_API_AUTH_STRING are both given; a Prefect API wants one of them"
    ]
    assert settings(name="Local").prefect_credential is None
    assert "word" not in repr(found) + repr(found.prefect_credential)


BAD_URLS = {
    "the UI of Prefect Cloud": (
        "https://app.prefect.cloud/account/x/workspace/y",
        "PREFECT_API_URL is https://app.prefect.cloud/account/x/workspace/y, the UI's address; the API's is "
        "https://api.prefect.cloud/api/accounts/…",
    ),
    "Prefect Cloud without a workspace": (
        "https://api.prefect.cloud/api",
        "PREFECT_API_URL is https://api.prefect.cloud/api; Prefect Cloud's has /api/accounts/…/workspaces/… in it",
    ),
    "the UI of a server": (
        "http://prefect.example.com:4200/dashboard",
        "PREFECT_API_URL is http://prefect.example.com:4200/dashboard; a Prefect API's address has /api in it, the "
        "UI's has not",
    ),
    "a word that begins with api": (
        "http://prefect.example.com/apis",
        "PREFECT_API_URL is http://prefect.example.com/apis; a Prefect API's address has /api in it, the UI's has not",
    ),
    "no scheme": (
        "prefect.example.com/api",
        "PREFECT_API_URL is 'prefect.example.com/api'; it must be an http(s) address that ends in /api",
    ),
    "another scheme": (
        "ftp://prefect.example.com/api",
        "PREFECT_API_URL is 'ftp://prefect.example.com/api'; it must be an http(s) address that ends in /api",
    ),
    "half an IPv6 address": ("http://[::1/api", "PREFECT_API_URL is 'http://[::1/api': Invalid IPv6 URL"),
    "a password": (
        "http://me:canary@prefect.example.com/api",
        "PREFECT_API_URL holds a user or a password; give them as PREFECT_API_AUTH_STRING, or a key as PREFECT_API_KEY",
    ),
    "a password without a scheme": (
        "me:canary@prefect.example.com/api",
        "PREFECT_API_URL holds a user or a password; give them as PREFECT_API_AUTH_STRING, or a key as PREFECT_API_KEY",
    ),
}


@pytest.mark.parametrize(("stored", "expected"), BAD_VALUES.values(), ids=BAD_VALUES)
def test_a_value_that_cannot_be_is_told_with_where_it_stands(stored: dict[str, str], expected: str) -> None:
    assert problems(stored=stored) == [expected]


@pytest.mark.parametrize(("url", "expected"), BAD_URLS.values(), ids=BAD_URLS)
def test_an_address_that_is_no_prefect_api_is_told(url: str, expected: str) -> None:
    assert problems(stored={"PREFECT_API_URL": url}) == [expected]


def test_a_port_that_is_no_number_is_told() -> None:
    (problem,) = problems(stored={"PREFECT_API_URL": "http://prefect.example.com:port/api"})

    assert problem.startswith("PREFECT_API_URL is 'http://prefect.example.com:port/api': Port could not be cast")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:4200/api",
        "https://prefect.example.com/team/api/",
        "https://api.prefect.cloud/api/accounts/11111111-1111/workspaces/2222-22",
        "http://[::1]:4200/api",
    ],
)
def test_an_api_may_be_at(url: str) -> None:
    assert settings(store=Store({**STORED, "PREFECT_API_URL": url})).prefect_api_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://h/api?x=1", "http://h/api#x", "http://h h/api", "http://h\n/api", "http://h:99999/api"]
)
def test_an_address_that_no_request_can_have_is_told(url: str) -> None:
    (problem,) = problems(stored={"PREFECT_API_URL": url})
    assert problem.startswith("PREFECT_API_URL is ")


def test_no_key_is_ever_shown() -> None:
    found = settings(store=Store({**STORED, "PREFECT_API_KEY": "pnu_canary"}))

    assert "canary" not in repr(found)
    assert "canary" not in " ".join(problems(stored={"PREFECT_API_KEY": "pnu_canary\n", "WORK_POOL": "/"}))


def test_the_readme_names_each_setting_that_an_environment_keeps() -> None:
    table = (
        (ROOT / "README.md").read_text("utf-8").partition("below `/DataFlows/Dev/`")[2].partition("Whoever deploys")[0]
    )
    named = set(re.findall(r"`([A-Z_]+)`", table))
    settings_ = {item.metadata["name"] for item in fields(Settings) if item.metadata}
    # A registry other than ECR's own is an emulator's.
    assert named == settings_ - {"REGISTRY"}
