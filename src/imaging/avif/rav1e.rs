//! AV1 streams of stills by the crate `rav1e`.

use rav1e::prelude::{
    ChromaSampling, ColorDescription, ColorPrimaries, Config, Context, EncoderConfig, EncoderStatus, FrameType, MatrixCoefficients,
    PixelRange, SpeedSettings, TransferCharacteristics,
};

use super::planes::Planes;
use super::{Chroma, Cicp};

/// Encodes planes of colours or of alpha, with a quantiser of 0 (best) to 255 and a speed of 0 (slow) to 10.
pub(in crate::imaging) fn encode(planes: &Planes, quantizer: u8, speed: u8) -> Result<Vec<u8>, String> {
    let [first, ..] = &planes.planes[..] else { return Ok(Vec::new()) };
    let config = EncoderConfig {
        width: first.width,
        height: first.height,
        bit_depth: 8,
        chroma_sampling: match planes.chroma {
            Chroma::None => ChromaSampling::Cs400,
            Chroma::Quarter => ChromaSampling::Cs420,
            Chroma::Half => ChromaSampling::Cs422,
            Chroma::Full => ChromaSampling::Cs444,
        },
        pixel_range: PixelRange::Full,
        color_description: (planes.chroma != Chroma::None).then_some(SRGB),
        still_picture: true,
        quantizer: quantizer.into(),
        min_quantizer: quantizer,
        speed_settings: SpeedSettings::from_preset(speed),
        ..EncoderConfig::default()
    };
    // A thread would outlive the image.
    let config = Config::new().with_encoder_config(config).with_threads(1);
    let mut context: Context<u8> = config.new_context().map_err(|error| error.to_string())?;
    let mut frame = context.new_frame();
    for (to, plane) in frame.planes.iter_mut().zip(&planes.planes) {
        to.copy_from_raw_u8(&plane.samples, plane.width, 1);
    }
    context.send_frame(frame).map_err(|error| error.to_string())?;
    context.flush();
    loop {
        match context.receive_packet() {
            Ok(packet) if packet.frame_type == FrameType::KEY => return Ok(packet.data),
            Ok(_) | Err(EncoderStatus::Encoded) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

/// [`Cicp::SRGB`] in the library's words.
const SRGB: ColorDescription = {
    assert!(Cicp::SRGB.primaries == 1 && Cicp::SRGB.transfer == 13 && Cicp::SRGB.matrix == 6);
    ColorDescription {
        color_primaries: ColorPrimaries::BT709,
        transfer_characteristics: TransferCharacteristics::SRGB,
        matrix_coefficients: MatrixCoefficients::BT601,
    }
};
