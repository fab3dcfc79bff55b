"""The only room that imports boto3, docker or prefect, or speaks to the Prefect API.

One module for each system. Each maps its library's exceptions to `tools.errors` in one place, and gives and takes the
types of `tools.model`. Modules are imported where they are needed: a verb pays only for the libraries it uses.
"""
