"""How much memory there is, asked before it is taken: a book or a file that cannot fit is refused in words.

Linux answers an allocation with a promise and kills the process when it is called in; so the size is compared
with what is free first. Bytes. Where the system does not say (no /proc), only the process's own limit counts.
"""

from __future__ import annotations

import resource
from pathlib import Path

from seawall.errors import InputError

HEADROOM = 0.9  # of what is free may be planned for
_CONTROL_GROUP = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current"))


def room_bytes() -> int:
    """What this process may still allocate; 2**63 where nothing sets a limit."""
    limits = [2**63]
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                limits.append(int(line.split()[1]) * 1024)
        most, used = (path.read_text().strip() for path in _CONTROL_GROUP)
        if most.isdigit():
            limits.append(int(most) - int(used))
    except (OSError, ValueError):
        pass  # another system, or no control group: what was found so far counts
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    if soft != resource.RLIM_INFINITY:
        limits.append(soft - _address_space())
    return max(int(min(limits) * HEADROOM), 0)


def _address_space() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def require(need_bytes: int, where: str, what: str, fix: str, error: type[InputError] = InputError) -> None:
    """Refuse, before anything is allocated, what needs more memory than there is."""
    room = room_bytes()
    if need_bytes > room:
        figures = f"{what} need about {size_text(need_bytes)}, and {size_text(room)} are free"
        raise error.at(where, figures, fix)


def size_text(count: int) -> str:
    """Bytes for people: `1.5 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:,.4g} {unit}"
        count = count / 1024  # type: ignore[assignment]
    return f"{count:,.4g} TiB"
