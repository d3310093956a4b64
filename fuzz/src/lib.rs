//! What the decoders' targets share.

use std::io::Cursor;

use safelight::domain::format::Format;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::Pipeline;
use safelight::imaging::{self, Assets};

/// Small, so that a run is many inputs and not a few large ones.
const LIMITS: ImageLimits = ImageLimits {
    max_width: 4096,
    max_height: 4096,
    max_pixels: 1 << 20,
    max_frames: 16,
    max_total_pixels: 1 << 22,
    max_duration_ms: 1 << 30,
    max_output_bytes: 64 << 20,
    max_metadata_bytes: 16 << 20,
    max_steps: 64,
};

/// Decodes a file of that format in full, at a fraction of its size, and with all its frames; a JPEG by rows, too. It may be refused; what is
/// not refused has the size that its header said, all ways but that of all frames come to the same verdict, and whoever gets through all
/// frames gets through the first.
///
/// # Panics
/// If a decoder does, or breaks one of these promises. Where a decoder's panic is known and caught by whoever runs it, it is a
/// finding here all the same.
pub fn decode(format: Format, input: &[u8]) {
    if Format::sniff(input) != Some(format) {
        return;
    }
    // What is counted and told of metadata reads any bytes; a header that one can read the other can, too.
    let _ = imaging::check_metadata(input, &LIMITS);
    let told = imaging::details(input);
    let Ok(info) = imaging::probe(input) else { return };
    assert!(told.is_ok(), "{told:?}");
    let run = |text: &str| {
        let pipeline: Pipeline = text.parse().expect("a pipeline");
        imaging::run(input, &pipeline, &Assets::default(), &LIMITS, &mut Cursor::new(Vec::new()))
    };
    let [whole, small, all] = ["bmp", "resize:8x8,quality=fast/bmp", "resize:8x8,quality=fast/png"].map(run);
    if let Ok(whole) = &whole {
        assert_eq!((whole.width, whole.height), (info.width, info.height));
    }
    assert_eq!(whole.is_ok(), small.is_ok(), "{whole:?}, but small {small:?}");
    if format == Format::Jpeg {
        // Strip by strip, into a file and into a smaller picture.
        for by_rows in ["invert/jpeg:q=50", "resize:70%/bmp"].map(run) {
            assert_eq!(whole.is_ok(), by_rows.is_ok(), "{whole:?}, but by rows {by_rows:?}");
        }
    }
    assert!(whole.is_ok() || all.is_err(), "{all:?}, but the first frame {whole:?}");
}
