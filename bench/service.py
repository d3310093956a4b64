#!/usr/bin/env python3
"""The whole service, side by side: the same uploads by the same clients to Safelight and its peers, in turn.

Run it by `make bench-service`; docs/benchmarks.md tells what is measured and how."""

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass

from harness.jobs import fit
from harness.places import BENCH, PEERS, TOOLS, machine, sources
from harness.process_tree import PeakMemory, cpu_seconds
from harness.scores import scores
from harness.servers import SERVERS, WORKERS, FastifyQueue, Safelight
from harness.tables import number, publish, table

CLIENTS = 8
# No image is begun later than this many seconds into a burst.
SECONDS = 20
# Images before the clock starts: code is compiled, pools are filled.
WARM_UP = 16


@dataclass(frozen=True)
class Job:
    """What is done to each image of a burst."""

    name: str
    source: str
    output: dict
    # The same in Safelight's grammar.
    pipeline: str
    images: int
    goal: float


JOBS = (
    Job("swap 12 MP", "p12_", {"swap": True, "format": "jpeg", "quality": 85}, "swap_channels/jpeg:q=85", 40, 1.4),
    Job("swap 1 MP", "p1_", {"swap": True, "format": "jpeg", "quality": 85}, "swap_channels/jpeg:q=85", 240, 1.4),
    Job("12 MP to fit 400", "p12_", fit(400, "jpeg", 80), "resize:400x400/jpeg:q=80", 160, 1.6),
    Job("1 MP to fit 200", "p1_", fit(200, "jpeg", 80), "resize:200x200/jpeg:q=80", 480, 1.6),
    Job("12 MP to fit 1600, WebP", "p12_", fit(1600, "webp", 80), "resize:1600x1600/webp:q=80", 40, 1.3),
)


class Cell:
    """What one server made of one job, a list for the bursts of all rounds."""

    def __init__(self):
        self.rates, self.accepts, self.completions, self.cpu_ms, self.peaks_mb = [], [], [], [], []
        self.score, self.refusal = None, None


def burst(server, job, files, images, keep, poll):
    """One burst of the clients; what they tell."""
    orders = {"url": server.url, "clients": CLIENTS, "images": images, "seconds": SECONDS, "keep": str(keep), "files": [str(file) for file in files]}
    orders |= server.orders(job) if server.uploads else {"paths": [server.path(job, file) for file in files]}
    if poll:
        orders.pop("wait", None)
    told = subprocess.run([TOOLS / "clients"], input=json.dumps(orders), capture_output=True, text=True, check=True, timeout=600)
    return json.loads(told.stdout)


def once(kind, job, files, cell, poll):
    """A server of its own, warmed up, under one burst."""
    if not kind.uploads and job.output.get("swap"):
        cell.refusal = "cannot exchange channels"
    if cell.refusal:
        return
    keep = BENCH / "results" / f"service.{job.output['format']}"
    keep.parent.mkdir(exist_ok=True)
    with kind(BENCH / "images") as server:
        warm = burst(server, job, files, WARM_UP, keep, poll)
        if warm["failures"]:
            cell.refusal = "not supported" if "400" in warm["failures"][0] else "failed"
            print(f"{kind.name}, {job.name}: {warm['failures'][0]}", file=sys.stderr)
            return
        before = cpu_seconds(server.roots())
        with PeakMemory(server.roots()) as memory:
            told = burst(server, job, files, job.images, keep, poll)
        cpu = cpu_seconds(server.roots()) - before
    if told["failures"]:
        raise SystemExit(f"{kind.name}, {job.name}: {told['failures'][0]}")
    done = len(told["complete_ms"])
    cell.rates.append(done / told["elapsed_s"])
    cell.cpu_ms.append(cpu * 1e3 / done)
    cell.peaks_mb.append(memory.peak)
    cell.accepts += told["accept_ms"]
    cell.completions += told["complete_ms"]
    if cell.score is None:
        cell.score = scores(files[0], [keep], [job.output])


def measure(jobs, files, rounds, poll):
    """Round by round, job by job, the servers in a new order each time; one server runs at a time."""
    cells, shuffle = defaultdict(Cell), random.Random(4).shuffle
    kinds = list(SERVERS)
    for round_number in range(1, rounds + 1):
        for job in jobs:
            shuffle(kinds)
            for kind in kinds:
                once(kind, job, files[job.source], cells[kind.name, job.name], poll)
        print(f"round {round_number} of {rounds}", file=sys.stderr)
    return cells


def percentile(values, percent):
    """The nearest rank."""
    return sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]


def spread(values):
    """p50 and p99."""
    return f"{number(percentile(values, 50))} / {number(percentile(values, 99))}" if values else "–"


def line(kind, job, cell, peer):
    if not cell.rates:
        return [job.name, kind.name, cell.refusal or "not measured", "", "", "", "", "", ""]
    rate = statistics.median(cell.rates)
    ratio = f" ({rate / statistics.median(peer.rates):.2f}x)" if peer.rates else ""
    cpu, memory = number(statistics.median(cell.cpu_ms)), number(statistics.median(cell.peaks_mb))
    score = "none" if cell.score is None else f"{cell.score:.1f}"
    return [job.name, kind.name, number(rate) + ratio, spread(cell.accepts), spread(cell.completions), cpu, memory, score, str(len(cell.completions))]


def goals(jobs, cells):
    lines = []
    for job in jobs:
        ours, theirs = cells[Safelight.name, job.name], cells[FastifyQueue.name, job.name]
        if not (ours.rates and theirs.rates):
            lines.append([job.name, f"{job.goal:g}x", ours.refusal or theirs.refusal or "not measured", ""])
            continue
        # Bursts of one round stand beside each other, so their ratio is taken before the median.
        ratios = [a / b for a, b in zip(ours.rates, theirs.rates)]
        ratio, memory = statistics.median(ratios), statistics.median(ours.peaks_mb) / statistics.median(theirs.peaks_mb)
        verdict, third = "" if ratio >= job.goal else "missed: ", "" if memory <= 1 / 3 else "missed: "
        lines.append([job.name, f"{job.goal:g}x", f"{verdict}**{ratio:.2f}x** ({min(ratios):.2f} to {max(ratios):.2f})", f"{third}{memory:.2f}"])
    return table(["job", "goal", "Safelight's images/s / theirs", "memory / theirs (goal: a third)"], lines)


def versions():
    modules = ("fastify", "bullmq", "sharp", "ipx")
    npm = [f"{name} {json.loads((BENCH / 'node/node_modules' / name / 'package.json').read_text())['version']}" for name in modules]
    first = lambda *command: subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    redis, thumbor = first("redis-server", "--version").split()[2].removeprefix("v="), (PEERS.parent / "requirements-thumbor.txt").read_text().split("==")[1].strip()
    return "; ".join([first(Safelight.program, "--version"), *npm, f"Redis {redis}", f"thumbor {thumbor}", f"Node {first('node', '--version')}"])


def report(jobs, cells, wanted, about):
    head = ["job", "server", "images/s (to the first)", "accept p50 / p99, ms", "completion p50 / p99, ms", "processor ms an image", "peak memory, MB", "SSIMULACRA2", "images"]
    lines = [line(kind, job, cells[kind.name, job.name], cells[FastifyQueue.name, job.name]) for job in jobs for kind in SERVERS]
    way = "ask again and again" if wanted.poll else "wait"
    settings = f"{wanted.rounds} rounds, {CLIENTS} clients that {way}, {WORKERS} workers, at most {SECONDS} s a burst"
    return "\n\n".join([f"{machine()}; {settings}. {about}.", f"Versions: {versions()}.", "Goals against fastify + BullMQ + sharp", goals(jobs, cells), table(head, lines)])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="how often every server does every job (default 7)")
    parser.add_argument("--jobs", default="", help="only jobs whose name contains this")
    parser.add_argument("--poll", action="store_true", help="clients ask again and again instead of waiting for an answer")
    parser.add_argument("--page", help="a page whose tables are written anew, such as docs/benchmarks.md")
    wanted = parser.parse_args()
    jobs = [job for job in JOBS if wanted.jobs in job.name]
    files, about = sources({job.source for job in jobs})
    images = BENCH / "images"
    shutil.rmtree(images, ignore_errors=True)
    images.mkdir(parents=True)
    for file in {file for paths in files.values() for file in paths}:
        shutil.copyfile(file, images / file.name)
    cells = measure(jobs, files, wanted.rounds, wanted.poll)
    publish(report(jobs, cells, wanted, about), "service", BENCH / "service.md", wanted.page)


if __name__ == "__main__":
    main()
