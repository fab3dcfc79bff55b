"""The tree of errors. Only `cli` catches them; everything else is a bug and keeps its traceback.

ToolsError            says where, what was found, what is allowed; its hint says what to do
├── UserError         the user can mend it: exit code 2
└── RemoteError       a remote system refused, failed or did not answer: exit code 1
"""


class ToolsError(Exception):
    """An expected failure, with a message for the person at the terminal.

    Args:
        message: where it is, what was found, what is allowed. May have several lines.
        hint: what to do about it.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UserError(ToolsError):
    """The user can mend it in the repository, on the command line or on this machine."""

    exit_code = 2


class RemoteError(ToolsError):
    """A remote system (engine, registry, AWS, Prefect) refused, failed or did not answer in time.

    Args:
        message: see ToolsError.
        hint: see ToolsError.
        passing: whether trying again soon may help.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "", *, passing: bool = False) -> None:
        super().__init__(message, hint)
        self.passing = passing
