"""What a server and all processes below it use: processor time and memory, from /proc."""

import os
import threading
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """The fields after the command's name, which may hold anything; the first is the state."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def family(roots):
    """The process ids of `roots` and their descendants."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children.setdefault(int(_stat(entry)[1]), []).append(int(entry))
            except (FileNotFoundError, ProcessLookupError):
                continue
    family, found = [], list(roots)
    while found:
        pid = found.pop()
        family.append(pid)
        found += children.get(pid, [])
    return family


def cpu_seconds(roots):
    """User and system time of the tree, with that of the children it has waited for."""
    ticks = 0
    for pid in family(roots):
        try:
            ticks += sum(map(int, _stat(pid)[11:15]))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return ticks / TICKS


def _memory_kb(pid):
    """The proportional share (PSS): pages that processes share are counted once."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


class PeakMemory:
    """The most memory that the tree held while the `with` lasted, looked at every 50 ms, in MB."""

    def __init__(self, roots):
        self.roots, self.peak, self.ended = roots, 0.0, threading.Event()
        self.thread = threading.Thread(target=self._watch)

    def _watch(self):
        while True:
            self.peak = max(self.peak, sum(map(_memory_kb, family(self.roots))) / 1024)
            if self.ended.wait(0.05):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
