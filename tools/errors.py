"""The tree of errors. Only `cli` catches them; everything else is a bug and keeps its traceback.

ToolsError               says where, what was found, what is allowed; its hint says what to do
├── UserError            the user can mend it: exit code 2
└── RemoteError          a remote system refused, failed or did not answer: exit code 1
    ├── RefusedKeyError  the same: it wants a key, or another one
    ├── NotAllowedError  the same: these credentials may not do that
    └── PassingError     the same, and trying again soon may help
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
    """A remote system (engine, registry, AWS, Prefect) refused, failed or did not answer in time."""

    exit_code = 1


class RefusedKeyError(RemoteError):
    """A remote system wants a key, or another one."""


class NotAllowedError(RemoteError):
    """These credentials may not do that.

    Args:
        message: see ToolsError.
        hint: see ToolsError.
        action: what they would need, as AWS names it, e.g. `iam:GetRole`.
    """

    def __init__(self, message: str, hint: str = "", *, action: str = "") -> None:
        super().__init__(message, hint)
        self.action = action


class PassingError(RemoteError):
    """Trying again soon may help; a write may have taken effect all the same.

    Args:
        message: see ToolsError.
        hint: see ToolsError.
        tries: how often it is worth trying in all.
        after: for so many seconds the server asks to wait.
    """

    def __init__(self, message: str, hint: str = "", *, tries: int = 1, after: float | None = None) -> None:
        super().__init__(message, hint)
        self.tries, self.after = tries, after
