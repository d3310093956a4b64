//! The contender `oximg`, as its library is by default but for the quality: it resizes in linear light and writes
//! progressive JPEG.

use bench_tools::{Outcome, Output, Refusal, serve};
use oximg::pipeline::{self, ImageFormat, Params};

fn main() -> Outcome<()> {
    serve("oximg 0.18.1", work)
}

fn work(input: &[u8], output: &Output) -> Result<Vec<u8>, Refusal> {
    if output.cover || output.swap || output.format == "avif" {
        return Err(Refusal::Unsupported("no crop, no exchange of channels; AVIF needs more than cargo and a C compiler"));
    }
    let (max_width, max_height) = output.size.unwrap_or((u32::MAX, u32::MAX));
    let quality = f32::from(output.quality);
    let params = Params {
        max_width,
        max_height,
        quality,
        webp_quality: Some(quality),
        output: ImageFormat::from_token(if output.format == "jpeg" { "jpg" } else { &output.format }),
        ..Params::default()
    };
    Ok(pipeline::process(input, &params)?.0)
}
