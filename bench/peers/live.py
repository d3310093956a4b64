"""The loop of a contender written in Python: one line of JSON in, one line of JSON out."""

import json
import os
import resource
import sys
import time


class Unsupported(Exception):
    """This contender cannot do such a job."""


def _cpu_ms(who):
    usage = resource.getrusage(who)
    return (usage.ru_utime + usage.ru_stime) * 1e3


def _answer(request, work, who):
    with open(request["input"], "rb") as file:
        data = file.read()
    cpu, wall = _cpu_ms(who), time.perf_counter()
    for _ in range(request["times"]):
        results = [work(data, output) for output in request["outputs"]]
    wall, cpu = time.perf_counter() - wall, _cpu_ms(who) - cpu
    for path, result in zip(request["paths"], results):
        with open(path, "wb") as file:
            file.write(result)
    times = request["times"]
    return {"cpu_ms": cpu / times, "wall_ms": wall * 1e3 / times, "bytes": sum(map(len, results))}


def serve(version, work, processes=False):
    """Answers until standard input ends; `work(data, output)` gives the bytes of one result. With `processes` each job is
    a process of its own, whose time and memory are counted instead of this one's."""
    who = resource.RUSAGE_CHILDREN if processes else resource.RUSAGE_SELF
    print(json.dumps({"version": version}), flush=True)
    for line in sys.stdin:
        try:
            answer = _answer(json.loads(line), work, who)
            if processes:
                answer["peak_kb"] = resource.getrusage(who).ru_maxrss
        except Unsupported as why:
            answer = {"unsupported": str(why)}
        except Exception as error:  # Whatever a library throws is an answer, not the end of the run.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    os._exit(0)
