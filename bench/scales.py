"""What decoding a JPEG at less than its full size costs in score: `resize` to many sizes with each of its qualities, SSIMULACRA2 against
one Lanczos pass over all pixels, and the processor time. Rows in Markdown, from the photographs of bench/imaging.py.

    python3 bench/scales.py [--sides 250,400,800]
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from harness.places import ROOT, photographs
from harness.scores import scores

WORKER = ROOT / "target/release/examples/imaging_worker"
QUALITIES = ("fast", "default", "best")
SIDES = "250,400,500,600,800,1000,1200,1500,1600,1800,2400"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sides", default=SIDES, help="the sides of the boxes, in pixels")
    sides = [int(side) for side in parser.parse_args().sides.split(",")]
    print(f"| photograph | box | {' | '.join(f'{quality}: score, ms' for quality in QUALITIES)} |")
    print(f"| --- | --- | {' | '.join('---' for _ in QUALITIES)} |")
    with tempfile.TemporaryDirectory() as directory:
        for photograph in photographs("p12_"):
            for side in sides:
                cells = (cell(photograph, side, quality, Path(directory) / "result.png") for quality in QUALITIES)
                print(f"| {photograph.name} | {side} | {' | '.join(cells)} |", flush=True)


def cell(photograph, side, quality, path):
    request = {"pipelines": [f"resize:{side}x{side},quality={quality}/png"], "input": str(photograph), "paths": [str(path)], "times": 3}
    answers = subprocess.run([WORKER], input=json.dumps(request), capture_output=True, text=True, check=True).stdout.splitlines()
    output = {"size": [side, side], "format": "png", "quality": 0}
    return f"{scores(photograph, [path], [output]):.1f}, {json.loads(answers[-1])['cpu_ms']:.1f}"


if __name__ == "__main__":
    main()
