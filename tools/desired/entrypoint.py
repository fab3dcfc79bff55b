"""Whether a service's entrypoint can be its flow, by the syntax tree alone: nothing is imported, nothing is run.

What cannot be told from the text passes; importing the flow inside its image decides.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from pathlib import Path

MAX_BYTES = 1024 * 1024
Function = ast.FunctionDef | ast.AsyncFunctionDef


def problems(directory: Path, entrypoint: str, service: str) -> Iterator[str]:
    """What is wrong with an entrypoint, each with file and line below the service's directory.

    Args:
        directory: the service's.
        entrypoint: FILE.py:FUNCTION.
        service: its name, which is to be the flow's.
    """
    file, function = entrypoint.split(":")
    path = directory / file
    if not path.is_file():
        yield f"service.toml: docker_storage.entrypoint: there is no {file} in the service's directory"
        return
    try:
        if path.stat().st_size > MAX_BYTES:
            yield f"{file}: has {path.stat().st_size} bytes; a flow's file has at most {MAX_BYTES}: keep data elsewhere"
            return
        tree = ast.parse(path.read_bytes(), file)
    except OSError as error:
        yield f"{file}: cannot be read: {error.strerror}"
        return
    except SyntaxError as error:
        yield f"{file}{f':{error.lineno}' if error.lineno else ''}: is not Python: {error.msg}"
        return
    except (ValueError, RecursionError, MemoryError) as error:
        yield f"{file}: is not Python: {error or 'nested too deep'}"
        return
    names = {name: node for node in _statements(tree.body) for name in _bound(node)}
    found = names.get(function)
    if isinstance(found, Function):
        yield from _function_problems(found, file, service)
    elif found is None and "*" not in names:
        close = difflib.get_close_matches(function, names, n=1)
        guess = f"; did you mean {close[0]}?" if close else ""
        yield f"service.toml: docker_storage.entrypoint: {file} has no function '{function}'{guess}"


def _function_problems(function: Function, file: str, service: str) -> Iterator[str]:
    decorators = {_called(decorator): decorator for decorator in function.decorator_list}
    if not decorators:
        yield f"{file}:{function.lineno}: '{function.name}' is no flow; decorate it with @flow"
    elif set(decorators) == {"task"}:
        yield f"{file}:{function.lineno}: '{function.name}' is a task; the entrypoint is a function with @flow"
    elif "flow" in decorators:
        name = _flow_name(decorators["flow"], function.name)
        if name is not None and name != service:
            yield (
                f"{file}:{function.lineno}: the flow is called '{name}'; its name must be the service's: "
                f'@flow(name="{service}")'
            )


def _called(decorator: ast.expr) -> str:
    """The last part of a decorator's name: `flow` of `@flow`, `@flow(…)` and `@prefect.flow`."""
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""


def _flow_name(decorator: ast.expr, function: str) -> str | None:
    """The name that Prefect will give the flow; None where only running it tells."""
    if isinstance(decorator, ast.Call):
        for keyword in decorator.keywords:
            if keyword.arg is None:
                return None
            if keyword.arg == "name":
                value = keyword.value
                return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None
    return function.replace("_", "-")


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements that run when the module is imported, also those in `if`, `try` and `with`."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.TryStar | ast.With | ast.For | ast.While):
            for name in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, name, []))
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement gives a value."""
    if isinstance(node, Function):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))
