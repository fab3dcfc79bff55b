"""Build contexts -> copies of them in which nothing but content counts.

Takes directories; gives, while they are needed, copies with just the files that their fingerprints are made of, whose
modes and times are the same on every machine. BuildKit keeps modes: a file that only its owner may read (umask 077)
would be unreadable for the flow's user, under the same fingerprint. Times follow from the content: BuildKit takes a
file whose name, size, mode and time it has seen before for the one that it has, whosever context that was in.
"""

from __future__ import annotations

import hashlib
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
"""Seconds: 1980, the earliest that every archive can hold."""
_YEARS = 1 << 30
"""Seconds that times are spread over: to 2014, in nobody's future."""

#: A directory, and the name of its Dockerfile.
Context = tuple[Path, str]


@contextmanager
def staged(contexts: Iterable[Context]) -> Iterator[Mapping[Context, Path]]:
    """Copies of build contexts, until the `with` ends.

    Raises:
        UserError: a file cannot be read, or there is no room for its copy.
    """
    try:
        place = tempfile.TemporaryDirectory(prefix="data-flows-build-")
    except OSError as error:
        raise UserError(
            f"there is no place for a copy of what is built: {error}", "make room, or set TMPDIR to another directory"
        ) from error
    with place as home:
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
        time = _time(os.fsencode(copy.readlink()) if copy.is_symlink() else copy.read_bytes())
        os.utime(copy, ns=(time, time), follow_symlinks=False)


def _time(content: bytes) -> int:
    """A moment that follows from a file's content, in nanoseconds."""
    seconds, rest = divmod(int.from_bytes(hashlib.sha256(content).digest()[:8]), _YEARS)
    return (_TIME + rest) * 10**9 + seconds % 10**9


def _directories(to: Path, name: str) -> None:
    """The directories above a file, whatever the umask."""
    for part in reversed(Path(name).parents[:-1]):
        directory = to / part
        if not directory.is_dir():
            directory.mkdir()
            directory.chmod(DIRECTORY)
