//! Assets as pictures: decoded once for a whole run, upright, in sRGB, with alpha.

use image::DynamicImage;

use super::decode;
use super::error::ImagingError;
use super::metadata::check_metadata;
use super::probe::probe;
use super::profile::ToSrgb;
use crate::domain::asset::AssetRef;
use crate::domain::limits::ImageLimits;
use crate::domain::pipeline::cost;
use crate::domain::pipeline::{Frames, Pipeline, Scale};

/// The files of the assets that a pipeline names.
#[derive(Clone, Debug, Default)]
pub struct Assets<'a>(Vec<(&'a AssetRef, &'a [u8])>);

impl<'a> Assets<'a> {
    /// The bytes of each, as its file has them.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = (&'a AssetRef, &'a [u8])>) -> Self {
        Self(files.into_iter().collect())
    }

    fn get(&self, asset: &AssetRef) -> Option<&'a [u8]> {
        self.0.iter().find(|(named, _)| *named == asset).map(|(_, bytes)| *bytes)
    }
}

/// Checks the header of an asset, and says how many bytes of memory it takes to have it as a picture, at most.
///
/// # Errors
/// [`ImagingError::Asset`] when it cannot be used.
pub fn probe_asset(asset: &AssetRef, bytes: &[u8], limits: &ImageLimits) -> Result<u64, ImagingError> {
    let checked = check_metadata(bytes, limits).and_then(|()| probe(bytes)).and_then(|info| {
        limits.check_size((info.width, info.height), None)?;
        Ok(cost::asset_bytes(&info))
    });
    checked.map_err(|error| error.of_asset(asset))
}

/// An asset as it is laid over an image.
pub(super) struct Picture {
    /// Red, green, blue and alpha, of 8 or 16 bits or floats.
    pub(super) pixels: DynamicImage,
    /// Whether it was gray, so that a gray image below it may stay gray.
    pub(super) is_gray: bool,
}

/// The decoded assets of a pipeline.
#[derive(Default)]
pub(super) struct Pictures(Vec<(AssetRef, Picture)>);

impl Pictures {
    /// Decodes every asset that `pipelines` name, once.
    ///
    /// # Errors
    /// [`ImagingError::Asset`] for the first that is not there or cannot be used.
    pub(super) fn decode(pipelines: &[&Pipeline], assets: &Assets<'_>, limits: &ImageLimits) -> Result<Self, ImagingError> {
        let decoded = |asset: AssetRef| {
            let picture = assets.get(&asset).ok_or_else(missing).and_then(|bytes| Picture::decode(bytes, limits));
            picture.map_err(|error| error.of_asset(&asset)).map(|picture| (asset, picture))
        };
        Pipeline::assets_of(pipelines.iter().copied()).into_iter().map(decoded).collect::<Result<_, _>>().map(Self)
    }

    /// The picture of an asset.
    pub(super) fn get(&self, asset: &AssetRef) -> Result<&Picture, ImagingError> {
        let found = self.0.iter().find(|(named, _)| named == asset).map(|(_, picture)| picture);
        found.ok_or_else(|| missing().of_asset(asset))
    }
}

fn missing() -> ImagingError {
    ImagingError::Operation("its file is not there".to_owned())
}

impl Picture {
    fn decode(bytes: &[u8], limits: &ImageLimits) -> Result<Self, ImagingError> {
        check_metadata(bytes, limits)?;
        let info = probe(bytes)?;
        limits.check_size((info.width, info.height), None)?;
        let (mut decoder, properties) = decode::open(bytes, info.format, cost::asset_bytes(&info), Scale::Full, Frames::One(0))?;
        let frame = decoder.next_frame()?.ok_or_else(|| ImagingError::Corrupt("it has no frame".to_owned()))?;
        let mut image = frame.image;
        image.apply_orientation(properties.orientation);
        if let Some(mut to_srgb) = properties.icc_profile.as_deref().and_then(ToSrgb::new) {
            to_srgb.apply(&mut image)?;
        }
        let is_gray = !image.color().has_color();
        let pixels = match image.color().bytes_per_pixel() / image.color().channel_count() {
            1 => image.into_rgba8().into(),
            2 => image.into_rgba16().into(),
            _ => image.into_rgba32f().into(),
        };
        Ok(Self { pixels, is_gray })
    }
}
