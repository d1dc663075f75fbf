"""How the process asks the kernel for memory."""

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # M_... of glibc's malloc.h
KEPT_BYTES = 256 << 20  # most that is kept for later
LARGEST_KEPT_BYTES = 32 << 20  # a larger piece goes back at once; glibc allows no more


def keep_freed_memory() -> None:
    """Let freed memory stay with the process, where the C library has a switch for it (glibc).

    Planes of a megabyte come and go with every frame; else each is new pages from the kernel,
    which costs ten times as much as adding two planes.
    """
    switch = getattr(ctypes.CDLL(None), "mallopt", None)
    if switch is not None:
        switch(TRIM_THRESHOLD, KEPT_BYTES)
        switch(MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
