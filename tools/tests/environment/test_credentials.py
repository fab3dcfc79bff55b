"""What a Prefect API wants to be shown: told, tried, stored and used, on a real server that wants a password.

And nowhere else to be read: a canary is typed at a terminal, and searched for.
"""

from __future__ import annotations

import io
import json
import os
import pty
import select
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tools.arguments import StoreSecret
from tools.bench.own_cloud import free_port
from tools.clients import ssm
from tools.clients.cloudformation import CloudFormation
from tools.clients.prefect_api import PrefectApi
from tools.environment.credentials import store, stored, wanted
from tools.errors import RemoteError, UserError
from tools.model.credential import AUTH_STRING, CREDENTIALS, KEY, Credential
from tools.settings import Connection
from tools.tests.proxy import Proxy, Request
from tools.tests.repositories import Repository, make_service
from tools.tests.samples import unique
from tools.tests.servers import bare_environment, serving
from tools.tests.standing import Standing
from tools.verbs import account

CANARY = "canary:canary pass-word"
RIGHT, WRONG = Credential(AUTH_STRING, CANARY), Credential(AUTH_STRING, "canary:another")
IMAGE = f"registry.example.com/worker@sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, prefect_api_url: str, prefect_home: Path) -> Iterator[str]:
    """The address of a real Prefect server that wants a user and a password.

    It has a copy of the other one's database: making a new one takes twice as long as all the rest of its start.
    """
    home, port = tmp_path_factory.mktemp("guarded"), free_port()
    theirs, ours = (sqlite3.connect(place / "prefect.db") for place in (prefect_home, home))
    with closing(theirs), closing(ours):
        theirs.backup(ours)
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_LOGGING_LEVEL": "WARNING"}
    environment = bare_environment(PREFECT_HOME=str(home), PREFECT_SERVER_API_AUTH_STRING=CANARY, **quiet)
    program = str(Path(sys.executable).with_name("prefect"))
    command = [program, "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui", "--no-services"]
    for _ in serving(command, f"http://127.0.0.1:{port}/api/health", home / "server.log", environment):
        yield f"http://127.0.0.1:{port}/api"


@pytest.fixture
def environment() -> str:
    """The name of an environment that no other test uses."""
    return unique("Env").replace("-", "")


def test_what_an_api_wants_is_told(guarded: str, prefect_api_url: str) -> None:
    assert wanted(guarded) == AUTH_STRING
    assert wanted(prefect_api_url) == "nothing"
    assert wanted("https://api.prefect.cloud/api/accounts/a/workspaces/w") == KEY
    assert wanted(f"http://127.0.0.1:{free_port()}/api") == "unknown"


def test_a_server_is_shown_what_it_wants_as_by_its_own_client_and_its_refusals_are_told(guarded: str) -> None:
    PrefectApi(guarded, RIGHT).every_deployment()

    for shown, said in {
        WRONG: "Prefect refused the user and password at ",
        Credential(KEY, "pnu_canary"): "Prefect refused the key at ",
        None: "Prefect wants a key, or a user and a password, at ",
    }.items():
        with pytest.raises(RemoteError) as refused:
            PrefectApi(guarded, shown).every_deployment()
        assert refused.value.message.startswith(said)
        assert "canary" not in refused.value.message + refused.value.hint


def test_only_what_the_api_takes_is_stored(guarded: str, ministack: Connection, environment: str) -> None:
    with pytest.raises(UserError, match="refuses this user and password"):
        store(ministack, environment, guarded, WRONG)
    for name in CREDENTIALS:
        with pytest.raises(UserError, match=f"{name} is of another form"):
            store(ministack, environment, guarded, Credential(name, "canary\nX: y"))
    assert stored(ministack, environment) is None

    assert store(ministack, environment, guarded, RIGHT) is True

    assert stored(ministack, environment) == AUTH_STRING
    assert ssm.tree(ministack, f"/DataFlows/{environment}") == {AUTH_STRING: CANARY}
    with pytest.raises(UserError, match=f"/DataFlows/{environment}/{AUTH_STRING} is there already"):
        store(ministack, environment, guarded, Credential(KEY, "pnu_canary"))


def test_where_the_api_cannot_be_asked_it_is_stored_untried(ministack: Connection, environment: str) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/api"

    assert [store(ministack, environment, url, Credential(KEY, "pnu_1")) for url in ("", nobody)] == [False, False]
    assert stored(ministack, environment) == KEY


def test_an_environment_that_has_both_is_told(ministack: Connection, environment: str) -> None:
    for name in CREDENTIALS:
        ssm.put(ministack, f"/DataFlows/{environment}/{name}", "canary", secret=True)

    with pytest.raises(UserError, match="are both there; a Prefect API wants one of them"):
        stored(ministack, environment)


def at_a_terminal(home: Path, arguments: list[str], typed: str, **variables: str) -> tuple[int, str]:
    """Runs the tools at a terminal, types a line where a secret is asked for; gives the code and all that is shown."""
    ours, theirs = pty.openpty()
    command = ["setsid", "--ctty", "--wait", sys.executable, "-m", "tools", *arguments]
    environment = {**bare_environment(**variables), "TERM": "dumb", "COLUMNS": "200"}
    process = subprocess.Popen(command, cwd=home, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown, answered = "", False
    while select.select([ours], [], [], 60)[0]:
        try:
            shown += os.read(ours, 1 << 16).decode("utf-8", "replace")
        except OSError:  # the other end is closed
            break
        if "(not shown): " in shown and not answered:
            answered = True
            os.write(ours, f"{typed}\n".encode())
    os.close(ours)
    return process.wait(30), shown


def test_what_is_typed_at_a_bootstrap_reaches_the_api_and_the_store_and_nothing_else(
    guarded: str, ministack: Connection, environment: str, tmp_path: Path
) -> None:
    checkout, standing, seen = Repository(tmp_path), Standing(ministack, environment), list[Request]()
    make_service(tmp_path, "hello")
    ec2 = standing.client("ec2")
    subnets = ",".join(item["SubnetId"] for item in ec2.describe_subnets()["Subnets"][:2])
    ground = ["--vpc", ec2.describe_vpcs()["Vpcs"][0]["VpcId"], "--subnets", subnets, "--prefect-api-url", guarded]
    bootstrap = [
        "bootstrap",
        "--environment",
        environment,
        *ground,
        "--worker-image",
        IMAGE,
        "--work-pool",
        environment,
    ]

    with Proxy(str(ministack.endpoint), before=seen.append).serving() as port:
        variables = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_REGION": ministack.region}
        alone = checkout.run(*bootstrap, "--yes", **variables)
        assert alone.returncode == 2
        assert f"python -m tools secret {AUTH_STRING} --environment {environment}" in alone.stderr
        assert standing.stack("run") == {}

        code, shown = at_a_terminal(tmp_path, [*bootstrap, "--yes"], CANARY, **variables)

    assert code == 0, shown
    assert "create  secret" in shown
    assert f"{AUTH_STRING}, the Prefect API's user and password (not shown): " in shown
    told = {str(request) for request in seen if has_canary(request.body.decode("utf-8", "replace"))}
    assert told == {"POST / PutParameter"}
    assert not has_canary(shown)
    assert ssm.tree(ministack, f"/DataFlows/{environment}")[AUTH_STRING] == CANARY
    template = json.dumps(CloudFormation(ministack).template(f"data-flows-{environment}-run"))
    assert f'{{"Name": "{AUTH_STRING}", "ValueFrom": "arn:aws:ssm:' in template
    assert not has_canary(template)


def test_elsewhere_it_is_read_from_standard_input(
    guarded: str, ministack: Connection, environment: str, tmp_path: Path
) -> None:
    checkout = Repository(tmp_path)
    pipe = f'printf "%s\\n" "$TYPED" | {sys.executable} -m tools secret {AUTH_STRING} --environment {environment}'
    variables = {"AWS_ENDPOINT_URL": str(ministack.endpoint), "AWS_REGION": ministack.region}
    ssm.put(ministack, f"/DataFlows/{environment}/PREFECT_API_URL", guarded)

    done = checkout.call(["sh", "-c", pipe], TYPED=CANARY, **variables)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"/DataFlows/{environment}/{AUTH_STRING} is stored. What runs already takes it at its next start.\n"
    )
    assert ssm.tree(ministack, f"/DataFlows/{environment}")[AUTH_STRING] == CANARY


@pytest.mark.parametrize("given", ["", "\n", "\r\n"])
def test_standard_input_that_has_none_is_told(
    given: str, ministack: Connection, environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", ministack.region)
    monkeypatch.setenv("AWS_ENDPOINT_URL", str(ministack.endpoint))
    monkeypatch.setattr("sys.stdin", io.StringIO(given, newline=""))

    with pytest.raises(UserError, match=f"standard input has no {KEY}"):
        account.run(StoreSecret(KEY, None, environment))
    assert stored(ministack, environment) is None


def has_canary(text: str) -> bool:
    """Whether it can be read in a text, plain or as a header has it."""
    return any(secret in text for secret in RIGHT.secrets)
