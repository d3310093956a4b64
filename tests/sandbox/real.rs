//! The server's own child, with real images: that `imaging` is reached through the files of a job, and that its failures,
//! panics and deaths come back as what they are.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::limits::ImageLimits;
use safelight::domain::pipeline::Variants;
use safelight::sandbox::{Child, Job, Made, Probe, Progress, SandboxError};

use crate::support::health::with_child;
use crate::support::{block_on, bytes, file};

trials! {
    red_and_blue_are_swapped_in_a_child,
    what_cannot_be_decoded_fails_with_its_code,
    an_asset_is_laid_over_the_image_in_a_child,
    a_hostile_asset_fails_the_job_and_is_named,
    a_result_beyond_the_file_size_of_the_child_is_too_large,
    #[cfg(feature = "faults")]
    poison_operations_end_as_they_must,
}

/// The name of this child program.
pub(crate) const NAME: &str = "imaging";

const SIZE: (u32, u32) = (64, 48);

fn picture((width, height): (u32, u32)) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, 200]));
    let mut file = std::io::Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

async fn attempt<'c>(child: &'c mut Child, pipeline: &str, image: &[u8]) -> Result<Progress<'c>, SandboxError> {
    let job = Job { variants: Variants::only(pipeline.parse().unwrap()), assets: Vec::new(), limits: ImageLimits::default() };
    match child.probe(job, &file(image), &[]).await? {
        Probe::Readable(probed) => {
            let probing = probed.probing();
            assert_eq!((probing.info.format, probing.info.width, probing.info.height), (Format::Png, SIZE.0, SIZE.1));
            assert!(probing.peak_bytes >= u64::from(SIZE.0 * SIZE.1 * 3));
            probed.run().await
        }
        Probe::Failed(failure) => Ok(Progress::Failed(failure)),
    }
}

fn red_and_blue_are_swapped_in_a_child() {
    block_on(with_child(NAME, async |mut child| {
        for (pipeline, format) in [("swap_channels", Format::Png), ("swap_channels/bmp", Format::Bmp)] {
            let Progress::Done(Made { output, info, .. }) = attempt(&mut child, pipeline, &picture(SIZE)).await.unwrap() else {
                panic!("it failed")
            };
            assert_eq!((info.format, info.width, info.height), (format, SIZE.0, SIZE.1));
            let made = image::load_from_memory(&bytes(&output)).unwrap().into_rgb8();
            assert!(made.enumerate_pixels().all(|(x, y, pixel)| pixel.0 == [200, y as u8, x as u8]));
        }
    }));
}

fn what_cannot_be_decoded_fails_with_its_code() {
    block_on(with_child(NAME, async |mut child| {
        let picture = picture(SIZE);
        let cases = [
            (&b"just text, no image"[..], ErrorCode::UnsupportedFormat),
            (&b""[..], ErrorCode::UnsupportedFormat),
            (&picture[..picture.len() / 2], ErrorCode::CorruptImage),
        ];
        for (image, code) in cases {
            let Progress::Failed(failure) = attempt(&mut child, "invert", image).await.unwrap() else { panic!("it succeeded") };
            assert_eq!(failure.code, code, "{failure}");
        }
        assert_eq!(child.jobs_done(), 3);
        assert!(child.is_reusable());
    }));
}

/// Both steps of a job with the asset `logo`.
async fn attempt_with<'c>(child: &'c mut Child, pipeline: &str, logo: &[u8]) -> Progress<'c> {
    let job =
        Job { variants: Variants::only(pipeline.parse().unwrap()), assets: vec!["logo".parse().unwrap()], limits: ImageLimits::default() };
    match child.probe(job, &file(&picture(SIZE)), &[file(logo)]).await.unwrap() {
        Probe::Readable(probed) => probed.run().await.unwrap(),
        Probe::Failed(failure) => Progress::Failed(failure),
    }
}

fn an_asset_is_laid_over_the_image_in_a_child() {
    block_on(with_child(NAME, async |mut child| {
        let logo = RgbImage::from_pixel(10, 8, Rgb([1, 2, 3]));
        let mut bytes_of_logo = std::io::Cursor::new(Vec::new());
        DynamicImage::from(logo).write_to(&mut bytes_of_logo, ImageFormat::Png).unwrap();
        let end = attempt_with(&mut child, "watermark:logo,g=northwest,margin=4", bytes_of_logo.get_ref()).await;
        let Progress::Done(Made { output, .. }) = end else { panic!("it failed") };
        let made = image::load_from_memory(&bytes(&output)).unwrap().into_rgb8();
        let under = |x: u32, y: u32| (4..14).contains(&x) && (4..12).contains(&y);
        assert!(made.enumerate_pixels().all(|(x, y, pixel)| pixel.0 == if under(x, y) { [1, 2, 3] } else { [x as u8, y as u8, 200] }));
    }));
}

fn a_hostile_asset_fails_the_job_and_is_named() {
    let whole = picture(SIZE);
    // The header of a PNG of 16000 by 16000 pixels with its check sum, and the beginning of its data.
    let giant = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x3e\x80\0\0\x3e\x80\x08\x02\0\0\0\xce\x1c\x48\x89\0\0\x10\0IDAT";
    block_on(with_child(NAME, async |mut child| {
        for logo in [&whole[..whole.len() / 2], b"just text", b"", giant] {
            let Progress::Failed(failure) = attempt_with(&mut child, "watermark:logo", logo).await else { panic!("it succeeded") };
            assert_eq!(failure.code, ErrorCode::AssetFailed, "{failure}");
            assert!(failure.detail.starts_with("the asset logo: "), "{failure}");
        }
        assert!(child.is_reusable());
        assert!(matches!(attempt(&mut child, "invert", &whole).await, Ok(Progress::Done(_))), "the child goes on");
    }));
}

fn a_result_beyond_the_file_size_of_the_child_is_too_large() {
    block_on(with_child(NAME, async |mut child| {
        // 1.4 MB as BMP, where the child may write 1 MiB and the job allows far more.
        let job = Job { variants: Variants::only("bmp".parse().unwrap()), assets: Vec::new(), limits: ImageLimits::default() };
        let Probe::Readable(probed) = child.probe(job, &file(&picture((800, 600))), &[]).await.unwrap() else { panic!("not readable") };
        let Progress::Failed(failure) = probed.run().await.unwrap() else { panic!("it succeeded") };
        assert_eq!(failure.code, ErrorCode::OutputTooLarge, "{failure}");
    }));
}

#[cfg(feature = "faults")]
fn poison_operations_end_as_they_must() {
    use safelight::sandbox::Exit;
    use std::time::Duration;

    for pipeline in ["fault_abort", "fault_eat_memory"] {
        block_on(with_child(NAME, async |mut child| {
            let end = attempt(&mut child, pipeline, &picture(SIZE)).await;
            assert!(matches!(end, Err(SandboxError::Died(Exit::Signal(6)))), "{pipeline}: {end:?}");
        }));
    }
    block_on(with_child(NAME, async |mut child| {
        let picture = picture(SIZE);
        let endless = tokio::time::timeout(Duration::from_millis(200), attempt(&mut child, "fault_loop", &picture)).await;
        assert!(endless.is_err());
        drop(endless);
        assert_eq!(child.kill().await, Some(Exit::Signal(9)));
    }));
    block_on(with_child(NAME, async |mut child| {
        let Progress::Failed(failure) = attempt(&mut child, "fault_panic", &picture(SIZE)).await.unwrap() else { panic!("it succeeded") };
        assert_eq!(failure.code, ErrorCode::CorruptImage);
        assert!(!child.is_reusable());
    }));
}
