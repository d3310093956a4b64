"""The contender Pillow: decodes at a scale near the result's, as its own thumbnails do."""

import io

import PIL
from live import serve
from PIL import Image, ImageOps, features

OPTIONS = {
    "jpeg": {"subsampling": "4:2:0", "optimize": True},
    "webp": {"method": 4},
    "avif": {"subsampling": "4:2:0", "speed": 6, "max_threads": 1},
    "png": {},
}


def work(data, output):
    image = Image.open(io.BytesIO(data))
    options = dict(OPTIONS[output["format"]])
    if output["format"] != "png":
        options["quality"] = output["quality"]
    if output.get("animated"):
        options["save_all"] = True
    if output.get("size"):
        size = tuple(output["size"])
        if output.get("cover"):
            scale = max(size[0] / image.width, size[1] / image.height)
            image.draft("RGB", (round(image.width * scale), round(image.height * scale)))
            image = ImageOps.fit(image, size, Image.Resampling.LANCZOS)
        else:
            image.thumbnail(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if output.get("swap"):
        red, green, blue = image.split()
        image = Image.merge("RGB", (blue, green, red))
    file = io.BytesIO()
    image.save(file, output["format"].upper(), **options)
    return file.getvalue()


serve(f"Pillow {PIL.__version__} (libjpeg-turbo {features.version('libjpeg_turbo')}, libwebp {features.version('webp')})", work)
