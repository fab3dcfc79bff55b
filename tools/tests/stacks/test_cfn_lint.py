"""cfn-lint finds nothing wrong or doubtful in any template, with everything in it and with as little as can be."""

from __future__ import annotations

import pytest
from cfnlint.api import lint
from cfnlint.core import get_rules

from tools.stacks.run import run_stack
from tools.stacks.template import Stack
from tools.tests.stack_inputs import inputs, stacks

BARE = run_stack(inputs(credential=None, worker_image=None, alarm_topic=None, services=(), repository=None))
RULES = get_rules([], [], ["E", "W"])


def findings(body: str) -> list[str]:
    """What is wrong or doubtful in a template."""
    return [str(finding) for finding in lint(body, RULES, ["us-east-1"])]


@pytest.mark.parametrize("stack", [*stacks(), BARE], ids=["data", "run", "account", "bare"])
def test_a_template_has_no_finding(stack: Stack) -> None:
    assert findings(stack.body) == []


def test_a_template_that_is_wrong_has_one() -> None:
    assert findings(stacks()[0].body.replace("RetentionInDays", "RetentionDays"))
