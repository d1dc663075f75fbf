"""What stands against reading a file or folder that somebody named, in plain words."""

from pathlib import Path


def say_unreadable(path: Path) -> str:
    """Why a path is neither a file nor a folder that can be read; "" where it is one.

    Pipes and devices are not opened: reading one may wait forever, or never end.
    """
    try:
        if path.is_file():
            path.open("rb").close()
            return ""
        if path.is_dir():
            return ""
        if path.exists():
            return f"{path} is no file but a pipe or a device"
        is_link = path.is_symlink()
    except OSError as error:
        return f"{path} cannot be opened ({error.strerror})"
    if is_link:
        return f"{path} is a link that leads nowhere"
    return f"there is no file or folder {path} (seen from {Path.cwd()})"
