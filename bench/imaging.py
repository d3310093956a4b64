#!/usr/bin/env python3
"""Imaging, side by side: the same jobs by Safelight and its peers, in turn, each in a live process on one core.

Run it by `make bench-imaging`; docs/benchmarks.md tells what is measured and how."""

import argparse
import os
import random
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from harness.contenders import contenders, start
from harness.jobs import JOBS
from harness.places import BENCH, machine, sources
from harness.scores import scores
from harness.tables import geometric_mean, number, publish, table

RESULTS = BENCH / "results"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11, help="how often every contender does every job (default 11)")
    parser.add_argument("--jobs", default="abcdefgh", help="the letters of the jobs (default: all)")
    parser.add_argument("--oximg", action="store_true", help="oximg as well; bench/install --oximg builds it")
    parser.add_argument("--libaom", action="store_true", help="AVIF by the system's libaom, not by rav1e; bench/install --libaom builds it")
    parser.add_argument("--page", help="a page whose tables are written anew, such as docs/benchmarks.md")
    return parser.parse_args()


class Cell:
    """What one contender made of one job: figures for each photograph."""

    def __init__(self):
        self.times = defaultdict(list)
        self.bytes, self.scores, self.peaks = {}, {}, {}
        self.refusal = None

    def ms(self):
        return geometric_mean([statistics.median(times) for times in self.times.values()]) if self.times else None


def paths_of(contender, job, source):
    """Where the results go: a directory for each contender and photograph."""
    directory = RESULTS / "".join(filter(str.isalnum, contender.name)) / source.stem
    directory.mkdir(parents=True, exist_ok=True)
    return [directory / f"{job.letter}{number}.{output['format']}" for number, output in enumerate(job.outputs)]


def once(worker, job, source, cell):
    """One job by one worker; the answer, or None when it has been or is refused."""
    request = worker.contender.request(job)
    if request is None or cell.refusal:
        return None
    paths = [str(path) for path in paths_of(worker.contender, job, source)]
    try:
        answer = worker.ask({**request, "input": str(source), "paths": paths})
    except (OSError, RuntimeError, ValueError) as error:
        # It has ended, or speaks no more: its cells stay empty, the others are measured.
        answer = {"error": str(error)}
    if "cpu_ms" in answer:
        return answer
    cell.refusal = "not supported" if "unsupported" in answer else "failed"
    print(f"{worker.contender.name}, {job.letter}: {answer}", file=sys.stderr)
    return None


def measure(workers, jobs, files, rounds, cells):
    """The rounds. Within each, every pair of job and photograph in a new order, and for each the workers in a new order."""
    pairs = [(job, source) for job in jobs for source in files[job.source]]
    shuffle = random.Random(4).shuffle
    for round_number in range(rounds + 1):
        shuffle(pairs)
        for job, source in pairs:
            shuffle(workers)
            for worker in workers:
                cell = cells[worker.contender.name, job.letter]
                answer = once(worker, job, source, cell)
                # The round before the first warms up: code is compiled, pools are filled.
                if answer and round_number:
                    cell.times[source].append(answer["cpu_ms"])
                    cell.bytes[source] = answer["bytes"]
        print(f"round {round_number} of {rounds}", file=sys.stderr)


def remember_peaks(rows, jobs, files, core, cells):
    """The peak memory of each job, in a process that has done nothing else, and the score of what it made."""
    for contender in rows:
        for job in jobs:
            cell, source = cells[contender.name, job.letter], files[job.source][0]
            worker = start(contender, core) if cell.times else None
            if worker:
                with worker:
                    answer = once(worker, job, source, cell)
                    if answer:
                        cell.peaks[source] = answer.get("peak_kb", worker.peak_kb())
            for source in cell.times:
                cell.scores[source] = scores(source, paths_of(contender, job, source), job.outputs)
        print(f"memory and scores of {contender.name}", file=sys.stderr)


def figures(title, rows, jobs, cells, text):
    """A table with a row for each contender; `text(cell, sharp's cell)` fills it."""
    def fill(contender, job):
        cell = cells[contender.name, job.letter]
        return cell.refusal or (text(cell, cells["sharp", job.letter]) if cell.times else "–")

    lines = [[contender.name, *(fill(contender, job) for job in jobs)] for contender in rows]
    return f"{title}\n\n" + table(["", *(job.letter for job in jobs)], lines)


def time_text(cell, sharp):
    return f"{number(cell.ms())} ({sharp.ms() / cell.ms():.2f}x)" if sharp.times else number(cell.ms())


def memory_text(cell, _):
    return number(next(iter(cell.peaks.values())) / 1024) if cell.peaks else "–"


def score_text(cell, _):
    found = list(cell.scores.values()) or [None]
    return "none" if None in found else f"{statistics.mean(found):.1f}"


def goals(jobs, cells):
    """Each job's goal beside what Safelight reached, with the difference of the scores."""
    lines = []
    for job in jobs:
        sharp = cells["sharp", job.letter]
        for quality in job.qualities:
            cell = cells[f"**Safelight**, {quality}", job.letter]
            line = [job.letter, job.title, quality, f"{job.goal:g}x"]
            if cell.refusal or not (cell.peaks and sharp.peaks):
                lines.append([*line, cell.refusal or "not measured", "", ""])
                continue
            ratio, memory = sharp.ms() / cell.ms(), next(iter(cell.peaks.values())) / next(iter(sharp.peaks.values()))
            ours, theirs = score_text(cell, None), score_text(sharp, None)
            # Rounding in the codecs moves a score by less than half a point.
            worse = "none" in (ours, theirs) or float(ours) < float(theirs) - 0.5
            verdict = "missed: " if ratio < job.goal else "at a lower score: " if worse else ""
            half = "" if memory <= 0.5 else "missed: "
            lines.append([*line, f"{verdict}**{ratio:.2f}x**", f"{ours} against {theirs}", f"{half}{memory:.2f}"])
    head = ["", "job", "`quality`", "goal", "sharp's time / Safelight's", "score", "memory / sharp's (goal: 0.5)"]
    return "Goals\n\n" + table(head, lines)


def report(rows, versions, jobs, cells, rounds, about):
    kb = lambda values: number(geometric_mean(list(values)) / 1000)
    parts = [
        f"{machine()}; {rounds} rounds. {about}.",
        "Versions: " + "; ".join(dict.fromkeys(versions)) + ".",
        goals(jobs, cells),
        figures("Processor time of a job, ms, median (how many times faster than sharp)", rows, jobs, cells, time_text),
        figures("Peak memory of a process that does this job alone, MB", rows, jobs, cells, memory_text),
        figures("Size of the results, kB", rows, jobs, cells, lambda cell, _: kb(cell.bytes.values())),
        figures("SSIMULACRA2 of the results (100: no difference)", rows, jobs, cells, score_text),
    ]
    return "\n\n".join(parts)


def main():
    wanted = arguments()
    jobs = [job for job in JOBS if job.letter in wanted.jobs]
    files, about = sources({job.source for job in jobs})
    core = max(os.sched_getaffinity(0))
    workers = [worker for contender in contenders(wanted.oximg) if (worker := start(contender, core))]
    rows, versions = [worker.contender for worker in workers], [worker.version for worker in workers]
    cells = defaultdict(Cell)
    measure(workers, jobs, files, wanted.rounds, cells)
    for worker in workers:
        worker.__exit__()
    remember_peaks(rows, jobs, files, core, cells)
    publish(report(rows, versions, jobs, cells, wanted.rounds, about), "imaging", Path(BENCH / "imaging.md"), wanted.page)


if __name__ == "__main__":
    main()
