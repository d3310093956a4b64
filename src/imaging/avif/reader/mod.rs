//! The boxes of a file (ISO/IEC 14496-12, 23008-12, and the AV1 Image File Format 1.1): where the coded image is and what is said
//! about it. Nothing is decoded here, and nothing is allocated but small lists and what is in several pieces.

mod bytes;
mod items;
mod sequence;

use std::borrow::Cow;

use image::metadata::Orientation;

use super::Cicp;
use bytes::Bytes;
use items::{Items, Properties};

/// What a file cannot be read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::imaging) enum Fault {
    /// Damaged or cut off.
    Corrupt(&'static str),
    /// A kind of file that is not read.
    Unsupported(&'static str),
}

/// A coded image.
#[derive(Debug)]
pub(in crate::imaging) struct Coded<'a> {
    /// The AV1 stream.
    pub(in crate::imaging) stream: Cow<'a, [u8]>,
    /// Bits of a sample.
    pub(in crate::imaging) depth: u32,
    /// Whether there is no chroma.
    pub(in crate::imaging) is_gray: bool,
}

/// The image of a file, as it is stored.
#[derive(Debug)]
pub(in crate::imaging) struct File<'a> {
    /// Width and height in pixels.
    pub(in crate::imaging) size: (u32, u32),
    pub(in crate::imaging) color: Coded<'a>,
    pub(in crate::imaging) alpha: Option<Coded<'a>>,
    /// Whether the colours were multiplied by alpha.
    pub(in crate::imaging) premultiplied: bool,
    pub(in crate::imaging) orientation: Orientation,
    pub(in crate::imaging) icc_profile: Option<&'a [u8]>,
    /// What the file says about the samples; else the stream does.
    pub(in crate::imaging) cicp: Option<Cicp>,
}

/// Reads the boxes of a file up to the end of its metadata.
pub(in crate::imaging) fn read(input: &[u8]) -> Result<File<'_>, Fault> {
    let mut boxes = Bytes(input);
    loop {
        let Some((kind, body)) = boxes.next_box()? else { return Err(Fault::Unsupported("a sequence of images without a still one")) };
        if kind == b"meta" {
            return file(input, &Items::read(body)?);
        }
    }
}

fn file<'a>(input: &'a [u8], items: &Items<'a>) -> Result<File<'a>, Fault> {
    match items.kind(items.primary) {
        Some(b"av01") => {}
        Some(b"grid") => return Err(Fault::Unsupported("tiles in a grid")),
        Some(_) => return Err(Fault::Unsupported("an image that is not coded as AV1")),
        None => return Err(Fault::Corrupt("the image is missing")),
    }
    let properties = items.properties(items.primary)?;
    let size = properties.size.filter(|size| size.0 > 0 && size.1 > 0).ok_or(Fault::Corrupt("the size is missing"))?;
    let alpha = items.alpha()?;
    let premultiplied = alpha.as_ref().is_some_and(|(alpha, _)| items.is_premultiplied_by(*alpha));
    Ok(File {
        size,
        color: coded(input, items, items.primary, &properties, size)?,
        alpha: alpha.map(|(alpha, properties)| coded(input, items, alpha, &properties, size)).transpose()?,
        premultiplied,
        orientation: properties.orientation(),
        icc_profile: properties.icc_profile,
        cicp: properties.cicp,
    })
}

/// The stream of an item, whose pictures have no other size than the file says: what a decoder allocates follows the stream.
fn coded<'a>(input: &'a [u8], items: &Items<'a>, item: u32, properties: &Properties<'_>, size: (u32, u32)) -> Result<Coded<'a>, Fault> {
    let (depth, is_gray) = properties.configuration.ok_or(Fault::Corrupt("the configuration of the decoder is missing"))?;
    if properties.size.is_some_and(|own| own != size) {
        return Err(Fault::Unsupported("alpha of another size than the image"));
    }
    let stream = items.data(input, item)?;
    sequence::check(&stream, size)?;
    Ok(Coded { stream, depth, is_gray })
}
