//! Texts in the embedded font, glyph by glyph: where each stands, and how much of each pixel it covers. Glyphs stand beside each other as
//! their advances and the font's kerning say; there is no shaping beyond that.

use ab_glyph::{Font, FontRef, Glyph, GlyphId, OutlinedGlyph, PxScale, PxScaleFont, ScaleFont, point};

use crate::domain::pipeline::Gravity;

/// Noto Sans; `assets/fonts/OFL.txt` is its licence.
const FONT: &[u8] = include_bytes!("../../../assets/fonts/NotoSans-Regular.ttf");

/// A text whose glyphs have their places.
pub(super) struct Block {
    /// Width and height in pixels: from the farthest left to the farthest right, from the top of the first line to the bottom of the last.
    pub(super) size: (u32, u32),
    font: FontRef<'static>,
    glyphs: Vec<Glyph>,
}

/// A character that the font has no glyph for.
#[derive(Debug, PartialEq)]
pub(super) struct NoGlyph(pub(super) char);

/// A glyph as floats from 0 (not covered) to 1, row after row.
pub(super) struct Mask {
    /// Of the first pixel, from the top left of the block: left and top.
    pub(super) place: (i64, i64),
    /// Pixels of a row, at least 1.
    pub(super) width: usize,
    pub(super) coverage: Vec<f32>,
}

impl Block {
    /// Lays the lines of a text out; `em` is the size in pixels, and lines are aligned at the side that `gravity` names.
    pub(super) fn new(text: &str, em: f32, gravity: Gravity) -> Result<Self, NoGlyph> {
        let font = FontRef::try_from_slice(FONT).expect("the embedded font is one");
        let units = font.units_per_em().expect("the embedded font has an em");
        let scaled = font.as_scaled(PxScale::from(em * font.height_unscaled() / units));
        let lines: Vec<Line> = text.split('\n').map(|line| Line::new(line, &scaled)).collect::<Result<_, _>>()?;
        let width = lines.iter().map(|line| line.width.ceil() as u32).max().unwrap_or_default();
        let step = scaled.height() + scaled.line_gap();
        let height = (scaled.height() + step * (lines.len() - 1) as f32).ceil() as u32;
        let mut glyphs = Vec::new();
        for (index, line) in lines.into_iter().enumerate() {
            let (left, _) = gravity.place((width - line.width.ceil() as u32, 0));
            let baseline = scaled.ascent() + step * index as f32;
            let placed = line.glyphs.into_iter().map(|(id, x)| id.with_scale_and_position(scaled.scale, point(x + left as f32, baseline)));
            glyphs.extend(placed);
        }
        Ok(Self { size: (width, height), font, glyphs })
    }

    /// The glyphs that can be seen, one after the other.
    pub(super) fn masks(&self) -> impl Iterator<Item = Mask> {
        self.glyphs.iter().filter_map(|glyph| self.font.outline_glyph(glyph.clone())).map(|outlined| Mask::new(&outlined))
    }
}

/// Glyphs, each with its distance from the left of the line.
struct Line {
    width: f32,
    glyphs: Vec<(GlyphId, f32)>,
}

impl Line {
    fn new(text: &str, font: &PxScaleFont<&FontRef<'static>>) -> Result<Self, NoGlyph> {
        let mut line = Self { width: 0.0, glyphs: Vec::new() };
        for character in text.chars() {
            let id = font.glyph_id(character);
            if id == GlyphId(0) {
                return Err(NoGlyph(character));
            }
            if let Some((last, _)) = line.glyphs.last() {
                line.width += font.kern(*last, id);
            }
            line.glyphs.push((id, line.width));
            line.width += font.h_advance(id);
        }
        Ok(line)
    }
}

impl Mask {
    fn new(outlined: &OutlinedGlyph) -> Self {
        let bounds = outlined.px_bounds();
        let (width, height) = (bounds.width() as usize, bounds.height() as usize);
        let mut coverage = vec![0.0; width * height];
        outlined.draw(|x, y, covered| {
            if let Some(pixel) = coverage.get_mut(y as usize * width + x as usize) {
                *pixel = covered.clamp(0.0, 1.0);
            }
        });
        Self { place: (bounds.min.x as i64, bounds.min.y as i64), width: width.max(1), coverage }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_the_font_lacks_is_named() {
        assert_eq!(Block::new("ab\u{6f22}c", 20.0, Gravity::Center).err(), Some(NoGlyph('\u{6f22}')));
        assert!(Block::new("AZaz09 \u{e9}\u{df}\u{3a9}\u{436}\u{20ac}\u{2014}\u{a9}", 20.0, Gravity::Center).is_ok());
    }

    #[test]
    fn letters_are_kerned() {
        let width = |text| Block::new(text, 1000.0, Gravity::Center).ok().map(|block| block.size.0);
        let apart = width("A").zip(width("V")).map(|(a, v)| a + v);
        assert!(width("AV") < apart, "{:?} {apart:?}", width("AV"));
        assert_eq!(width("HH"), width("H").map(|width| 2 * width));
    }
}
