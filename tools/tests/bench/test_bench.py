"""The bench measures what it says, compares what is alike, and leaves nothing but figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml

from tools.bench import deploy, flows, measure, parts
from tools.bench.contenders import remove_images
from tools.bench.counter import Counter
from tools.bench.environment import variables
from tools.bench.measure import Measured, in_turn, measured, one_after_another, summary
from tools.bench.seed import OneImage, seed
from tools.bench.table import table, times
from tools.desired import fingerprint
from tools.desired.discover import services
from tools.environment.connect import connect
from tools.errors import RemoteError, UserError
from tools.settings import Connection
from tools.tests.proxy import Proxy, Reply, Request
from tools.tests.repositories import Repository, make_base
from tools.tests.samples import draft, unique
from tools.tests.servers import ask, bare_environment, put_image

MEGABYTE = 1_000_000
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="memory is asked of Linux")

HOLD = "held = bytearray({size}); import time; time.sleep(0.3)"
CHILDREN = """
import subprocess, sys
for process in [subprocess.Popen([sys.executable, "-c", {hold!r}]) for _ in range(2)]:
    process.wait()
"""


def python(code: str, tmp_path: Path) -> Measured:
    return measured([sys.executable, "-c", code], tmp_path, bare_environment())


def runs(*seconds: float, peak: int = 0) -> list[Measured]:
    return [Measured(value, 0.0, peak) for value in seconds]


@LINUX
def test_memory_of_a_process_counts_with_that_of_its_children(tmp_path: Path) -> None:
    alone = python(HOLD.format(size=50 * MEGABYTE), tmp_path)
    assert 50 * MEGABYTE < alone.peak < 90 * MEGABYTE
    together = python(CHILDREN.format(hold=HOLD.format(size=50 * MEGABYTE)), tmp_path)
    assert 100 * MEGABYTE < together.peak < 190 * MEGABYTE


def test_time_by_the_clock_is_told_apart_from_time_at_work(tmp_path: Path) -> None:
    asleep = python("import time; time.sleep(0.5)", tmp_path)
    assert asleep.seconds >= 0.5
    assert asleep.cpu < 0.5


def test_a_command_that_fails_ends_the_bench_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match=r"(?s)ended with 1:.*the reason"):
        python("raise SystemExit('the reason')", tmp_path)


def test_contenders_take_turns() -> None:
    order: list[str] = []

    def way(name: str) -> measure.Way:
        return lambda: order.append(name) or Measured(1.0, 0.0, 0)  # type: ignore[func-returns-value]

    found = in_turn({name: way(name) for name in "ab"}, 3)
    assert order == list("ababab")
    assert {name: len(measured) for name, measured in found.items()} == {"a": 3, "b": 3}


def test_a_summary_has_best_median_noise_and_the_highest_peak() -> None:
    found = summary([Measured(1.0, 0.2, 10), Measured(4.0, 0.4, 30), Measured(2.0, 0.3, 20)])
    assert (found.best, found.median, found.noise, found.cpu, found.peak) == (1.0, 2.0, 1.5, 0.3, 30)


def test_commands_one_after_another_add_up_in_time_but_not_in_memory() -> None:
    assert one_after_another([Measured(1.0, 0.5, 10), Measured(2.0, 0.5, 30)]) == Measured(3.0, 1.0, 30)


def test_a_table_is_aligned_and_markdown() -> None:
    assert table(("way", "s"), [("deploy", "1.5"), ("by hand", "10")]).splitlines() == [
        "| way     |   s |",
        "| ------- | --: |",
        "| deploy  | 1.5 |",
        "| by hand |  10 |",
    ]


@pytest.mark.parametrize(("ratio", "shown"), [(0.126, "0.13 x"), (1.0, "1.00 x"), (134.4, "134 x")])
def test_ratios_have_digits_that_say_something(ratio: float, shown: str) -> None:
    assert times(ratio) == shown


def test_figures_stand_beside_ours() -> None:
    shown = deploy.shown("100 flows", {deploy.OURS: runs(0.5), deploy.PREFECT: runs(50.0)})
    assert [line.split("|")[-2].strip() for line in shown.splitlines()[-2:]] == ["1.00 x", "100 x"]


def test_goals_are_told_whether_met_or_missed() -> None:
    idle = {deploy.OURS: runs(1.0), deploy.PREFECT: runs(50.0)}
    changed = {deploy.OURS: runs(2.0), deploy.BY_HAND: runs(1.0)}
    lines = deploy.goals(idle, changed, {deploy.OURS: runs(5.1, peak=299 * MEGABYTE)}, (31, 2000))
    assert [line.split()[0] for line in lines] == ["met", "MISSED", "MISSED", "met", "MISSED"]


def test_requests_are_counted_and_forwarded_whole() -> None:
    def echo(request: Request) -> Reply:
        assert request.headers["x-mine"] == "1"
        return Reply(201, request.method.encode() + request.body, {"x-theirs": "2"})

    with Proxy(None, echo).serving() as port:
        counter = Counter(port)
        with counter.serving() as here:
            for method in ("GET", "PATCH"):
                came = requests.request(
                    method, f"http://127.0.0.1:{here}/a", data=b"-body", headers={"x-mine": "1"}, timeout=5
                )
                assert (came.status_code, came.headers["x-theirs"]) == (201, "2")
                assert came.content == f"{method}-body".encode()
    assert counter.requests == 2
    assert [line.split("|")[1:4] for line in deploy.shown_requests({1000: (24, 2011)}).splitlines()[3:]] == [
        [" 1,000                ", "                                24 ", "     2,011 "]
    ]


def test_what_slows_down_imports_and_what_leads_to_a_cloud_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONDONTWRITEBYTECODE", "PREFECT_API_URL", "AWS_PROFILE"):
        monkeypatch.setenv(name, "1")
    found = variables(PREFECT_API_URL="http://127.0.0.1:1/api")
    assert "PYTHONDONTWRITEBYTECODE" not in found
    assert "AWS_PROFILE" not in found
    assert found["PREFECT_API_URL"] == "http://127.0.0.1:1/api"


def test_an_unknown_part_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no part 'lode'"):
        parts.run(tmp_path, ["load", "lode"], lambda _: None)


@pytest.mark.docker
def test_only_images_of_the_bench_are_removed() -> None:
    theirs = ["data-flows/bench-0001:1234", "localhost:5999/plain/plain-0001:bench"]
    others = ["data-flows/unbench:1", "localhost:5998/plain/plain-0001:bench"]

    def there() -> set[str]:
        listing = ["docker", "image", "ls", "--format={{.Repository}}:{{.Tag}}"]
        return set(subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split())

    for name in (*theirs, *others):
        subprocess.run(["docker", "tag", "python:3.13-slim", name], check=True)
    try:
        remove_images("localhost:5999")
        assert there().isdisjoint(theirs)
        assert {*others, "python:3.13-slim"} <= there()
    finally:
        subprocess.run(["docker", "image", "rm", *others], check=True, stdout=subprocess.DEVNULL)


def test_its_services_are_valid_and_one_change_changes_one_image(tmp_path: Path) -> None:
    make_base(tmp_path)
    flows.write_services(tmp_path, flows.names("bench", 3))
    before = fingerprint.of_services(tmp_path, services(tmp_path))
    assert before["bench-0000"] != before["bench-0001"]
    flows.change(tmp_path / "services" / "bench-0001", "change 1")
    flows.write_services(tmp_path, flows.names("bench", 4))
    after = fingerprint.of_services(tmp_path, services(tmp_path))
    assert [name for name in after if after[name] != before.get(name)] == ["bench-0001", "bench-0003"]


def test_prefect_gets_the_same_code_and_builds_and_pushes_each_flow(tmp_path: Path) -> None:
    make_base(tmp_path)
    flows.write_services(tmp_path, ["same"])
    flows.write_prefect_project(tmp_path / "plain", ["same"], "localhost:5000/plain", "pool", "data-flows/base")
    assert (tmp_path / "plain/same/flow.py").read_text() == (tmp_path / "services/same/flow.py").read_text()
    (deployment,) = yaml.safe_load((tmp_path / "plain/prefect.yaml").read_text())["deployments"]
    (build,), (push,) = deployment["build"], deployment["push"]
    assert build.popitem()[1]["image_name"] == "localhost:5000/plain/same"
    assert push.popitem()[0].endswith("push_docker_image")


def test_a_deploy_finds_nothing_to_do_where_seed_has_been(
    tmp_path: Path, prefect_api_url: str, ministack: Connection
) -> None:
    repository = Repository(tmp_path)
    wanted = flows.names("bench", 3)
    flows.write_services(tmp_path, wanted)
    ask("POST", f"{prefect_api_url}/work_pools/", {"name": "data-flows", "type": "process"})
    ports = {
        "PREFECT_PORT": prefect_api_url.removesuffix("/api").rpartition(":")[2],
        "AWS_PORT": str(ministack.endpoint).rpartition(":")[2],
    }
    environment = connect("Local", ports, tmp_path / ".env")
    schema = {"type": "object", "title": "Parameters", "properties": {"times": {"type": "integer"}}}
    example = draft(unique("bench"), parameter_schema=schema)
    environment.ecr.ensure(example.repository)
    image = f"registry.test/{example.repository}@{put_image(ministack, example.repository, '0123456789abcdef')}"
    seed(tmp_path, wanted, environment, OneImage(ministack, example.model_copy(update={"image": image})))
    done = repository.run("deploy", **ports)
    assert "Nothing differs in Local: 3 flows" in done.stdout, done.stderr
