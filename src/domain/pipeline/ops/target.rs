//! The arithmetic from the size that a resize is asked for to pixels.

use super::resize::PixelRatio;
use crate::domain::pipeline::area::Area;
#[cfg(test)]
use crate::domain::pipeline::call::Argument;
use crate::domain::pipeline::values::{Color, Focus, Gravity, Scaling, Side, Size, ratio};

/// The size that a resize is asked for. Where one side is given the other follows from the aspect ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// So much of what there is.
    Scale(Scaling),
    /// The aspect ratio stays; as large as fits into the box.
    Inside(Size, Minimum),
    /// The aspect ratio stays; as small as contains the box (width, height).
    Outside(Side, Side, Minimum),
    /// The box (width, height), filled; what sticks out of it is cropped.
    Cover(Side, Side, Focus),
    /// The box (width, height) in a colour, and in it the image, whose aspect ratio stays.
    Contain(Side, Side, Gravity, Color),
    /// The box (width, height); the aspect ratio becomes the box's.
    Fill(Side, Side),
}

/// The least sides of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Minimum {
    /// The least width.
    pub width: Option<Side>,
    /// The least height.
    pub height: Option<Side>,
}

/// What a resize does to one image: cut a part out, scale it, lay it on a canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResizePlan {
    /// What is kept of the source. Where its pixels decide (see [`super::Resize::interest`]) it is a part of the size that is kept.
    pub crop: Area,
    /// The width of what that is scaled to, in pixels, at least 1.
    pub width: u32,
    /// The height of what that is scaled to, in pixels, at least 1.
    pub height: u32,
    /// The canvas that it is laid on.
    pub canvas: Option<Backdrop>,
}

impl ResizePlan {
    /// Rows of the result that are made at once where a picture is shrunk while it is decoded: so many that moving the rows on that
    /// are needed again costs nothing beside them.
    pub const BAND: u32 = 32;
}

/// A canvas that an image is laid on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backdrop {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// How many columns and rows of it come before the image.
    pub place: (u32, u32),
    /// Its colour, where the image leaves it free.
    pub color: Color,
}

impl ResizePlan {
    /// The width and height of the result.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        self.canvas.map_or((self.width, self.height), |canvas| canvas.size)
    }
}

/// A factor: what it makes of what.
type Fraction = (u64, u64);

impl Target {
    pub(super) fn plan(&self, (w, h): (u32, u32), dpr: Option<PixelRatio>, enlarge: bool) -> ResizePlan {
        let whole = Area::whole((w, h));
        let dpr = dpr.map_or(1000, |dpr| dpr.thousandths().unsigned_abs().into());
        let pixels = |side: Side| ratio(side.get(), dpr, 1000);
        let across = |side: Side| (u64::from(pixels(side)), u64::from(w));
        let down = |side: Side| (u64::from(pixels(side)), u64::from(h));
        let at_least = |minimum: Minimum, factor: Fraction| {
            let sides = minimum.width.map(across).into_iter().chain(minimum.height.map(down));
            sides.fold(factor, larger)
        };
        match *self {
            Self::Scale(percent) => {
                let (part, of) = percent.fraction();
                scaled(whole, (part * dpr, of * 1000), enlarge)
            }
            Self::Inside(size, minimum) => {
                let factor = match size {
                    Size::Width(width) => across(width),
                    Size::Height(height) => down(height),
                    Size::Both(width, height) => smaller(across(width), down(height)),
                };
                scaled(whole, at_least(minimum, factor), enlarge)
            }
            Self::Outside(width, height, minimum) => scaled(whole, at_least(minimum, larger(across(width), down(height))), enlarge),
            Self::Cover(width, height, focus) => cover((w, h), (pixels(width), pixels(height)), focus, enlarge),
            Self::Contain(width, height, gravity, background) => {
                let inner = scaled(whole, smaller(across(width), down(height)), enlarge);
                let size = (pixels(width), pixels(height));
                let place = gravity.place((size.0 - inner.width, size.1 - inner.height));
                ResizePlan { canvas: Some(Backdrop { size, place, color: background }), ..inner }
            }
            Self::Fill(width, height) => {
                let (bw, bh) = (pixels(width), pixels(height));
                let (width, height) = if enlarge { (bw, bh) } else { (bw.min(w), bh.min(h)) };
                ResizePlan { crop: whole, width, height, canvas: None }
            }
        }
    }

    #[cfg(test)]
    pub(in crate::domain::pipeline) fn any() -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::strategy::Strategy;
        let minimum = || (proptest::option::of(Side::any()), proptest::option::of(Side::any()));
        let minimum = || minimum().prop_map(|(width, height)| Minimum { width, height });
        let sides = || (Side::any(), Side::any());
        proptest::prop_oneof![
            Scaling::any().prop_map(Self::Scale),
            (Size::any(), minimum()).prop_map(|(size, minimum)| Self::Inside(size, minimum)),
            (sides(), minimum()).prop_map(|((width, height), minimum)| Self::Outside(width, height, minimum)),
            (sides(), Focus::any()).prop_map(|((width, height), focus)| Self::Cover(width, height, focus)),
            (sides(), Gravity::any(), Color::any()).prop_map(|((width, height), at, color)| Self::Contain(width, height, at, color)),
            sides().prop_map(|(width, height)| Self::Fill(width, height)),
        ]
        .boxed()
    }
}

fn cover((w, h): (u32, u32), (bw, bh): (u32, u32), focus: Focus, enlarge: bool) -> ResizePlan {
    let box_is_wider = u64::from(bw) * u64::from(h) > u64::from(bh) * u64::from(w);
    let (cw, ch) = if box_is_wider { (w, ratio(w, bh.into(), bw.into())) } else { (ratio(h, bw.into(), bh.into()), h) };
    let (cw, ch) = (cw.min(w), ch.min(h));
    let grows = bw > cw || bh > ch;
    let (width, height) = if grows && !enlarge { (cw, ch) } else { (bw, bh) };
    ResizePlan { crop: focus.area((w, h), (cw, ch)), width, height, canvas: None }
}

/// The area scaled by a factor, keeping its aspect ratio.
fn scaled(crop: Area, (to, from): Fraction, enlarge: bool) -> ResizePlan {
    let to = if enlarge { to } else { to.min(from) };
    ResizePlan { crop, width: ratio(crop.width, to, from), height: ratio(crop.height, to, from), canvas: None }
}

fn smaller(a: Fraction, b: Fraction) -> Fraction {
    if a.0 * b.1 > b.0 * a.1 { b } else { a }
}

fn larger(a: Fraction, b: Fraction) -> Fraction {
    if a.0 * b.1 > b.0 * a.1 { a } else { b }
}
