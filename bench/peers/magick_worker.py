"""The contender ImageMagick: a process per job, which is how servers use it; its start counts."""

import os
import re
import shutil
import subprocess

from live import serve

CONVERT = shutil.which("convert-im6.q16") or shutil.which("magick")
ENVIRONMENT = {**os.environ, "MAGICK_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1"}


def work(data, output):
    command = [CONVERT]
    if output.get("size"):
        box = "{}x{}".format(*output["size"])
        # Decodes a JPEG at a scale that leaves twice the result's size.
        command += ["-define", "jpeg:size={}x{}".format(*(2 * side for side in output["size"]))]
    command += ["-"]
    if output.get("animated"):
        command += ["-coalesce"]
    if output.get("size"):
        command += ["-filter", "Lanczos", "-resize", box + "^" if output.get("cover") else box + ">"]
    if output.get("cover"):
        command += ["-gravity", "center", "-extent", box]
    if output.get("swap"):
        command += ["-color-matrix", "0 0 1 0 1 0 1 0 0"]
    if output["format"] != "png":
        command += ["-quality", str(output["quality"])]
    command += ["-sampling-factor", "4:2:0", output["format"] + ":-"]
    return subprocess.run(command, input=data, capture_output=True, check=True, env=ENVIRONMENT).stdout


if CONVERT is None:
    raise SystemExit("ImageMagick is not installed")
first = subprocess.run([CONVERT, "-version"], capture_output=True, text=True, check=True).stdout
serve("ImageMagick {}".format(re.search(r"ImageMagick (\S+)", first).group(1)), work, processes=True)
