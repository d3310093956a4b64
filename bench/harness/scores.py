"""SSIMULACRA2 of results, by the program `score`; Pillow opens AVIF for it."""

import json
import subprocess
import sys

from harness.places import BENCH, TOOLS

TO_PNG = "import sys; from PIL import Image; Image.open(sys.argv[1]).convert('RGB').save(sys.argv[2], compress_level=1)"


def scores(original, paths, outputs):
    """The mean score of the results of one job, or None when one of them has none, or when there is nothing to judge them by."""
    try:
        found = judged(original, paths, outputs)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        print(f"no score for {paths[0]}: {error}", file=sys.stderr)
        return None
    return None if None in found else sum(found) / len(found)


def judged(original, paths, outputs):
    lines = []
    for path, output in zip(paths, outputs):
        if output["format"] == "avif":
            path, source = path.with_suffix(".png"), path
            subprocess.run([BENCH / "venv/bin/python", "-c", TO_PNG, source, path], check=True)
        lines.append(json.dumps({"original": str(original), "result": str(path), "output": output}))
    answer = subprocess.run([TOOLS / "score"], input="\n".join(lines), capture_output=True, text=True, check=True)
    return [json.loads(line).get("score") for line in answer.stdout.splitlines()]
