"""The contender pyvips: libvips as Debian packages it, by its `thumbnail`, which decodes at a scale near the result's."""

import pyvips
from live import serve

pyvips.cache_set_max(0)

SUFFIXES = {
    "jpeg": lambda quality: (".jpg", {"Q": quality, "optimize_coding": True, "subsample_mode": "on"}),
    "webp": lambda quality: (".webp", {"Q": quality}),
    "avif": lambda quality: (".avif", {"Q": quality, "subsample_mode": "on"}),
    "png": lambda quality: (".png", {}),
}


def work(data, output):
    if output.get("size"):
        width, height = output["size"]
        options = {"crop": "centre"} if output.get("cover") else {"size": "down"}
        image = pyvips.Image.thumbnail_buffer(data, width, height=height, **options)
    elif output.get("animated"):
        image = pyvips.Image.new_from_buffer(data, "", n=-1)
    else:
        image = pyvips.Image.new_from_buffer(data, "", access="sequential")
    if output.get("swap"):
        image = image[2].bandjoin([image[1], image[0]]).copy(interpretation="srgb")
    suffix, options = SUFFIXES[output["format"]](output["quality"])
    return image.write_to_buffer(suffix, **options)


version = ".".join(str(pyvips.version(part)) for part in range(3))
serve(f"pyvips {pyvips.__version__} (Debian's libvips {version})", work)
