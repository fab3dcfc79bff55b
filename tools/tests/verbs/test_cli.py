"""The verbs that see and undo, as a user meets them: help, bad input, systems that are down; never a traceback."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.bench.own_cloud import free_port
from tools.clients.ecs import Ecs
from tools.clients.prefect_api import PrefectApi
from tools.settings import Connection
from tools.tests.proxy import Proxy, Reply
from tools.tests.repositories import STORAGE, Repository, make_service
from tools.tests.samples import draft, prefect_deployment, unique
from tools.tests.servers import make_pool

VERBS = ("plan", "status", "history", "rollback", "prune", "unlock")
Done = subprocess.CompletedProcess[str]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with one service."""
    made = Repository(tmp_path)
    make_service(tmp_path, "hello", {"service.toml": STORAGE + '[[deployments]]\nname = "main"\n'})
    return made


def port(address: str | None) -> str:
    """The port of an address."""
    return str(address).rsplit(":", 1)[1].partition("/")[0]


def refused(done: Done, code: int, *said: str) -> None:
    """The verb ended with this code and one clear error."""
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error:") == 1
    missing = [text for text in said if text not in " ".join(done.stderr.split())]
    assert not missing, done.stderr


# Arguments ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help_with_an_example(repository: Repository, verb: str) -> None:
    done = repository.run(verb, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert f"example:\n  python -m tools {verb}" in done.stdout


ARGUMENTS: dict[str, tuple[list[str], str]] = {
    "no name to history": (["history"], "NAME"),
    "no name to rollback": (["rollback"], "NAME"),
    "a name too many": (["history", "a", "b"], "unrecognized arguments: b"),
    "an unknown format": (["plan", "--format", "xml"], "invalid choice: 'xml'"),
    "both words on drift": (["rollback", "hello", "--keep", "--overwrite"], "not allowed with argument"),
    "a word too many": (["prune", "hello"], "unrecognized arguments: hello"),
    "--to without a release": (["rollback", "hello", "--to"], "expected one argument"),
}


@pytest.mark.parametrize(("arguments", "said"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_wrong_arguments_end_with_code_2_and_what_is_wrong(
    repository: Repository, arguments: list[str], said: str
) -> None:
    refused(repository.run(*arguments), 2, said)


ENVIRONMENTS = {"small letters": "prod", "a path": "../Prod", "spaces": "Pr od", "nothing but a dash": "-"}


@pytest.mark.parametrize(
    ("verb", "environment"),
    [*(("plan", name) for name in ENVIRONMENTS.values()), *((verb, "prod") for verb in VERBS if verb != "plan")],
)
def test_an_environment_that_is_none_is_refused(repository: Repository, verb: str, environment: str) -> None:
    name = ["hello"] if verb in ("history", "rollback") else []

    refused(repository.run(verb, *name, f"--environment={environment}"), 2, "environment ")


NAMES = {
    "capitals": "Hello",
    "a path": "../hello",
    "an absolute path": "/etc",
    "a command": "x; touch pwned",
    "a substitution": "$(touch pwned)",
    "a line break": "a\nb",
    "letters that look alike": "h\u0435llo",
    "300 letters": "a" * 300,
    "nothing": "",
}


@pytest.mark.parametrize("verb", ["plan", "rollback"])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_that_is_none_is_refused_before_anything_is_asked(repository: Repository, verb: str, name: str) -> None:
    nobody = str(free_port())
    before = repository.files()

    refused(repository.run(verb, name, PREFECT_PORT=nobody, AWS_PORT=nobody), 2)
    assert repository.files() == before


# Systems that are down or broken --------------------------------------------------------------------------------------


@contextmanager
def answering(status: int, kind: str, body: str) -> Iterator[str]:
    """A server that gives one answer to everything; gives its port."""
    with Proxy(None, before=lambda _: Reply(status, body.encode(), {"content-type": kind})).serving() as port:
        yield str(port)


CALLS: dict[str, list[str]] = {
    "plan": ["plan"],
    "status": ["status"],
    "history": ["history", "hello"],
    "rollback": ["rollback", "hello"],
    "prune": ["prune"],
    "prune for good": ["prune", "--yes"],
    "unlock": ["unlock"],
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_without_a_prefect_server_the_error_says_what_to_do(
    repository: Repository, call: list[str], moto: Connection
) -> None:
    done = repository.run(*call, PREFECT_PORT=str(free_port()), AWS_PORT=port(moto.endpoint))

    refused(done, 1, "Prefect: nothing answers at http://127.0.0.1:", "start the local cloud: make up")


ANSWERS: dict[str, tuple[int, str, str, str]] = {
    "an error": (500, "application/json", '{"exception_message": "oops"}', "Prefect answered 500 to"),
    "an error without words": (500, "text/plain", "", "Prefect answered 500 to"),
    "a page": (200, "text/html", "<html>welcome</html>", "is no Prefect API"),
    "a refusal": (401, "application/json", "{}", "Prefect wants a key"),
    "nothing there": (404, "application/json", "{}", "Prefect answered 404 to"),
    "JSON that is cut off": (200, "application/json", '[{"id": "1", "na', "broke off"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_each_verb_tells_a_prefect_server_that_is_broken(
    repository: Repository, call: list[str], moto: Connection
) -> None:
    status, kind, body, said = ANSWERS["an error"]
    with answering(status, kind, body) as broken:
        refused(repository.run(*call, PREFECT_PORT=broken, AWS_PORT=port(moto.endpoint)), 1, said)


@pytest.mark.parametrize(("status", "kind", "body", "said"), ANSWERS.values(), ids=ANSWERS)
def test_whatever_a_broken_prefect_server_answers_is_one_clear_error(
    repository: Repository, status: int, kind: str, body: str, said: str, moto: Connection
) -> None:
    with answering(status, kind, body) as broken:
        refused(repository.run("status", PREFECT_PORT=broken, AWS_PORT=port(moto.endpoint)), 1, said)


@pytest.mark.parametrize("call", [CALLS[name] for name in ("plan", "status", "history", "rollback", "prune")])
def test_without_aws_the_error_says_what_to_do(repository: Repository, call: list[str], prefect_api_url: str) -> None:
    done = repository.run(*call, PREFECT_PORT=port(prefect_api_url), AWS_PORT=str(free_port()))

    refused(done, 1, "does not answer", "make up")


# A server that works --------------------------------------------------------------------------------------------------


@pytest.fixture
def cloud(prefect_api_url: str, moto: Connection) -> Iterator[tuple[Proxy, Proxy, dict[str, str]]]:
    """A local cloud on ports of its own, behind recorders, and the variables that lead there."""
    prefect, aws = Proxy(prefect_api_url.removesuffix("/api")), Proxy(str(moto.endpoint))
    with prefect.serving() as prefect_port, aws.serving() as aws_port:
        yield prefect, aws, {"PREFECT_PORT": str(prefect_port), "AWS_PORT": str(aws_port)}


@pytest.mark.parametrize("verb", ["history", "rollback"])
def test_a_flow_that_was_never_deployed_is_told_so(
    repository: Repository, cloud: tuple[Proxy, Proxy, dict[str, str]], verb: str
) -> None:
    name = unique("never")
    done = repository.run(verb, name, **cloud[2])

    refused(done, 2, f"{name} has no release in Local: it was never deployed there", f"make deploy-flow NAME={name}")


def test_verbs_that_look_are_json_on_demand_and_write_nothing(
    repository: Repository, cloud: tuple[Proxy, Proxy, dict[str, str]]
) -> None:
    prefect, aws, variables = cloud
    before = repository.files()

    plan = repository.run("plan", "hello", "--json", **variables)
    assert (plan.returncode, plan.stderr) == (0, "")
    (planned,) = json.loads(plan.stdout)["flows"]
    assert [action["verb"] for action in planned["actions"]] == ["build", "push", "import", "release", "create"]
    status = repository.run("status", "hello", "--json", **variables)
    assert status.returncode == 0, status.stderr
    (stands,) = json.loads(status.stdout)["flows"]
    assert (stands["name"], stands["state"]) == ("hello", ["not deployed"])
    pruned = repository.run("prune", "--json", **variables)
    assert json.loads(pruned.stdout)["deleted"] is False
    assert (prefect.writes, aws.writes) == ([], [])
    assert repository.files() == before


def test_a_plan_in_markdown_and_with_a_check(
    repository: Repository, cloud: tuple[Proxy, Proxy, dict[str, str]]
) -> None:
    done = repository.run("plan", "hello", "--format", "markdown", "--check", **cloud[2])

    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("### Deploy plan for Local: 1 to change\n\n**hello** (a new release)\n")


def test_an_unknown_service_is_told_with_those_there_are(
    repository: Repository, cloud: tuple[Proxy, Proxy, dict[str, str]]
) -> None:
    for verb in ("plan", "status"):
        refused(repository.run(verb, "helo", **cloud[2]), 2, "helo", "hello")
    assert (cloud[0].requests, cloud[1].requests) == ([], [])


def test_a_flow_that_left_is_told_and_what_was_duplicated_from_it_is_not(
    repository: Repository, cloud: tuple[Proxy, Proxy, dict[str, str]], prefect_api_url: str, moto: Connection
) -> None:
    make_pool(prefect_api_url)
    flow, api = unique("left"), PrefectApi(prefect_api_url)
    gone = Ecs(moto).make_release(draft(flow))
    points = {"version": "1", "job_variables": {"task_definition_arn": gone.arn}}
    made = [api.create(prefect_deployment(flow, name=name, schedules=(), **points)) for name in ("daily", "daily-copy")]

    notes = json.loads(repository.run("plan", "--json", **cloud[2]).stdout)["notes"]
    pruned = json.loads(repository.run("prune", "--json", **cloud[2]).stdout)["deployments"]
    for item in made:
        api.remove(item.id)

    assert [note["subject"] for note in notes if flow in note["subject"]] == [f"deployment {flow}/daily"]
    assert [name for name in pruned if flow in name] == [f"{flow}/daily"]


# A broken service beside a good one -----------------------------------------------------------------------------------

BROKEN: dict[str, tuple[dict[str, str | bytes | None], str]] = {
    "flow.py is no Python": ({"flow.py": "def bad(:\n"}, "services/bad/flow.py:1: is not Python"),
    "service.toml is no TOML": ({"service.toml": "= 1\n"}, "services/bad/service.toml:1: not TOML"),
    "service.toml has an unknown key": (
        {"service.toml": STORAGE + "[ecs_run]\ncpus = 1\n"},
        "services/bad/service.toml:4: ecs_run.cpus: unknown key; did you mean cpu?",
    ),
    "service.toml is missing": ({"service.toml": None}, "services/bad/service.toml: is missing"),
    "no Dockerfile": ({"Dockerfile": None}, "services/bad/Dockerfile: is missing"),
    "no .dockerignore": ({".dockerignore": None}, "services/bad/.dockerignore: is missing"),
    "a .dockerignore that is no text": ({".dockerignore": b"\xff\n"}, "services/bad/.dockerignore: not UTF-8"),
    "a secret in its context": ({".env": "A=1\n"}, "services/bad/.env: looks like a secret"),
}


@pytest.mark.parametrize(("files", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_service_is_left_out_with_its_reason_and_the_others_go_on(
    repository: Repository,
    cloud: tuple[Proxy, Proxy, dict[str, str]],
    files: dict[str, str | bytes | None],
    said: str,
) -> None:
    make_service(repository.root, "bad", files)

    plan = repository.run("plan", "--json", **cloud[2])
    text = repository.run("plan", **cloud[2])

    assert plan.returncode == 2, plan.stderr
    told = json.loads(plan.stdout)
    assert (plan.returncode, text.returncode) == (2, 2)
    assert [item["name"] for item in told["flows"]] == ["hello"]
    (broken,) = told["broken"]
    assert broken["name"] == "bad"
    assert said in " ".join(broken["problems"])
    assert said in " ".join(text.stdout.split())
    assert "1 to change, 1 left out" in text.stdout


def test_a_broken_service_stops_neither_list_nor_status_nor_a_good_ones_name(
    repository: Repository, cloud: tuple[Proxy, Proxy, dict[str, str]]
) -> None:
    make_service(repository.root, "bad", {"flow.py": "def bad(:\n"})

    for verb in (["list"], ["status"]):
        done = repository.run(*verb, **cloud[2])
        assert done.returncode == 2
        assert "hello" in done.stdout
        assert "services/bad/flow.py:1: is not Python" in done.stderr
        assert "bad was left out; the others went on" in done.stderr
    assert repository.run("plan", "hello", **cloud[2]).returncode == 0
    assert repository.run("plan", "bad", **cloud[2]).returncode == 2


def test_what_a_broken_service_has_is_neither_stray_nor_pruned(
    repository: Repository, cloud: tuple[Proxy, Proxy, dict[str, str]], prefect_api_url: str, moto: Connection
) -> None:
    make_pool(prefect_api_url)
    flow, api = unique("bad"), PrefectApi(prefect_api_url)
    make_service(repository.root, flow, {"service.toml": "= 1\n"})
    made = Ecs(moto).make_release(draft(flow))
    points = {"version": "1", "job_variables": {"task_definition_arn": made.arn}}
    live = api.create(prefect_deployment(flow, schedules=(), **points))

    notes = json.loads(repository.run("plan", "--json", **cloud[2]).stdout)["notes"]
    pruned = repository.run("prune", "--yes", **cloud[2])
    still_there = [item.id for item in api.deployments([flow])]
    api.remove(live.id)

    assert [note for note in notes if flow in note["subject"]] == []
    assert pruned.returncode == 2
    assert f"services/{flow}/service.toml:1: not TOML" in pruned.stderr
    assert still_there == [live.id]


# Parameters of a run --------------------------------------------------------------------------------------------------

PARAMS = {
    "an unknown one": ('{"tabel": "x"}', "the flow has no parameter 'tabel'; it has table, limit"),
    "one of another type": ('{"table": "x", "limit": "many"}', "parameter limit: 'many' is not of type 'integer'"),
    "one too few": ('{"limit": 1}', "the flow's parameter 'table' has no default, and no value here"),
}


@pytest.mark.parametrize(("params", "said"), PARAMS.values(), ids=PARAMS)
def test_a_run_with_parameters_that_its_flow_does_not_take_is_not_started(
    repository: Repository, cloud: tuple[Proxy, Proxy, dict[str, str]], prefect_api_url: str, params: str, said: str
) -> None:
    make_pool(prefect_api_url)
    flow, api = unique("run"), PrefectApi(prefect_api_url)
    make_service(repository.root, flow)
    schema = {
        "type": "object",
        "properties": {"table": {"type": "string"}, "limit": {"type": "integer", "default": 1}},
        "required": ["table"],
    }
    made = api.create(prefect_deployment(flow, schedules=(), parameters={}, parameter_schema=schema))

    done = repository.run("trigger", flow, "--deployment", made.name, "--params", params, **cloud[2])
    ran = list(api.all("flow_runs", {"deployments": {"id": {"any_": [made.id]}}}))
    api.remove(made.id)

    refused(done, 2, said, "no run was started")
    assert ran == []
