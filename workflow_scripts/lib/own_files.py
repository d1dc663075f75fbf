"""Files at names that others can foresee, as a temporary name is: opened as ours, or not at all.

In a folder where others may write, a link could lie at the name that we are about to write to; and
two processes of ours may want the same name at once.
"""

import errno
import fcntl
import os
import stat
from pathlib import Path

from workflow_scripts.lib.errors import CineloraError

FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
TRIES = 100  # to get a name that others change
IN_THE_WAY = (errno.ELOOP, errno.EACCES, errno.ENXIO)  # a link, another's file, a socket


def open_own(path: Path) -> int | None:
    """Open a regular file of our own at `path`, new or as a killed run left it, and lock it.

    None: another process, or thread, has it open in this way. Links, and files with other names
    or another owner, are taken away, never written to. Closing the number unlocks the file.
    """
    fresh = 0
    for _ in range(TRIES):
        try:
            file = os.open(path, FLAGS | fresh, 0o666)
        except FileExistsError:  # another was faster
            fresh = 0
            continue
        except OSError as error:
            if error.errno not in IN_THE_WAY or not os.path.lexists(path):
                raise
            path.unlink(missing_ok=True)
            continue
        if not _lock(file):
            os.close(file)
            return None
        if (fresh or _is_ours(file)) and _lies_at(file, path):
            return file
        if _lies_at(file, path):
            path.unlink(missing_ok=True)
            fresh = os.O_EXCL  # then the file is ours, whatever owner and names a drive shows
        os.close(file)  # or its writer renamed it meanwhile: the name is free
    raise CineloraError(
        f"{path} cannot be written: whenever it was opened, something else lay there.\n"
        "  End what else writes to this folder, or use a folder on another drive."
    )


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP):
            raise
        # a drive without locks: there two who write at once are not told apart
    return True


def _is_ours(file: int) -> bool:
    state = os.fstat(file)
    regular = stat.S_ISREG(state.st_mode)
    return regular and state.st_nlink == 1 and state.st_uid == os.geteuid()


def _lies_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False
