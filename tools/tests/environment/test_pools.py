"""Work pool and block on a real Prefect server: made once, by whoever is first, and brought to what they should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tools.clients.aws import Caller
from tools.clients.cloudformation import CloudFormation
from tools.clients.foundations import Foundations
from tools.clients.prefect_pools import PrefectPools
from tools.environment.bootstrap import Account
from tools.environment.pools import prefect_steps, reach_prefect, settle
from tools.errors import RemoteError, UserError
from tools.model.stacks import StackSteps
from tools.settings import Connection
from tools.stacks.inputs import Place
from tools.stacks.pool import results_block, work_pool
from tools.tests.proxy import Proxy, Reply, Request, Reset
from tools.tests.samples import unique
from tools.tests.servers import ask
from tools.tests.stack_inputs import inputs


class Site:
    """An environment that no other test uses, of which no stack stands."""

    def __init__(self, aws: Connection, url: str) -> None:
        self.url, name = url, unique("Env").replace("-", "")
        place = Place(name, "aws", aws.region, "000000000000")
        self.account = Account(name, aws, Caller(place.account, "aws"), {}, CloudFormation(aws), Foundations(aws))
        self.inputs = replace(inputs(credential=None), place=place, work_pool=unique("pool"), prefect_api_url=url)
        self.wanted = work_pool(self.inputs, f"that of data-flows-{name}-run")

    def look(self) -> StackSteps:
        """What would be done."""
        return prefect_steps(PrefectPools(self.url), self.account, self.inputs, to_be_made=False)

    def settle(self, url: str | None = None) -> list[str]:
        """Makes it so, perhaps by another way; gives what was told."""
        told: list[str] = []
        settle(PrefectPools(url or self.url), self.account, self.inputs, lambda _, doing: told.append(doing))
        return told

    def through(
        self, before: Callable[[Request], None], after: Callable[[Request, Reply], Reply | Reset]
    ) -> tuple[list[str], list[str]]:
        """Makes it so while something happens; gives what was told and what was written."""
        proxy = Proxy(self.url.removesuffix("/api"), before, after)
        with proxy.serving() as port:
            told = self.settle(f"http://127.0.0.1:{port}/api")
        return told, proxy.writes


@pytest.fixture
def site(ministack: Connection, prefect_api_url: str) -> Iterator[Site]:
    """A test's own. The block has one name in all environments, so it is gone afterwards."""
    yield Site(ministack, prefect_api_url)
    block = PrefectPools(prefect_api_url).block("s3-bucket", "data-flows-results")
    if block:
        assert ask("DELETE", f"{prefect_api_url}/block_documents/{block.id}").ok


def test_what_was_made_needs_nothing_more(site: Site) -> None:
    first = site.look().steps[0]
    assert (first.verb, first.subject) == ("create", f"work pool {site.inputs.work_pool}")

    site.settle()

    assert site.look().verb == "unchanged"
    assert site.settle() == []
    api = PrefectPools(site.url)
    assert api.pool(site.inputs.work_pool) == site.wanted
    block = api.block("s3-bucket", "data-flows-results")
    assert block
    assert block.data == results_block(site.inputs.place).data


def test_a_pool_that_somebody_else_made_meanwhile_gets_the_template_and_no_second_is_made(site: Site) -> None:
    def first(request: Request) -> None:
        if str(request) == "POST /api/work_pools/":
            assert ask("POST", f"{site.url}/work_pools/", {"name": site.inputs.work_pool, "type": "ecs"}).ok

    told, writes = site.through(first, lambda _, reply: reply)

    path = f"/api/work_pools/{site.inputs.work_pool}"
    assert writes[:2] == ["POST /api/work_pools/", f"PATCH {path}"]
    assert told[:2] == [f"work pool {site.inputs.work_pool}: {doing}" for doing in ("creating", "changing")]
    assert site.look().verb == "unchanged"


def test_a_lost_reply_is_resolved_by_reading(site: Site) -> None:
    lost = list[str]()

    def lose(request: Request, reply: Reply) -> Reply | Reset:
        if request.method == "POST" and request.path == "/api/work_pools/" and not lost:
            lost.append(str(request))
            return Reset()
        return reply

    _, writes = site.through(lambda _: None, lose)

    assert lost
    assert [item for item in writes if item.startswith("PATCH /api/work_pools/")] == []
    assert site.look().verb == "unchanged"


def test_a_pool_of_another_type_is_refused_and_stays_as_it_is(site: Site) -> None:
    path = f"{site.url}/work_pools/"
    assert ask("POST", path, {"name": site.inputs.work_pool, "type": "process"}).ok
    before = ask("GET", f"{path}{site.inputs.work_pool}").json()

    with pytest.raises(UserError, match="is of the type process, not ecs"):
        site.settle()

    assert ask("GET", f"{path}{site.inputs.work_pool}").json() == before


@pytest.mark.parametrize(
    ("environment", "given", "sent"),
    [
        ("Dev", {}, "Bearer of-the-store"),
        ("Dev", {"PREFECT_API_KEY": "of-the-shell"}, "Bearer of-the-shell"),
        ("Local", {"PREFECT_API_KEY": "of-the-shell"}, None),
    ],
)
def test_the_key_is_the_environment_s_and_local_has_none(
    site: Site, environment: str, given: dict[str, str], sent: str | None
) -> None:
    found = list[str | None]()

    def note(request: Request) -> Reply:
        found.append({name.lower(): value for name, value in request.headers.items()}.get("authorization"))
        return Reply(404)

    account = replace(site.account, environment=environment, stored={"PREFECT_API_KEY": "of-the-store"})
    with Proxy(None, note).serving() as port:
        there = replace(site.inputs, prefect_api_url=f"http://127.0.0.1:{port}/api")
        assert reach_prefect(account, there, given).pool("x") is None
    assert found == [sent]


def test_an_api_that_does_not_answer_is_told_before_anything_is_made(site: Site) -> None:
    nowhere = replace(site.inputs, prefect_api_url="http://127.0.0.1:1/api")

    with pytest.raises(RemoteError) as refused:
        prefect_steps(reach_prefect(site.account, nowhere, {}), site.account, nowhere, to_be_made=False)
    assert urlsplit(nowhere.prefect_api_url).netloc in refused.value.message
    assert refused.value.hint.startswith("check PREFECT_API_URL")


def test_a_look_needs_no_key_and_what_is_to_be_made_does(site: Site) -> None:
    with Proxy(None, lambda _: Reply(401)).serving() as port:
        api = PrefectPools(f"http://127.0.0.1:{port}/api")
        looked = prefect_steps(api, site.account, site.inputs, to_be_made=False)
        with pytest.raises(RemoteError, match="Prefect wants a key"):
            prefect_steps(api, site.account, site.inputs, to_be_made=True)

    assert [step.verb for step in looked.steps] == ["create", "create"]
    assert looked.note.startswith("it wants a key")
