"""Which files a Docker build context holds, by the docker SDK's reading of .dockerignore."""

from __future__ import annotations

from pathlib import Path

from docker.utils.build import exclude_paths


def files(context: Path, dockerfile: str = "Dockerfile") -> list[str]:
    """The files and links of a build context, without what its .dockerignore leaves out.

    Args:
        context: the directory.
        dockerfile: always part of the context, as for `docker build`.

    Returns:
        Paths below the directory with `/` between their parts, in order. Directories are not among them: git keeps no
        empty ones, and the same commit must give the same list in every clone.
    """
    ignore = context / ".dockerignore"
    lines = ignore.read_text("utf-8").splitlines() if ignore.is_file() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    kept = exclude_paths(str(context), patterns, dockerfile=dockerfile)
    return sorted(Path(path).as_posix() for path in kept if not _is_directory(context / path))


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
