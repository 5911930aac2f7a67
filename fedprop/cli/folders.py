"""Where results go when nobody says where."""

from pathlib import Path


def fresh_folder(name: str) -> Path:
    """A folder in runs/ that does not exist yet."""
    base = Path("runs") / slug(name)
    folder, number = base, 1
    while folder.exists():
        number += 1
        folder = base.with_name(f"{base.name}-{number}")
    return folder


def slug(name: str) -> str:
    """A name as the name of a folder."""
    return "-".join(name.lower().split())
