"""The Parameter Store as the stages rely on it, proven on two emulators."""

from __future__ import annotations

import pytest

from tools.clients import ssm
from tools.clients.aws import session
from tools.settings import Connection
from tools.tests.samples import unique
from tools.tests.servers import EMULATORS


@pytest.mark.parametrize("emulator", EMULATORS)
def test_an_environments_tree_is_read_decrypted_and_without_what_lies_deeper(
    emulator: str, request: pytest.FixtureRequest
) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    root = f"/DataFlows/{unique('Env')}"
    client = session(connection).client("ssm", endpoint_url=connection.endpoint)
    wanted = {f"NAME_{number:02}": f"value {number}" for number in range(25)}
    for name, value in wanted.items():
        client.put_parameter(Name=f"{root}/{name}", Value=value, Type="String")
    client.put_parameter(Name=f"{root}/PREFECT_API_KEY", Value="canary", Type="SecureString")
    client.put_parameter(Name=f"{root}/service/SOURCE_URL", Value="deeper", Type="String")
    assert ssm.tree(connection, root) == {**wanted, "PREFECT_API_KEY": "canary"}


@pytest.mark.parametrize("emulator", EMULATORS)
def test_missing_parameters_are_named(emulator: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    root = f"/DataFlows/{unique('Env')}"
    client = session(connection).client("ssm", endpoint_url=connection.endpoint)
    for number in range(0, 110, 2):
        client.put_parameter(Name=f"{root}/P{number:03}", Value="v", Type="String")
    absent = [f"{root}/P{number:03}" for number in range(1, 110, 2)]
    assert sorted(ssm.missing(connection, [f"{root}/P{number:03}" for number in range(110)])) == absent


@pytest.mark.parametrize("emulator", EMULATORS)
def test_a_parameter_is_written_over_read_listed_and_removed(emulator: str, request: pytest.FixtureRequest) -> None:
    connection: Connection = request.getfixturevalue(emulator)
    root = f"/DataFlows/{unique('Env')}"
    deep, secret = f"{root}/feature/x-1.0_b", f"{root}/KEY"
    assert ssm.value(connection, deep) is None

    for value in ("Dev", "Prod"):
        ssm.put(connection, deep, value)
    ssm.put(connection, secret, "canary", secret=True)

    assert ssm.value(connection, deep) == "Prod"
    assert ssm.value(connection, secret) != "canary"
    assert ssm.deep_tree(connection, root) == {"feature/x-1.0_b": "Prod", "KEY": "canary"}
    assert ssm.names_below(connection, root) == [secret, deep]
    for _ in range(2):
        ssm.remove(connection, deep)
    assert ssm.deep_tree(connection, root) == {"KEY": "canary"}
