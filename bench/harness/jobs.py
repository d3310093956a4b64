"""The jobs of `make bench-imaging`: what goes in, what comes out, what the goal is. Every contender gets the same sizes, the
same quality numbers and chroma subsampling 4:2:0."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """One column of the tables."""

    letter: str
    title: str
    # The beginning of the photographs' names.
    source: str
    # One for each result; see bench/tools/src/lib.rs for the keys.
    outputs: tuple
    # The same job in Safelight's grammar: a pipeline for each result. "{quality}" is where `resize` takes its quality.
    pipelines: tuple
    # How many times faster than sharp Safelight is meant to be.
    goal: float
    # How often a worker repeats it for one figure: short jobs more often.
    times: int = 1
    # Which of Safelight's rows it stands in: jobs without a resize have no switch of quality.
    qualities: tuple = ("fast", "default", "best")


def fit(side, format, quality=0, **more):
    return {"size": [side, side], "format": format, "quality": quality, **more}


VARIANTS = (fit(1600, "jpeg", 80), fit(800, "jpeg", 80), fit(400, "jpeg", 80), fit(200, "jpeg", 80, cover=True))

JOBS = (
    Job("a", "12 MP to fit 400, JPEG q80", "p12_", (fit(400, "jpeg", 80),), ("resize:400x400{quality}/jpeg:q=80",), 1.15, 5),
    Job("b", "12 MP to fit 1600, WebP q80", "p12_", (fit(1600, "webp", 80),), ("resize:1600x1600{quality}/webp:q=80",), 1.15),
    Job("c", "12 MP to fit 800, AVIF q50", "p12_", (fit(800, "avif", 50),), ("resize:800x800{quality}/avif:q=50",), 1.0),
    Job("d", "4 MP PNG to fit 800, PNG", "p4_", (fit(800, "png"),), ("resize:800x800{quality}/png",), 2.0, 2),
    Job("e", "12 MP swap, JPEG q85", "p12_", ({"swap": True, "format": "jpeg", "quality": 85},), ("swap_channels/jpeg:q=85",), 1.4, qualities=("default",)),
    Job("f", "1 MP cover 200, JPEG q80", "p1_", (fit(200, "jpeg", 80, cover=True),), ("resize:200x200,fit=cover{quality}/jpeg:q=80",), 1.4, 20),
    Job(
        "g",
        "12 MP to fit 1600, 800, 400 and cover 200, JPEG q80",
        "p12_",
        VARIANTS,
        (
            "resize:1600x1600{quality}/jpeg:q=80",
            "resize:800x800{quality}/jpeg:q=80",
            "resize:400x400{quality}/jpeg:q=80",
            "resize:200x200,fit=cover{quality}/jpeg:q=80",
        ),
        2.0,
    ),
    Job("h", "GIF of 100 frames, WebP q80", "anim_", ({"format": "webp", "quality": 80, "animated": True},), ("webp:q=80",), 1.5, qualities=("default",)),
)
