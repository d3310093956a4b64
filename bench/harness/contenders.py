"""The contenders: live worker processes, each on one core, that answer one line of JSON with one line of JSON."""

import contextlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass

from harness.places import BENCH, PEERS, ROOT, TOOLS

ENVIRONMENT = {"VIPS_CONCURRENCY": "1", "RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "BENCH_NODE": str(BENCH / "node")}


@dataclass(frozen=True)
class Contender:
    """One row of the tables."""

    name: str
    command: tuple
    # For Safelight only: the switch of `resize`.
    quality: str | None = None
    # The letters of the jobs it is limited to; empty for all.
    only: str = ""

    def request(self, job):
        """What the worker is asked for the job, or None where the row has no such cell."""
        if self.only and job.letter not in self.only or self.quality and self.quality not in job.qualities:
            return None
        request = {"outputs": job.outputs, "times": job.times}
        if self.quality:
            argument = "" if self.quality == "default" else f",quality={self.quality}"
            request["pipelines"] = [pipeline.format(quality=argument) for pipeline in job.pipelines]
        return request


def contenders(oximg):
    """Every row, in the order of the tables; sharp is the one that all are compared with."""
    python, safelight = str(BENCH / "venv/bin/python"), str(ROOT / "target/release/examples/imaging_worker")
    rows = [
        Contender("sharp", ("node", str(PEERS / "sharp.mjs"))),
        Contender("sharp, standard Huffman tables", ("node", str(PEERS / "sharp.mjs"), "--plain-huffman"), only="e"),
        Contender("pyvips", (python, str(PEERS / "pyvips_worker.py"))),
        Contender("Pillow", (python, str(PEERS / "pillow_worker.py"))),
        Contender("ImageMagick", (sys.executable, str(PEERS / "magick_worker.py"))),
        Contender("`image` alone", (str(TOOLS / "image_alone"),)),
    ]
    if oximg:
        rows.append(Contender("oximg", (str(TOOLS / "oximg_alone"),)))
    ours = [Contender(f"**Safelight**, {quality}", (safelight,), quality) for quality in ("fast", "default", "best")]
    return rows[:2] + ours + rows[2:]


class Worker:
    """A contender's process; ends with the `with` that it is used in."""

    def __init__(self, contender, core):
        self.contender = contender
        self.process = subprocess.Popen(
            contender.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **ENVIRONMENT},
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        self.version = self._answer()["version"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # It may have ended before.
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker of {self.contender.name} has ended")
        return json.loads(line)

    def ask(self, request):
        """Does one job and says what it took."""
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def peak_kb(self):
        """The most memory it ever held (VmHWM)."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def start(contender, core):
    """Its live worker, or None with a word on standard error when it cannot be had."""
    try:
        return Worker(contender, core)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"{contender.name} is left out: {error}", file=sys.stderr)
        return None
