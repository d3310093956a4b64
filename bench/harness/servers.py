"""The servers of `make bench-service`: each started on a directory of its own, and ended by its process id."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from harness.places import BENCH, PEERS, ROOT
from harness.process_tree import family

WORKERS = 2


class Server:
    """A running server; the `with` that it is used in ends its processes, last started first, and removes its data."""

    name = ""
    # Whether it takes uploads; else it answers requests for images that it finds in a directory.
    uploads = True

    def __init__(self, images):
        self.images = images
        self.processes = []

    def __enter__(self):
        (BENCH / "tmp").mkdir(exist_ok=True)
        self.scratch = tempfile.TemporaryDirectory(dir=BENCH / "tmp")
        self.directory = Path(self.scratch.name)
        try:
            self.url = self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        # Processes that a server started do not always end with it; each is held by a descriptor, so that none other is hit.
        below = [os.pidfd_open(pid) for pid in family(self.roots()) if pid not in self.roots()]
        for process in reversed(self.processes):
            process.terminate()
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for descriptor in below:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            os.close(descriptor)
        self.scratch.cleanup()

    def run(self, *command, **environment):
        """Starts a process; its first line is what it says when it listens."""
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=(self.directory / "log").open("a"),
            text=True,
            cwd=self.directory,
            env={**os.environ, "BENCH_NODE": str(BENCH / "node"), **environment},
        )
        self.processes.append(process)
        return process

    def roots(self):
        return [process.pid for process in self.processes]

    def first_line(self, process):
        line = process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self.name} did not start: {(self.directory / 'log').read_text()[-500:]}")
        return line

    def wait_for(self, answers, process):
        """Until `answers()` is true; servers that do not say when they listen."""
        for _ in range(300):
            if answers():
                return
            if process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start: {(self.directory / 'log').read_text()[-500:]}")


class Safelight(Server):
    name = "**Safelight**"
    program = str(ROOT / "target/release/safelight")

    def start(self):
        process = self.run(
            self.program, "serve", "--listen", "127.0.0.1:0", "--data", self.directory / "data", "--workers", WORKERS
        )
        return self.first_line(process).removeprefix("safelight listens on ")

    def orders(self, job):
        return {"pipeline": job.pipeline, "wait": "/v1/tasks/"}


class FastifyQueue(Server):
    name = "fastify + BullMQ + sharp"

    def start(self):
        redis = self.directory / "redis.sock"
        options = {"port": 0, "unixsocket": redis, "dir": self.directory, "appendonly": "yes", "appendfsync": "always", "save": ""}
        process = self.run("redis-server", *(part for key, value in options.items() for part in (f"--{key}", value)), "--loglevel", "warning")
        self.wait_for(redis.exists, process)
        return self.first_line(self.run("node", PEERS / "queue_server.mjs", self.directory / "data", redis))

    def orders(self, job):
        return {"pipeline": json.dumps(job.output), "wait": "/image/wait?id="}


class Thumbor(Server):
    name = "thumbor"
    uploads = False

    def start(self):
        # It binds its port itself, once for all its processes, and does not tell which: a free one is found for it.
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = self.run(
            BENCH / "thumbor/bin/thumbor", "--ip", "127.0.0.1", "--port", port, "--processes", WORKERS, "--conf", PEERS / "thumbor.conf",
            BENCH_IMAGES=str(self.images),
        )
        self.wait_for(lambda: _listens(port), process)
        return f"http://127.0.0.1:{port}"

    def path(self, job, file):
        side, quality, format = job.output["size"][0], job.output["quality"], job.output["format"]
        return f"/unsafe/fit-in/{side}x{side}/filters:quality({quality}):format({format})/{file.name}"


class Ipx(Server):
    name = "ipx"
    uploads = False

    def start(self):
        return self.first_line(self.run("node", PEERS / "ipx_server.mjs", self.images))

    def path(self, job, file):
        side, quality, format = job.output["size"][0], job.output["quality"], job.output["format"]
        return f"/s_{side}x{side},fit_inside,f_{format},q_{quality}/{file.name}"


def _listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


SERVERS = (FastifyQueue, Safelight, Thumbor, Ipx)
