"""Build contexts -> copies of them in which nothing but content counts.

Takes directories; gives, while they are needed, copies with just the files that their fingerprints are made of, whose
modes and times are the same on every machine. BuildKit keeps modes: a file that only its owner may read (umask 077)
would be unreadable for the flow's user, under the same fingerprint.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.desired.build_context import files, ignore_file
from tools.errors import UserError

DIRECTORY, PROGRAM, FILE = 0o755, 0o755, 0o644
_TIME = 315_532_800
"""1980: the earliest that every archive can hold."""

#: A directory, and the name of its Dockerfile.
Context = tuple[Path, str]


@contextmanager
def staged(contexts: Iterable[Context]) -> Iterator[Mapping[Context, Path]]:
    """Copies of build contexts, until the `with` ends.

    Raises:
        UserError: a file cannot be read, or there is no room for its copy.
    """
    with tempfile.TemporaryDirectory(prefix="data-flows-build-") as home:
        made: dict[Context, Path] = {}
        for context in dict.fromkeys(contexts):
            made[context] = Path(home) / str(len(made))
            try:
                _copy(context, made[context])
            except OSError as error:
                raise UserError(f"{error.filename}: cannot be copied for the build: {error.strerror}") from error
        yield made


def _copy(context: Context, to: Path) -> None:
    directory, dockerfile = context
    to.mkdir(mode=DIRECTORY)
    ignored = ignore_file(directory, dockerfile)
    names = {*files(directory, dockerfile), *([ignored.relative_to(directory).as_posix()] if ignored else [])}
    for name in sorted(names):
        _directories(to, name)
        source, copy = directory / name, to / name
        mode = source.lstat().st_mode
        if stat.S_ISLNK(mode):
            copy.symlink_to(source.readlink())
        else:
            shutil.copyfile(source, copy)
            copy.chmod(PROGRAM if mode & stat.S_IXUSR else FILE)
        os.utime(copy, (_TIME, _TIME), follow_symlinks=False)


def _directories(to: Path, name: str) -> None:
    """The directories above a file, whatever the umask."""
    for part in reversed(Path(name).parents[:-1]):
        directory = to / part
        if not directory.is_dir():
            directory.mkdir()
            directory.chmod(DIRECTORY)
