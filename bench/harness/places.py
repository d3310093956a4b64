"""Where things lie, what machine this is, and which photographs there are."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "target" / "bench"
TOOLS = BENCH / "cargo" / "release"
PEERS = ROOT / "bench" / "peers"


def machine():
    """One sentence: date, processor, cores, kernel, version of Safelight's sources."""
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    cores = len(os.sched_getaffinity(0))
    return f"{datetime.date.today()}; {cores} cores ({model}), Linux {platform.release()}; Safelight at {commit or 'an unknown commit'}"


def photographs(prefix):
    """The files whose names begin with `prefix`: of SAFELIGHT_PHOTOS, else of ../shared/photos, else made from fixed seeds.
    Progressive ones are left out. The animation is always made."""
    given = [Path(os.environ["SAFELIGHT_PHOTOS"])] if "SAFELIGHT_PHOTOS" in os.environ else [ROOT.parent / "shared" / "photos"]
    found = sorted(path for place in given for path in place.glob(prefix + "*") if path.suffix in (".jpg", ".png") and "prog" not in path.stem)
    return found or made(prefix)


def made(prefix):
    """Synthetic photographs, made once."""
    directory = BENCH / "photos"
    if not (directory / "p4_made.png").exists():
        subprocess.run([TOOLS / "photographs", directory], check=True)
    return sorted(directory.glob(prefix + "*"))


def sources(prefixes):
    """The files of each prefix, and a sentence that says what they are."""
    files = {prefix: photographs(prefix) for prefix in prefixes}
    named = sorted({path.name for paths in files.values() for path in paths})
    synthetic = all("_made" in name or name.startswith("anim") for name in named)
    what = "Synthetic photographs from fixed seeds" if synthetic else "Photographs, and an animation made from a fixed seed"
    return files, f"{what}: {', '.join(named)}"
