"""What the doctor found, as text and for machines."""

from __future__ import annotations

from tools.model.findings import Finding
from tools.show.doctor import findings_json, findings_text
from tools.tests.screens import screen

FOUND = [
    Finding("this machine", "git", "pass", "2.39.5"),
    Finding("AWS", "account", "fail", "the credentials [bold]belong[/] to 1", "mend it"),
    Finding("AWS", "a thing with a very long name of its own", "unknown", "not looked at, for want of AWS: region"),
]


def test_each_thing_is_a_line_in_its_group_with_what_to_do_below_it() -> None:
    assert (
        screen(findings_text("Dev", FOUND), 80)
        == """\
this machine
  pass  git                       2.39.5

AWS
  fail  account                   the credentials [bold]belong[/] to 1
                                  → mend it
  ?     a thing with a very long  not looked at, for want of AWS: region
        name of its own

Dev: 1 as it should be, 1 to mend, 1 cannot be told"""
    )


def test_the_lines_stand_in_the_same_columns_in_every_group_and_break_inside_theirs() -> None:
    lines = screen(findings_text("Dev", FOUND), 60).splitlines()

    assert (
        len(
            {line.index(text) for line in lines for text in ("2.39.5", "the credentials", "not looked") if text in line}
        )
        == 1
    )
    assert max(map(len, lines)) <= 60


def test_a_machine_gets_the_same() -> None:
    told = findings_json("Dev", FOUND)

    assert (told["environment"], told["failed"]) == ("Dev", 1)
    assert [item["verdict"] for item in told["findings"]] == ["pass", "fail", "unknown"]
    assert told["findings"][1] == {
        "group": "AWS",
        "what": "account",
        "verdict": "fail",
        "found": "the credentials [bold]belong[/] to 1",
        "mend": "mend it",
    }
    assert told["findings"][0]["mend"] is None
