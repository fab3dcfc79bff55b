"""Runs inside a flow's image, handed to its Python as text: imports the flow and says what it is.

    python -c "$(cat describe_flow.py)" flow.py:function WORD

Prints one line, MARKER, the word and JSON: {"name", "schema", "uid"} or {"error"}. The flow's own output may stand
before it.
"""

import json
import os
import sys
import traceback

MARKER = "data-flows describes: "


def described(entrypoint: str) -> dict[str, object]:
    """The flow's name and the OpenAPI schema of its parameters, or why it cannot be imported."""
    try:
        from prefect import Flow
        from prefect.flows import load_flow_from_entrypoint
        from prefect.utilities.callables import parameter_schema
        from prefect.utilities.importtools import import_object

        sys.path.insert(0, os.getcwd())
        if not isinstance(import_object(entrypoint), Flow):
            return {"error": f"{entrypoint} is no flow; decorate the function with @flow"}
        flow: Flow[..., object] = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
        schema = parameter_schema(flow).model_dump_for_openapi()
        return {"name": flow.name, "schema": schema, "uid": os.getuid()}
    except BaseException as error:  # a flow's module may raise anything, SystemExit included
        cause = error.__cause__ or error
        return {"error": "".join(traceback.format_exception_only(cause)).strip(), "traceback": traceback.format_exc()}


if __name__ == "__main__":
    word, out = sys.argv.pop(), sys.stdout
    answer = described(sys.argv[1])
    try:
        text = json.dumps(answer, allow_nan=False)
    except (TypeError, ValueError) as error:
        text = json.dumps({"error": f"its parameters have a default that has no JSON form: {error}"})
    out.write(f"\n{MARKER}{word} {text}\n")
    out.flush()
    os._exit(0)  # whatever the flow left running or registered to run at the end
