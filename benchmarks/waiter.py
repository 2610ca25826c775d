"""Runs a program and writes what it took: `waiter.py FIGURES PROGRAM ARGUMENTS…`.

A process of its own, and a small one: Linux counts what a program's parent held when it was started into its peak.
"""

import json
import os
import sys
import time

figures, *argv = sys.argv[1:]
start = time.perf_counter()
pid = os.posix_spawnp(argv[0], argv, os.environ)
_, status, used = os.wait4(pid, 0)
with open(figures, "w", encoding="utf-8") as file:
    json.dump(
        {
            "wall": time.perf_counter() - start,
            "cpu": used.ru_utime + used.ru_stime,
            "memory": used.ru_maxrss / 1024,
            "status": os.waitstatus_to_exitcode(status),
        },
        file,
    )
