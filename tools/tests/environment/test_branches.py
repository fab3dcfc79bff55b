"""Which environment a branch deploys to: kept in an emulator's Parameter Store, found by a real git's branch."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.arguments import parse
from tools.clients import ssm
from tools.environment.branches import Followed, entries, followed, problems, put, remove
from tools.errors import ToolsError, UserError
from tools.settings import Connection
from tools.tests.proxy import Proxy, Reply
from tools.tests.repositories import Repository
from tools.tests.samples import unique
from tools.verbs.environment import chosen

NOWHERE = Path("/nowhere")


def git(root: Path, *arguments: str) -> None:
    """Runs git as nobody in particular."""
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com"]
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True, capture_output=True)


class Clone:
    """A clone on a branch of its own, and an environment of its own that this account has."""

    def __init__(self, root: Path, aws: Connection) -> None:
        self.root, self.aws = root, aws
        self.environment, self.branch = unique("Env").replace("-", ""), f"feature/{unique('branch')}_1.0"
        git(root, "init", "--quiet", "--initial-branch", self.branch)
        git(root, "commit", "--quiet", "--allow-empty", "--message", "Begin")
        ssm.put(aws, f"/DataFlows/{self.environment}/PREFECT_API_URL", "https://prefect.example.com/api")
        self.variables = {"AWS_REGION": aws.region, "AWS_ENDPOINT_URL": str(aws.endpoint)}

    def followed(self, root: Path | None = None, **more: str) -> Followed | None:
        """What the branch says."""
        return followed(root or self.root, {**self.variables, **more}, NOWHERE)


@pytest.fixture
def clone(tmp_path: Path, ministack: Connection) -> Clone:
    """A clone on a branch without an entry."""
    return Clone(tmp_path, ministack)


def test_a_branch_deploys_where_its_entry_says_until_there_is_none(clone: Clone) -> None:
    assert clone.followed() is None

    put(clone.aws, clone.branch, clone.environment)

    assert clone.followed() == Followed(clone.branch, clone.environment)
    assert entries(clone.aws)[clone.branch] == clone.environment
    git(clone.root, "worktree", "add", "--quiet", "-b", "other", str(clone.root / "tree"))
    assert clone.followed(clone.root / "tree") is None
    git(clone.root, "checkout", "--quiet", "--detach")
    assert clone.followed() is None
    git(clone.root / "tree", "checkout", "--quiet", clone.branch)
    assert clone.followed(clone.root / "tree") == Followed(clone.branch, clone.environment)

    remove(clone.aws, clone.branch)
    assert clone.followed(clone.root / "tree") is None


def test_a_pull_request_is_on_no_branch_whatever_its_author_called_it(clone: Clone) -> None:
    put(clone.aws, clone.branch, clone.environment)

    assert clone.followed(GITHUB_HEAD_REF=clone.branch) is None


@pytest.mark.parametrize("where", ["no region", "no git", "no credentials", "a name that no parameter can have"])
def test_nobody_is_asked(where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    if where != "no git":
        git(tmp_path, "init", "--quiet", "--initial-branch", "main#1" if "name" in where else "main")
    proxy = Proxy(None, before=lambda _: Reply(500))
    with proxy.serving() as port:
        variables = {"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        left_out = {"no region": "AWS_REGION", "no credentials": "AWS_ENDPOINT_URL"}.get(where, "")
        variables.pop(left_out, None)

        assert followed(tmp_path, variables, NOWHERE) is None
    assert proxy.requests == []


def test_the_region_may_stand_in_dotenv_whichever_environment_that_speaks_for(clone: Clone, tmp_path: Path) -> None:
    put(clone.aws, clone.branch, clone.environment)
    dotenv = tmp_path / "dotenv"
    dotenv.write_text("\n".join(f"{name}={value}" for name, value in {**clone.variables, "ENVIRONMENT": "Dev"}.items()))

    assert followed(clone.root, {}, dotenv) == Followed(clone.branch, clone.environment)


@pytest.mark.parametrize(("status", "code"), [(400, "ExpiredTokenException"), (400, "AccessDeniedException")])
def test_an_aws_that_does_not_say_is_one_clear_error_with_the_way_out(clone: Clone, status: int, code: str) -> None:
    refusal = Reply(status, json.dumps({"__type": code, "message": "said"}).encode())
    proxy = Proxy(None, before=lambda _: refusal)
    with proxy.serving() as port, pytest.raises(ToolsError) as caught:
        clone.followed(AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")

    assert "it is not known which environment this branch deploys to: AWS " in caught.value.message
    assert caught.value.hint.endswith("; or choose one yourself: ENVIRONMENT=Local, or another")
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("value", ["prod", "Dev ", "branches", "a/b"])
def test_an_entry_that_names_no_environment_is_told_with_its_place(clone: Clone, value: str) -> None:
    ssm.put(clone.aws, f"/DataFlows/branches/{clone.branch}", value)

    with pytest.raises(UserError) as caught:
        clone.followed()

    assert caught.value.message.startswith(f"/DataFlows/branches/{clone.branch}: environment ")
    assert f"python -m tools branch set {clone.branch} " in caught.value.hint
    remove(clone.aws, clone.branch)


def test_only_an_environment_that_there_is_is_set(clone: Clone) -> None:
    for environment, said in {
        "Absent": "there is no environment Absent in us-east-1 of this account: it has no parameter "
        "/DataFlows/Absent/PREFECT_API_URL",
        "Local": "a branch without an entry deploys to Local",
        "prod": "environment 'prod' is unknown",
    }.items():
        with pytest.raises(UserError) as caught:
            put(clone.aws, clone.branch, environment)
        assert caught.value.message == said
    assert clone.branch not in entries(clone.aws)


NO_NAMES = ("", "a b", "a#1", "/a", "a/", "a//b", "\u0430", "main\n")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        *(
            (name, "takes letters and digits of ASCII and _ . - /")
            for name in ("", "a b", "a#1", "/a", "a/", "a//b", "\u0430")
        ),
        ("main\n", "takes letters and digits of ASCII and _ . - /"),
        ("a" * 993, "it has 1013 characters; the Parameter Store allows 1011"),
        ("/".join("a" * 14), "it has 16 levels; the Parameter Store allows 15"),
    ],
)
def test_a_name_that_no_parameter_can_have_is_refused(ministack: Connection, name: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        put(ministack, name, "Dev")
    assert said in caught.value.message
    with pytest.raises(UserError) as caught:
        remove(ministack, name)
    assert said in caught.value.message


@pytest.mark.parametrize("name", ["main", "feature/ABC-1_x.y", "a" * 991, "/".join("a" * 13), "awsome", "ssm/x"])
def test_a_name_may_be(name: str) -> None:
    assert list(problems(name)) == []


def test_a_verb_follows_the_branch_and_says_so(clone: Clone) -> None:
    repository = Repository(clone.root)
    said = repository.run("branch", "set", clone.branch, clone.environment, **clone.variables)
    assert (said.returncode, said.stdout) == (0, f"The branch {clone.branch} deploys to {clone.environment}.\n")
    listed = json.loads(repository.run("branch", "list", "--json", **clone.variables).stdout)
    assert {"branch": clone.branch, "environment": clone.environment} in listed

    done = repository.run("deploy", **clone.variables)
    told, _, error = done.stderr.partition("\n")
    assert told == (
        f"the branch {clone.branch} deploys to {clone.environment} (/DataFlows/branches/{clone.branch}); "
        "ENVIRONMENT=… chooses another one"
    )
    assert f"nor at /DataFlows/{clone.environment}/WORK_POOL" in error

    unset = repository.run("branch", "unset", clone.branch, **clone.variables)
    assert unset.stdout == f"The branch {clone.branch} deploys to Local, as every branch without an entry.\n"
    assert clone.followed() is None


FOLLOWING = ["deploy", "push", "register", "plan", "status", "history x"]
STAYING = ["trigger x", "rollback x", "prune", "unlock", "bootstrap"]


@pytest.mark.parametrize("call", [*FOLLOWING, *STAYING])
def test_verbs_that_undo_delete_or_start_a_run_follow_no_branch_and_none_does_that_is_told(
    call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    arguments: Any = [parse(call.split()), parse([*call.split(), "--environment", "Dev"])]
    monkeypatch.setenv("ENVIRONMENT", "Prod")
    arguments.append(parse(call.split()))

    assert [item.environment for item in arguments] == [None if call in FOLLOWING else "Local", "Dev", "Prod"]
    assert chosen("Dev") == "Dev"


def test_without_a_region_the_verb_says_what_is_missing(clone: Clone) -> None:
    done = Repository(clone.root).run("branch", "list")

    assert done.returncode == 2
    assert "error: AWS_REGION is not set" in done.stderr
