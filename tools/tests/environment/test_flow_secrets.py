"""A flow's secret: stored where its service.toml says, in .env for this machine, and shown nowhere."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tools.bench.own_cloud import free_port
from tools.clients import ssm
from tools.clients.aws import client
from tools.settings import LOCAL, Connection, read_dotenv
from tools.tests.repositories import STORAGE, Repository, make_service
from tools.tests.samples import unique
from tools.tests.servers import bare_environment

CANARY = "canary '$x\" # pass-word"
SECRETS = '\n[ecs_run]\nsecrets = { TOKEN = "ORDERS_TOKEN" }\n'


class Shop:
    """A repository with a flow that declares a secret."""

    def __init__(self, home: Path) -> None:
        self.home = home
        Repository(home)
        make_service(home, "orders", {"service.toml": STORAGE.replace("hello", "orders") + SECRETS})

    def store(self, *arguments: str, value: str = CANARY, code: int = 0, variables: Mapping[str, str]) -> str:
        """What the verb says, which gets a value from a pipe."""
        done = subprocess.run(
            [sys.executable, "-m", "tools", "secret", *arguments],
            cwd=self.home,
            env={**bare_environment(**variables), "COLUMNS": "200"},
            input=value,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = done.stdout + done.stderr
        assert done.returncode == code, said
        assert "canary" not in said
        assert "Traceback" not in said
        return said


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """The repository."""
    return Shop(tmp_path)


def nowhere() -> dict[str, str]:
    """The port of a local cloud that is not up."""
    return {"AWS_PORT": str(free_port())}


def test_it_is_stored_where_the_tasks_of_an_environment_take_it(shop: Shop, ministack: Connection) -> None:
    name = unique("Env").replace("-", "")
    aws = {"AWS_ENDPOINT_URL": str(ministack.endpoint), "AWS_REGION": ministack.region}

    said = shop.store("TOKEN", "--flow", "orders", "--environment", name, value=f"{CANARY}\n", variables=aws)

    assert f"/DataFlows/{name}/orders/ORDERS_TOKEN is stored" in said
    assert ssm.tree(ministack, f"/DataFlows/{name}/orders") == {"ORDERS_TOKEN": CANARY}
    listed = client(ministack, "ssm").describe_parameters(
        ParameterFilters=[{"Key": "Name", "Values": [f"/DataFlows/{name}/orders/ORDERS_TOKEN"]}]
    )
    assert listed["Parameters"][0]["Type"] == "SecureString"
    assert not (shop.home / ".env").exists()


def test_locally_it_stands_in_dotenv_for_its_owner_alone_and_the_rest_stays(shop: Shop) -> None:
    dotenv = shop.home / ".env"
    dotenv.write_text("# mine\nTOKEN=old\nOTHER=1")

    said = shop.store("TOKEN", "--flow", "orders", variables=nowhere())

    assert "TOKEN is stored in .env" in said
    assert "The local cloud has not got it: the AWS emulator does not answer" in said
    assert read_dotenv(dotenv, LOCAL) == {"TOKEN": CANARY, "OTHER": "1"}
    assert dotenv.read_text().startswith("# mine\n")
    assert stat.S_IMODE(dotenv.stat().st_mode) == 0o600


def test_a_local_cloud_that_is_up_gets_it_too(shop: Shop, ministack: Connection) -> None:
    said = shop.store("TOKEN", "--flow", "orders", variables={"AWS_PORT": str(ministack.endpoint).rpartition(":")[2]})

    assert "/DataFlows/Local/orders/ORDERS_TOKEN is stored in the local cloud" in said
    assert ssm.tree(ministack, "/DataFlows/Local/orders") == {"ORDERS_TOKEN": CANARY}
    ssm.remove(ministack, "/DataFlows/Local/orders/ORDERS_TOKEN")


@pytest.mark.parametrize(
    ("arguments", "value", "said"),
    [
        (["TOKN", "--flow", "orders"], CANARY, "has no secret TOKN in Local; it declares TOKEN"),
        (["TOKEN", "--flow", "order"], CANARY, "did you mean orders?"),
        (["TOKEN"], CANARY, "TOKEN is nothing that a Prefect API wants"),
        (["TOKEN", "--flow", "orders"], "", "standard input has no TOKEN"),
        (["TOKEN", "--flow", "orders"], "canary" * 1000, "more than 4096 bytes"),
        (["TOKEN", "--flow", "orders"], "canary${x}", "which .env gives back otherwise"),
        (["TOKEN", "--flow", "orders"], "canary\\", "which .env gives back otherwise"),
        (["TOKEN", "--flow", "orders", "--environment", "Dev"], CANARY, "AWS_REGION is not set for Dev"),
        (["TOKEN", "--flow", "orders", "--environment", "prod"], CANARY, "did you mean Prod?"),
    ],
)
def test_what_cannot_be_stored_is_told_and_changes_nothing(
    shop: Shop, arguments: list[str], value: str, said: str
) -> None:
    (shop.home / ".env").write_text("TOKEN=old\n")

    assert said in shop.store(*arguments, value=value, code=2, variables=nowhere())

    assert (shop.home / ".env").read_text() == "TOKEN=old\n"


def test_a_dotenv_that_speaks_for_another_environment_is_left_alone(shop: Shop) -> None:
    (shop.home / ".env").write_text("ENVIRONMENT=Dev\n")

    said = shop.store("TOKEN", "--flow", "orders", "--environment", "Local", code=2, variables=nowhere())

    assert "speaks for Dev, not for Local" in said
    assert (shop.home / ".env").read_text() == "ENVIRONMENT=Dev\n"
