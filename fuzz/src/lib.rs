//! What the decoders' targets share.

use std::io::Cursor;

use safelight::domain::format::Format;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::Pipeline;
use safelight::imaging;

/// Small, so that a run is many inputs and not a few large ones.
const LIMITS: ImageLimits = ImageLimits { max_width: 4096, max_height: 4096, max_pixels: 1 << 20, max_output_bytes: 64 << 20 };

/// Decodes a file of that format in full and at a fraction of its size. It may be refused; what is not refused has the size that its
/// header said, and both ways come to the same verdict.
///
/// # Panics
/// If a decoder does, or breaks one of these promises. Where a decoder's panic is known and caught by whoever runs it, it is a
/// finding here all the same.
pub fn decode(format: Format, input: &[u8]) {
    if Format::sniff(input) != Some(format) {
        return;
    }
    let Ok(info) = imaging::probe(input) else { return };
    let [whole, small] = ["bmp", "resize:8x8,quality=fast/bmp"].map(|text| {
        let pipeline: Pipeline = text.parse().expect("a pipeline");
        imaging::run(input, &pipeline, &LIMITS, &mut Cursor::new(Vec::new()))
    });
    if let Ok(whole) = &whole {
        assert_eq!((whole.width, whole.height), (info.width, info.height));
    }
    assert_eq!(whole.is_ok(), small.is_ok(), "{whole:?}, but small {small:?}");
}
