"""Which folders of ratings there are. Imports nothing that takes a moment to load."""

from __future__ import annotations

from pathlib import Path


def folders_with_ratings(root: Path | None) -> list[Path]:
    """Returns a folder and those in it that are in MovieLens format with ratings, the largest last."""
    if root is None or not root.is_dir():
        return []
    whole = [
        one
        for one in (root, *sorted(root.iterdir()))
        if (one / "ratings.csv").is_file() and (one / "movies.csv").is_file()
    ]
    return sorted(whole, key=lambda one: (one / "ratings.csv").stat().st_size)


def ratings_folder(chosen: Path | None, data_dir: Path | None, var_dir: Path) -> Path | None:
    """Returns the folder whose ratings the hybrid learns from; None when there is none.

    Args:
        chosen: named by a setting: nothing else is looked at then.
        data_dir: where data lies; the largest folder in it counts.
        var_dir: state of the mesh, in which `cine` writes the starter catalogue and its audience.
    """
    found = (
        [chosen] if chosen is not None else folders_with_ratings(data_dir) or folders_with_ratings(var_dir / "starter")
    )
    return found[-1] if found else None
