//! The items of a file: the image, its alpha, and what else there may be; where they are and what is said about them.

use std::borrow::Cow;

use image::metadata::Orientation;

use super::{Bytes, Cicp, Fault};
use crate::imaging::avif::ALPHA;

/// More of anything than an honest file has.
const MANY: usize = 1024;
const TOO_MANY: Fault = Fault::Unsupported("so many items");

/// A span of bytes: where it begins and how long it is.
type Extent = (u64, u64);

/// The box of metadata, taken apart.
#[derive(Default)]
pub(super) struct Items<'a> {
    /// The number of the image.
    pub(super) primary: u32,
    kinds: Vec<(u32, &'a [u8; 4])>,
    /// By the number of the item: whether the extents count in `data`, else in the file, and the extents.
    places: Vec<(u32, bool, Vec<Extent>)>,
    /// Kind, from, to.
    references: Vec<(&'a [u8; 4], u32, u32)>,
    properties: Vec<(&'a [u8; 4], Bytes<'a>)>,
    /// By the number of the item: the place of a property, counted from 1, and whether it must be understood.
    associations: Vec<(u32, usize, bool)>,
    data: &'a [u8],
}

/// What is said about one item.
#[derive(Default)]
pub(super) struct Properties<'a> {
    pub(super) size: Option<(u32, u32)>,
    /// Bits of a sample, and whether there is no chroma.
    pub(super) configuration: Option<(u32, bool)>,
    pub(super) icc_profile: Option<&'a [u8]>,
    pub(super) cicp: Option<Cicp>,
    /// Quarter turns against the clock.
    turns: u8,
    /// Whether left and right change places after the turns, else top and bottom.
    mirrored: Option<bool>,
    is_alpha: bool,
}

impl<'a> Items<'a> {
    pub(super) fn read(mut meta: Bytes<'a>) -> Result<Self, Fault> {
        meta.version()?;
        let mut items = Self::default();
        while let Some((kind, mut body)) = meta.next_box()? {
            match kind {
                b"pitm" => items.primary = body.version().and_then(|(version, _)| body.item(version == 0))?,
                b"iinf" => items.read_kinds(body)?,
                b"iloc" => items.read_places(body)?,
                b"iref" => items.read_references(body)?,
                b"iprp" => items.read_properties(body)?,
                b"idat" => items.data = body.0,
                _ => {}
            }
        }
        Ok(items)
    }

    fn read_kinds(&mut self, mut body: Bytes<'a>) -> Result<(), Fault> {
        let (version, _) = body.version()?;
        body.item(version == 0)?;
        while let Some((kind, mut entry)) = body.next_box()? {
            let (version, _) = entry.version()?;
            if kind != b"infe" || version < 2 {
                continue;
            }
            let item = entry.item(version == 2)?;
            entry.u16()?;
            self.kinds.push((item, entry.take(4)?.first_chunk().ok_or(TOO_MANY)?));
            within(self.kinds.len())?;
        }
        Ok(())
    }

    fn read_places(&mut self, mut body: Bytes<'a>) -> Result<(), Fault> {
        let (version, _) = body.version()?;
        let (sizes, more) = (body.u8()?, body.u8()?);
        let (of_offset, of_length, of_base) = (usize::from(sizes >> 4), usize::from(sizes & 15), usize::from(more >> 4));
        let of_index = if version == 0 { 0 } else { usize::from(more & 15) };
        let mut extents = 0;
        for _ in 0..body.item(version < 2)? {
            let item = body.item(version < 2)?;
            let method = if version == 0 { 0 } else { body.u16()? & 15 };
            if body.u16()? != 0 || method > 1 {
                return Err(Fault::Unsupported("an item outside of the file"));
            }
            let base = body.number(of_base)?;
            let mut found = Vec::new();
            for _ in 0..body.u16()? {
                body.number(of_index)?;
                let (offset, length) = (body.number(of_offset)?, body.number(of_length)?);
                found.push((base.saturating_add(offset), length));
                extents += 1;
                within(extents)?;
            }
            self.places.push((item, method == 1, found));
            within(self.places.len())?;
        }
        Ok(())
    }

    fn read_references(&mut self, mut body: Bytes<'a>) -> Result<(), Fault> {
        let (version, _) = body.version()?;
        while let Some((kind, mut reference)) = body.next_box()? {
            let from = reference.item(version == 0)?;
            for _ in 0..reference.u16()? {
                self.references.push((kind, from, reference.item(version == 0)?));
                within(self.references.len())?;
            }
        }
        Ok(())
    }

    fn read_properties(&mut self, mut body: Bytes<'a>) -> Result<(), Fault> {
        while let Some((kind, mut body)) = body.next_box()? {
            if kind == b"ipco" {
                while let Some(property) = body.next_box()? {
                    self.properties.push(property);
                    within(self.properties.len())?;
                }
            } else if kind == b"ipma" {
                let (version, flags) = body.version()?;
                for _ in 0..body.u32()? {
                    let item = body.item(version == 0)?;
                    for _ in 0..body.u8()? {
                        let length = 1 + (flags & 1) as usize;
                        let (number, essential) = (body.number(length)? as usize, 1_usize << (8 * length - 1));
                        self.associations.push((item, number & (essential - 1), number & essential != 0));
                        within(self.associations.len())?;
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) fn kind(&self, item: u32) -> Option<&'a [u8; 4]> {
        self.kinds.iter().find(|(of, _)| *of == item).map(|(_, kind)| *kind)
    }

    /// The alpha of the image, and what is said about it.
    pub(super) fn alpha(&self) -> Result<Option<(u32, Properties<'a>)>, Fault> {
        for (kind, from, to) in &self.references {
            if *kind == b"auxl" && *to == self.primary && self.kind(*from) == Some(b"av01") {
                let properties = self.properties(*from)?;
                if properties.is_alpha {
                    return Ok(Some((*from, properties)));
                }
            }
        }
        Ok(None)
    }

    /// Whether the colours of the image were multiplied by that alpha.
    pub(super) fn is_premultiplied_by(&self, alpha: u32) -> bool {
        self.references.iter().any(|(kind, from, to)| *kind == b"prem" && (*from, *to) == (self.primary, alpha))
    }

    /// What is said about an item.
    pub(super) fn properties(&self, item: u32) -> Result<Properties<'a>, Fault> {
        let mut properties = Properties::default();
        for (_, place, essential) in self.associations.iter().filter(|(of, ..)| *of == item) {
            let Some((kind, body)) = place.checked_sub(1).and_then(|place| self.properties.get(place)) else { continue };
            if !properties.add(kind, *body)? && *essential {
                return Err(Fault::Unsupported("something that it says must be understood"));
            }
        }
        Ok(properties)
    }

    /// The bytes of an item; copied where they are in several pieces.
    pub(super) fn data(&self, input: &'a [u8], item: u32) -> Result<Cow<'a, [u8]>, Fault> {
        const OUTSIDE: Fault = Fault::Corrupt("the file is shorter than its items");
        let (_, inside, extents) = self.places.iter().find(|(of, ..)| *of == item).ok_or(Fault::Corrupt("an item has no place"))?;
        let within = if *inside { self.data } else { input };
        let piece = |(start, length): &Extent| {
            let (start, length) = (usize::try_from(*start).ok()?, usize::try_from(*length).ok()?);
            within.get(start..start.checked_add(length)?)
        };
        match &extents[..] {
            [one] => piece(one).map(Cow::Borrowed).ok_or(OUTSIDE),
            several => {
                let pieces = several.iter().map(piece).collect::<Option<Vec<_>>>().ok_or(OUTSIDE)?;
                // Pieces that overlap could be more than the file.
                let length: usize = pieces.iter().map(|piece| piece.len()).sum();
                if length > input.len() { Err(Fault::Corrupt("an item is larger than the file")) } else { Ok(Cow::Owned(pieces.concat())) }
            }
        }
    }
}

fn within(count: usize) -> Result<(), Fault> {
    if count > MANY { Err(TOO_MANY) } else { Ok(()) }
}

impl<'a> Properties<'a> {
    /// Takes one property; `false` for one that is not known.
    fn add(&mut self, kind: &[u8; 4], mut body: Bytes<'a>) -> Result<bool, Fault> {
        match kind {
            b"ispe" => {
                body.version()?;
                self.size = Some((body.u32()?, body.u32()?));
            }
            b"av1C" => {
                let flags = body.take(3)?[2];
                let depth = match flags >> 5 & 3 {
                    0 => 8,
                    2 => 10,
                    3 => 12,
                    _ => return Err(Fault::Corrupt("samples of no depth that AV1 has")),
                };
                self.configuration = Some((depth, flags & 0x10 != 0));
            }
            b"colr" => match body.take(4)? {
                b"nclx" => {
                    let (primaries, transfer, matrix) = (body.u16()?, body.u16()?, body.u16()?);
                    self.cicp = Some(Cicp { primaries, transfer, matrix, full_range: body.u8()? & 0x80 != 0 });
                }
                b"prof" | b"rICC" => self.icc_profile = Some(body.0),
                _ => {}
            },
            b"irot" => self.turns = body.u8()? & 3,
            b"imir" => self.mirrored = Some(body.u8()? & 1 == 1),
            b"auxC" => {
                body.version()?;
                self.is_alpha = body.0.starts_with(ALPHA) || body.0.starts_with(b"urn:mpeg:hevc:2015:auxid:1");
            }
            b"pixi" | b"pasp" => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The turns, then the mirror (ISO/IEC 23000-22, 7.3.6.7).
    pub(super) fn orientation(&self) -> Orientation {
        use Orientation::{FlipHorizontal, FlipVertical, NoTransforms, Rotate90, Rotate90FlipH, Rotate180, Rotate270, Rotate270FlipH};
        match (self.turns, self.mirrored) {
            (0, None) => NoTransforms,
            (1, None) => Rotate270,
            (2, None) => Rotate180,
            (_, None) => Rotate90,
            (0, Some(true)) | (2, Some(false)) => FlipHorizontal,
            (0, Some(false)) | (2, Some(true)) => FlipVertical,
            (1, Some(true)) | (3, Some(false)) => Rotate270FlipH,
            (_, Some(_)) => Rotate90FlipH,
        }
    }
}
