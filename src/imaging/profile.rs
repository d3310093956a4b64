//! Colours that a file describes by an ICC profile, converted to sRGB. The conversion itself is that of the crate `moxcms`.

use std::sync::Arc;

use image::DynamicImage;
use moxcms::{
    BarycentricWeightScale, ColorProfile, DataColorSpace, InterpolationMethod, Layout, ProfileText, RenderingIntent, Transform8BitExecutor,
    Transform16BitExecutor, TransformExecutor, TransformF32Executor, TransformOptions,
};

use super::error::ImagingError;
use crate::domain::probe::Details;

/// Larger profiles are neither read nor written: none that a camera or an editor writes comes near.
pub(super) const MAX_ICC_PROFILE: usize = 4 << 20;

/// An upper bound of what it takes to read a profile of some bytes and to convert by it, beside the pixels.
pub(super) fn working_bytes(profile: u64) -> u64 {
    const TABLES: u64 = 4 << 20;
    if profile == 0 { 0 } else { profile.saturating_mul(8).saturating_add(TABLES) }
}

/// Fixed point would be off by more than a level in dark colours.
const OPTIONS: TransformOptions = TransformOptions {
    rendering_intent: RenderingIntent::Perceptual,
    allow_use_cicp_transfer: true,
    prefer_fixed_point: false,
    interpolation_method: InterpolationMethod::Linear,
    barycentric_weight_scale: BarycentricWeightScale::Low,
};

/// How many pixels are converted at once.
const BLOCK: usize = 1024;

/// A conversion to sRGB.
#[derive(Clone)]
pub(super) struct ToSrgb {
    profile: Box<ColorProfile>,
    /// The transform for the pixel type that was converted last.
    made: Option<(Layout, Transform)>,
    /// Whether it makes a difference.
    changes: bool,
}

#[derive(Clone)]
enum Transform {
    Bits8(Arc<Transform8BitExecutor>),
    Bits16(Arc<Transform16BitExecutor>),
    Floats(Arc<TransformF32Executor>),
}

impl ToSrgb {
    /// `None` for a profile that is not understood, or for other than gray or red, green and blue.
    pub(super) fn new(profile: &[u8]) -> Option<Self> {
        let profile = Box::new(readable(profile)?);
        let layout = match profile.color_space {
            DataColorSpace::Rgb => Layout::Rgb,
            DataColorSpace::Gray => Layout::Gray,
            _ => return None,
        };
        let transform = profile.create_transform_8bit(layout, &ColorProfile::new_srgb(), Layout::Rgb, OPTIONS).ok()?;
        let changes = changes(&*transform, layout)?;
        // Making one takes longer than a thumbnail's conversion.
        Some(Self { profile, made: Some((layout, Transform::Bits8(transform))), changes })
    }

    /// Converts an image in place; alpha stays. One of another kind than the profile's, gray or colours, is left as it is.
    pub(super) fn apply(&mut self, image: &mut DynamicImage) -> Result<(), ImagingError> {
        let is_gray = self.profile.color_space == DataColorSpace::Gray;
        if !self.changes || image.color().has_color() == is_gray {
            return Ok(());
        }
        let layout = match (is_gray, image.color().has_alpha()) {
            (true, false) => Layout::Gray,
            (true, true) => Layout::GrayAlpha,
            (false, false) => Layout::Rgb,
            (false, true) => Layout::Rgba,
        };
        let bits = image.color().bits_per_pixel() / u16::from(image.color().channel_count());
        let converted = match (self.transform(layout, bits).map_err(|error| refusal(&error))?, image) {
            (Transform::Bits8(by), DynamicImage::ImageLuma8(pixels)) => convert::<_, 1>(&*by, pixels),
            (Transform::Bits8(by), DynamicImage::ImageLumaA8(pixels)) => convert::<_, 2>(&*by, pixels),
            (Transform::Bits8(by), DynamicImage::ImageRgb8(pixels)) => convert::<_, 3>(&*by, pixels),
            (Transform::Bits8(by), DynamicImage::ImageRgba8(pixels)) => convert::<_, 4>(&*by, pixels),
            (Transform::Bits16(by), DynamicImage::ImageLuma16(pixels)) => convert::<_, 1>(&*by, pixels),
            (Transform::Bits16(by), DynamicImage::ImageLumaA16(pixels)) => convert::<_, 2>(&*by, pixels),
            (Transform::Bits16(by), DynamicImage::ImageRgb16(pixels)) => convert::<_, 3>(&*by, pixels),
            (Transform::Bits16(by), DynamicImage::ImageRgba16(pixels)) => convert::<_, 4>(&*by, pixels),
            (Transform::Floats(by), DynamicImage::ImageRgb32F(pixels)) => convert::<_, 3>(&*by, pixels),
            (Transform::Floats(by), DynamicImage::ImageRgba32F(pixels)) => convert::<_, 4>(&*by, pixels),
            _ => Ok(()),
        };
        converted.map_err(|error| refusal(&error))
    }

    fn transform(&mut self, layout: Layout, bits: u16) -> Result<Transform, moxcms::CmsError> {
        let bits_of = |transform: &Transform| match transform {
            Transform::Bits8(_) => 8,
            Transform::Bits16(_) => 16,
            Transform::Floats(_) => 32,
        };
        if let Some((_, made)) = self.made.as_ref().filter(|(of, made)| *of == layout && bits_of(made) == bits) {
            return Ok(made.clone());
        }
        let (srgb, to) = (ColorProfile::new_srgb(), if layout.has_alpha() { Layout::Rgba } else { Layout::Rgb });
        let made = match bits {
            8 => Transform::Bits8(self.profile.create_transform_8bit(layout, &srgb, to, OPTIONS)?),
            16 => Transform::Bits16(self.profile.create_transform_16bit(layout, &srgb, to, OPTIONS)?),
            _ => Transform::Floats(self.profile.create_transform_f32(layout, &srgb, to, OPTIONS)?),
        };
        self.made = Some((layout, made.clone()));
        Ok(made)
    }
}

/// Whether colours come out of a conversion to sRGB as they went in.
pub(super) fn is_srgb(profile: &[u8]) -> bool {
    ToSrgb::new(profile).is_some_and(|to_srgb| !to_srgb.changes)
}

/// The name that a profile gives itself, in English if it has one there; control characters and what is too long are left out.
pub(super) fn name(profile: &[u8]) -> Option<String> {
    let name = match readable(profile)?.description? {
        ProfileText::PlainString(name) => name,
        ProfileText::Localizable(names) => {
            let english = names.iter().position(|name| name.language == "en").unwrap_or(0);
            names.into_iter().nth(english)?.value
        }
        ProfileText::Description(name) => name.ascii_string,
    };
    let name: String = name.trim().chars().filter(|c| !c.is_control()).take(Details::MAX_TEXT).collect();
    (!name.is_empty()).then_some(name)
}

/// A profile that is understood, and not too large.
fn readable(profile: &[u8]) -> Option<ColorProfile> {
    if profile.len() > MAX_ICC_PROFILE { None } else { ColorProfile::new_from_slice(profile).ok() }
}

/// A conversion of cyan, magenta, yellow and black to sRGB.
pub(super) struct InksToSrgb(Arc<Transform8BitExecutor>);

impl InksToSrgb {
    /// `None` for a profile that is not understood, or for other than these inks.
    pub(super) fn new(profile: &[u8]) -> Option<Self> {
        let profile = readable(profile).filter(|profile| profile.color_space == DataColorSpace::Cmyk)?;
        profile.create_transform_8bit(Layout::Rgba, &ColorProfile::new_srgb(), Layout::Rgb, OPTIONS).ok().map(Self)
    }

    /// From four samples a pixel, 255 all of an ink, to three.
    pub(super) fn apply(&self, inks: &[u8], colours: &mut [u8]) -> Result<(), moxcms::CmsError> {
        let blocks = inks.chunks(BLOCK * 4).zip(colours.chunks_mut(BLOCK * 3));
        blocks.into_iter().try_for_each(|(inks, colours)| self.0.transform(inks, colours))
    }
}

/// Whether colours all over the range come out by more than a level other than they went in: the many profiles of sRGB differ by
/// less.
fn changes(transform: &Transform8BitExecutor, layout: Layout) -> Option<bool> {
    let ramp: Vec<u8> = (0..=u8::MAX).collect();
    let from: Vec<u8> = match layout {
        Layout::Gray => ramp,
        _ => {
            let grays = ramp.iter().map(|level| [*level; 3]);
            let coarse = || (0..=u8::MAX).step_by(51);
            let colours = coarse().flat_map(|r| coarse().flat_map(move |g| coarse().map(move |b| [r, g, b])));
            grays.chain(colours).flatten().collect()
        }
    };
    let pixels = from.len() / layout.channels();
    let mut to = vec![0; pixels * 3];
    transform.transform(&from, &mut to).ok()?;
    let before = |sample: usize| if layout == Layout::Gray { from[sample / 3] } else { from[sample] };
    Some(to.iter().enumerate().any(|(sample, after)| after.abs_diff(before(sample)) > 1))
}

/// `N` samples to a pixel. Gray comes out of the transform as three equal channels.
fn convert<T: Copy + Default, const N: usize>(
    by: &(impl TransformExecutor<T> + ?Sized),
    samples: &mut [T],
) -> Result<(), moxcms::CmsError> {
    let (colours, has_alpha) = if N < 3 { (1, N == 2) } else { (3, N == 4) };
    let results_per_pixel = 3 + usize::from(has_alpha);
    let mut results = vec![T::default(); BLOCK * results_per_pixel];
    for block in samples.chunks_mut(BLOCK * N) {
        let results = &mut results[..block.len() / N * results_per_pixel];
        by.transform(block, results)?;
        for (pixel, result) in block.as_chunks_mut::<N>().0.iter_mut().zip(results.chunks_exact(results_per_pixel)) {
            pixel[..colours].copy_from_slice(&result[..colours]);
        }
    }
    Ok(())
}

fn refusal(error: &moxcms::CmsError) -> ImagingError {
    ImagingError::Operation(format!("the colours cannot be converted to sRGB: {error}; input:profile=keep leaves them as they are"))
}
