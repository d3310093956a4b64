//! Images made on the spot, and where the corpora are.

use std::io::Cursor;
use std::path::PathBuf;

use image::{ColorType, DynamicImage, ImageFormat};
use safelight::domain::asset::AssetRef;
use safelight::domain::format::Format;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::{Output, Pipeline};
use safelight::imaging::{self, Assets, ImagingError, OutputInfo};

/// Every pixel type that a decoder hands out.
pub(crate) const COLOR_TYPES: [ColorType; 10] = {
    use ColorType::{L8, L16, La8, La16, Rgb8, Rgb16, Rgb32F, Rgba8, Rgba16, Rgba32F};
    [L8, La8, Rgb8, Rgba8, L16, La16, Rgb16, Rgba16, Rgb32F, Rgba32F]
};

/// An image of a pixel type whose samples are all different enough to tell: smooth with a little noise.
pub(crate) fn sample(width: u32, height: u32, color: ColorType) -> DynamicImage {
    let rgba = image::ImageBuffer::from_fn(width, height, |x, y| {
        let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(2_246_822_519)).rotate_right(7) % 1_500;
        let ramp = |i: u32, n: u32| ((u64::from(i) * 60_000) / u64::from(n.max(1))) as u32;
        let channels =
            [ramp(x, width) + noise, ramp(y, height) + noise * 2, ramp(x + y, width + height) / 2 + noise, 65_535 - ramp(y, height) / 2];
        image::Rgba(channels.map(|channel| channel.min(65_535) as u16))
    });
    convert(DynamicImage::ImageRgba16(rgba), color)
}

/// The image in another pixel type.
pub(crate) fn convert(image: DynamicImage, color: ColorType) -> DynamicImage {
    match color {
        ColorType::L8 => image.into_luma8().into(),
        ColorType::La8 => image.into_luma_alpha8().into(),
        ColorType::Rgb8 => image.into_rgb8().into(),
        ColorType::Rgba8 => image.into_rgba8().into(),
        ColorType::L16 => image.into_luma16().into(),
        ColorType::La16 => image.into_luma_alpha16().into(),
        ColorType::Rgb16 => image.into_rgb16().into(),
        ColorType::Rgba16 => image.into_rgba16().into(),
        ColorType::Rgb32F => image.into_rgb32f().into(),
        ColorType::Rgba32F => image.into_rgba32f().into(),
        other => panic!("no such pixel type: {other:?}"),
    }
}

/// The formats that a result can have in this build.
pub(crate) fn written() -> impl Iterator<Item = Format> {
    let names = Output::declarations().map(|declaration| declaration.name).filter(|name| Output::is_built(name));
    names.map(|name| name.parse().expect("an output has the name of its format"))
}

/// The formats that [`file`] makes: all but AVIF, whose files are made by its own tests.
pub(crate) fn made() -> impl Iterator<Item = Format> {
    Format::ALL.into_iter().filter(|format| *format != Format::Avif)
}

fn image_format(format: Format) -> Option<ImageFormat> {
    Some(match format {
        Format::Png => ImageFormat::Png,
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Webp => ImageFormat::WebP,
        Format::Gif => ImageFormat::Gif,
        Format::Bmp => ImageFormat::Bmp,
        Format::Tiff => ImageFormat::Tiff,
        Format::Qoi => ImageFormat::Qoi,
        Format::Pnm | Format::Avif => return None,
    })
}

/// Encodes with the `image` crate alone, or by hand, where the format holds the pixel type.
pub(crate) fn try_file(image: &DynamicImage, format: Format) -> Option<Vec<u8>> {
    let Some(format) = image_format(format) else { return (format == Format::Pnm).then(|| crate::pnm::of(image))? };
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, format).ok().map(|()| out.into_inner())
}

/// Encodes with the `image` crate alone, or by hand.
pub(crate) fn file(image: &DynamicImage, format: Format) -> Vec<u8> {
    try_file(image, format).unwrap_or_else(|| panic!("{format} holds no {:?}", image.color()))
}

/// Decodes with the `image` crate alone.
pub(crate) fn pixels(file: &[u8]) -> DynamicImage {
    image::load_from_memory(file).expect("the file decodes")
}

/// Runs a pipeline, given as text, without limits to speak of.
pub(crate) fn run(input: &[u8], pipeline: &str) -> Result<(Vec<u8>, OutputInfo), ImagingError> {
    run_with(input, pipeline, &[])
}

/// Runs a pipeline with assets by their names.
pub(crate) fn run_with(input: &[u8], pipeline: &str, assets: &[(&str, &[u8])]) -> Result<(Vec<u8>, OutputInfo), ImagingError> {
    let names: Vec<AssetRef> = assets.iter().map(|(name, _)| name.parse().expect("an asset's name")).collect();
    let assets = Assets::new(names.iter().zip(assets.iter().map(|(_, bytes)| *bytes)));
    let pipeline: Pipeline = pipeline.parse().unwrap_or_else(|error| panic!("{pipeline}: {error}"));
    let mut out = Cursor::new(Vec::new());
    let info = imaging::run(input, &pipeline, &assets, &ImageLimits::default(), &mut out)?;
    Ok((out.into_inner(), info))
}

/// Runs a pipeline and decodes the result.
pub(crate) fn run_to_pixels(input: &[u8], pipeline: &str) -> DynamicImage {
    let (bytes, info) = run(input, pipeline).unwrap_or_else(|error| panic!("{pipeline}: {error}"));
    assert_eq!(Format::sniff(&bytes), Some(info.format));
    let image = pixels(&bytes);
    assert_eq!((image.width(), image.height()), (info.width, info.height));
    image
}

/// Each pipeline gives the image that size.
pub(crate) fn assert_sizes(input: &[u8], cases: &[(&str, (u32, u32))]) {
    for (pipeline, size) in cases {
        let (_, info) = run(input, pipeline).unwrap_or_else(|error| panic!("{pipeline}: {error}"));
        assert_eq!((info.width, info.height), *size, "{pipeline}");
    }
}

fn shared(variable: &str, fallback: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(fallback), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    println!("skipped: no corpus ({variable})");
    None
}

/// The folder of test images, where there is one.
pub(crate) fn corpus() -> Option<PathBuf> {
    shared("SAFELIGHT_CORPUS", "../shared/corpus")
}

/// The folder of photographs, where there is one.
pub(crate) fn photos() -> Option<PathBuf> {
    shared("SAFELIGHT_PHOTOS", "../shared/photos")
}

/// The samples of an image as numbers, whatever their type.
#[derive(Clone)]
pub(crate) struct Samples {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) channels: usize,
    pub(crate) has_alpha: bool,
    /// The largest value of a sample: 255, 65535 or 1.
    pub(crate) largest: f64,
    values: Vec<f64>,
}

impl Samples {
    pub(crate) fn of(image: &DynamicImage) -> Self {
        let color = image.color();
        let channels = usize::from(color.channel_count());
        let (largest, values): (f64, Vec<f64>) = match usize::from(color.bytes_per_pixel()) / channels {
            1 => (255.0, image.as_bytes().iter().map(|sample| f64::from(*sample)).collect()),
            2 => (65_535.0, image.as_bytes().as_chunks().0.iter().map(|sample| f64::from(u16::from_ne_bytes(*sample))).collect()),
            _ => (1.0, image.as_bytes().as_chunks().0.iter().map(|sample| f64::from(f32::from_ne_bytes(*sample))).collect()),
        };
        Self { width: image.width(), height: image.height(), channels, has_alpha: color.has_alpha(), largest, values }
    }

    /// How many of the channels are no alpha.
    pub(crate) fn colours(&self) -> usize {
        self.channels - usize::from(self.has_alpha)
    }

    pub(crate) fn pixels(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.channels)
    }

    pub(crate) fn pixel(&self, x: u32, y: u32) -> &[f64] {
        let start = (y * self.width + x) as usize * self.channels;
        &self.values[start..start + self.channels]
    }

    /// The same image with each pixel replaced.
    pub(crate) fn map(&self, pixel: impl FnMut(&[f64]) -> Vec<f64>) -> Self {
        Self { values: self.pixels().flat_map(pixel).collect(), ..self.clone() }
    }

    /// Fails unless the other image is the same within `tolerance`, and names the first pixel that is not.
    #[track_caller]
    pub(crate) fn assert_near(&self, expected: &Self, tolerance: f64, what: &str) {
        let shape = |image: &Self| (image.width, image.height, image.channels, image.has_alpha, image.largest);
        assert_eq!(shape(self), shape(expected), "{what}");
        let far = |(a, b): (&[f64], &[f64])| a.iter().zip(b).any(|(a, b)| (a - b).abs() > tolerance);
        if let Some(index) = self.pixels().zip(expected.pixels()).position(far) {
            let (x, y) = (index as u32 % self.width, index as u32 / self.width);
            panic!("{what}: at {x},{y} {:?}, expected {:?}", self.pixel(x, y), expected.pixel(x, y));
        }
    }

    #[track_caller]
    pub(crate) fn assert_same(&self, expected: &Self, what: &str) {
        self.assert_near(expected, 0.0, what);
    }
}

/// How like an image is to another, in decibels; both have samples of 8 bits.
pub(crate) fn psnr(image: &[u8], expected: &[u8]) -> f64 {
    assert_eq!(image.len(), expected.len());
    let squares: f64 = image.iter().zip(expected).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    20.0 * 255_f64.log10() - 10.0 * (squares / image.len() as f64).log10()
}
