"""What a service's Dockerfile must be like. Text -> problems; builds nothing.

Only what decides about the final image counts: its last stage and the stages that this one is made from. A text can
hide what it does (`ARG U=root`, `USER $U`): it is read for early messages, and the built image decides when it is
imported.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tools.model.secrets import looks_secret

_VARIABLE = re.compile(r"""(?:^|\s)(\w+)(?:=("[^"]*"|'[^']*'|\S*))?""")
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")


@dataclass(frozen=True)
class Instruction:
    """One instruction, with the line it begins at."""

    line: int
    word: str
    rest: str


@dataclass(frozen=True)
class Stage:
    """FROM and what follows it."""

    line: int
    image: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)


def problems(text: str) -> Iterator[tuple[int, str]]:
    """What is wrong with a Dockerfile: (line, message); line 1 where something is missing.

    Args:
        text: of the Dockerfile.
    """
    instructions = list(_instructions(text))
    stages = _stages(instructions)
    if not stages:
        yield 1, "has no FROM; a service's image is built FROM base"
        return
    final = _final(stages)
    if final[0].image != "base":
        yield final[0].line, f"the image is built FROM {final[0].image or 'nothing'}; it must be built FROM base"
    yield from _of_final([instruction for stage in final for instruction in stage.instructions])
    for instruction in instructions:
        yield from _of_any(instruction)


def _of_final(instructions: Sequence[Instruction]) -> Iterator[tuple[int, str]]:
    for instruction in instructions:
        if instruction.word == "ENTRYPOINT":
            yield instruction.line, "ENTRYPOINT is the base image's: it forwards signals; set ecs_run.command instead"
    users = [instruction for instruction in instructions if instruction.word == "USER"]
    if users and re.match(r"(root|0+)(:|\s|$)", users[-1].rest):
        yield users[-1].line, "the image's last USER is root; flows run as the base's user: end with USER flow"


def _of_any(instruction: Instruction) -> Iterator[tuple[int, str]]:
    if instruction.word in ("ARG", "ENV"):
        for name, value in _variables(instruction):
            if looks_secret(name, value):
                yield (
                    instruction.line,
                    f"{instruction.word} {name} looks like a secret; docker history shows it to every reader",
                )
    if instruction.word in ("COPY", "ADD") and "--from=" not in instruction.rest:
        sources = re.findall(r"[^\s\[\],\"]+", instruction.rest)[:-1]
        for source in sources:
            if source == ".." or source.startswith("../") or "/../" in source:
                yield instruction.line, f"{instruction.word} {source} leads out of the build context"


def _variables(instruction: Instruction) -> list[tuple[str, str]]:
    if instruction.word == "ENV" and not re.match(r"\s*\w+=", instruction.rest):
        name, _, value = instruction.rest.strip().partition(" ")
        return [(name, value)]
    return _VARIABLE.findall(instruction.rest)


def _final(stages: Sequence[Stage]) -> list[Stage]:
    """The last stage and those it is made from, the first one first."""
    found = [stages[-1]]
    for stage in reversed(stages[:-1]):
        if stage.name and stage.name == found[0].image.lower():
            found.insert(0, stage)
    return found


def _stages(instructions: Sequence[Instruction]) -> list[Stage]:
    found: list[Stage] = []
    for instruction in instructions:
        if instruction.word == "FROM":
            words = [word for word in instruction.rest.split() if not word.startswith("--")]
            name = words[2].lower() if len(words) > 2 and words[1].upper() == "AS" else ""
            found.append(Stage(instruction.line, words[0] if words else "", name))
        elif found:
            found[-1].instructions.append(instruction)
    return found


def _escape(text: str) -> str:
    """The sign that continues a line: a parser directive at the top may choose it."""
    for line in text.removeprefix("\ufeff").splitlines():
        directive = re.fullmatch(r"\s*#\s*(\w+)\s*=\s*(.*?)\s*", line)
        if directive is None:
            break
        if directive[1].lower() == "escape":
            return directive[2]
    return "\\"


def _instructions(text: str) -> Iterator[Instruction]:
    """The instructions, with continued lines joined, without comments and what here-documents hold."""
    start, joined, until = 0, "", list[str]()
    escape = _escape(text)
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if until:
            if line.strip() == until[0]:
                until.pop(0)
            continue
        if line.lstrip().startswith("#") or not line.strip():
            continue
        start = start or number
        if line.rstrip().endswith(escape):
            joined += line.rstrip()[:-1] + " "
            continue
        word, *rest = (joined + line).split(maxsplit=1)
        found = Instruction(start, word.upper(), rest[0].strip() if rest else "")
        yield found
        until = _HEREDOC.findall(found.rest) if found.word in ("RUN", "COPY", "ADD") else []
        start, joined = 0, ""
