"""A Dockerfile that would not make a flow's image is told with its line; what decides nothing there is free."""

from __future__ import annotations

import pytest

from tools.desired.dockerfile import problems

FROM_BASE = "it must be built FROM base"
ROOT_USER = "the image's last USER is root; flows run as the base's user: end with USER flow"
INIT = "ENTRYPOINT is the base image's: it forwards signals; set ecs_run.command instead"
BAD_DOCKERFILES = {
    "nothing": ("", ":1: has no FROM; a service's image is built FROM base"),
    "not FROM the base": ("# syntax\nFROM python:3.13\n", f":2: the image is built FROM python:3.13; {FROM_BASE}"),
    "the base with a tag": ("FROM base:latest\n", f":1: the image is built FROM base:latest; {FROM_BASE}"),
    "a last stage that is not FROM the base": (
        "FROM base AS build\nFROM debian\nCOPY --from=build / /\n",
        f":2: the image is built FROM debian; {FROM_BASE}",
    ),
    "USER root at the end": ("FROM base\nUSER root\nRUN x\n", f":2: {ROOT_USER}"),
    "USER 0 with a group": ("FROM base\nUSER flow\nuser 0:0\n", f":3: {ROOT_USER}"),
    "USER root in the stage that it is made from": ("FROM base AS a\nUSER root\nFROM a\n", f":2: {ROOT_USER}"),
    "USER root after a tab": ("FROM base\nUSER\troot\n", f":2: {ROOT_USER}"),
    "USER with many noughts": ("FROM base\nUSER 00\n", f":2: {ROOT_USER}"),
    "USER root where another sign continues lines": (
        "# escape=`\nFROM base\nRUN x `\n  y\nUSER root\n",
        f":5: {ROOT_USER}",
    ),
    "USER root after what continues no line": ("# escape=`\nFROM base\nRUN x \\\nUSER root\n", f":4: {ROOT_USER}"),
    "an ENTRYPOINT": ('FROM base\n\nentrypoint ["x"]\n', f":3: {INIT}"),
    "an ARG that is a secret": (
        "FROM base\nARG PIP_TOKEN\n",
        ":2: ARG PIP_TOKEN looks like a secret; docker history shows it to every reader",
    ),
    "an ENV that is a secret": (
        "FROM base\nENV A=1 \\\n    # a comment\n    DB_PASSWORD=x\n",
        ":2: ENV DB_PASSWORD looks like a secret; docker history shows it to every reader",
    ),
    "an ENV that holds a secret": (
        "FROM base\nENV SOURCE postgresql://me:secret@host/db\n",
        ":2: ENV SOURCE looks like a secret; docker history shows it to every reader",
    ),
    "COPY from outside": ("FROM base\nCOPY ../secret .\n", ":2: COPY ../secret leads out of the build context"),
    "ADD from outside, as JSON": (
        'FROM base\nADD ["a/../../b", "c", "."]\n',
        ":2: ADD a/../../b leads out of the build context",
    ),
}
GOOD_DOCKERFILES = {
    "a platform": "FROM --platform=linux/amd64 base\n",
    "after a tab": "FROM\tbase\nCOPY\t.\t.\n",
    "after a byte order mark": "\ufeffFROM base\nCOPY . .\n",
    "after directives": "# syntax=docker/dockerfile:1\n# escape=`\nFROM base\nRUN x `\n  USER root\n",
    "an escape that is a comment": "FROM base\n# escape=`\nRUN x \\\n  USER root\n",
    "in small letters": "from base\ncopy . .\n",
    "a build stage of any image": "FROM debian AS build\nUSER root\nENTRYPOINT x\nFROM base\nCOPY --from=build /x /../x\n",  # noqa: E501 - a message as it is shown
    "a stage FROM the base": "FROM base AS packages\nUSER root\nRUN x\nUSER flow\nFROM Packages\nCOPY . .\n",
    "a here-document": "FROM base\nRUN <<EOF\nUSER root\nENTRYPOINT x\nEOF\nCOPY . .\n",
    "a continued line": "FROM base\nRUN x \\\n\n# ENTRYPOINT\n  USER root\n",
    "an argument's quoted text": 'FROM base\nARG HELLO="the token"\nENV GREETING="my secret" B=1\n',
}


@pytest.mark.parametrize(("text", "expected"), BAD_DOCKERFILES.values(), ids=BAD_DOCKERFILES)
def test_a_dockerfile_that_would_not_make_a_flows_image_is_told(text: str, expected: str) -> None:
    assert [f":{line}: {message}" for line, message in problems(text)] == [expected]


@pytest.mark.parametrize("text", GOOD_DOCKERFILES.values(), ids=GOOD_DOCKERFILES)
def test_what_does_not_decide_about_the_image_is_free(text: str) -> None:
    assert list(problems(text)) == []
