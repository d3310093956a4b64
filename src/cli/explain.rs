//! `safelight explain`: what a pipeline would do to an image, as `POST /v1/pipelines/explain` tells it, without a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cli::{UNUSABLE, print, sources};
use crate::config::{Config, Live};
use crate::domain::format::Format;
use crate::domain::pipeline::cost::ImageInfo;
use crate::domain::pipeline::{Accepted, Explanation, Occasion, Pipeline};
use crate::imaging;

/// The arguments of `explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A pipeline in either form, or the name of a preset
    pipeline: String,
    /// The image that the plan is for; its header is read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["size", "format"])]
    image: Option<PathBuf>,
    /// Width and height of the image, where there is no file
    #[arg(long, value_name = "WxH", default_value = "4000x3000", value_parser = size)]
    size: (u32, u32),
    /// Its format
    #[arg(long, value_name = "FORMAT", default_value = "jpeg")]
    format: Format,
    /// The configuration with the presets and the limits [default: ./config.toml where there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Two sides of at least a pixel.
fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    sides.filter(|(width, height)| *width > 0 && *height > 0).ok_or_else(|| "expected a width and a height such as 4000x3000".to_owned())
}

pub(super) fn run(arguments: Arguments) -> ExitCode {
    let config = match Config::load(&sources::sources(arguments.config, Vec::new())) {
        Ok(config) => config,
        Err(faults) => return unusable(&faults.to_string()),
    };
    let image = match arguments.image.as_deref().map_or(Ok(ImageInfo::assumed(arguments.format, arguments.size)), header) {
        Ok(image) => image,
        Err(why) => return unusable(&why),
    };
    let live = Live::from_config(&config);
    let occasion = Occasion { image, accepted: Accepted::None, limits: live.limits() };
    let explanation = Explanation::new(&arguments.pipeline, live.presets(), occasion);
    if let Err(faults) = Pipeline::parse_all(&arguments.pipeline, live.presets()) {
        faults.iter().for_each(|fault| eprintln!("{}", fault.render(&arguments.pipeline)));
    }
    let printed = serde_json::to_string_pretty(&explanation).map_or(ExitCode::FAILURE, |json| print(&format!("{json}\n")));
    if explanation.errors.is_empty() { printed } else { ExitCode::FAILURE }
}

fn header(path: &Path) -> Result<ImageInfo, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    imaging::probe(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn unusable(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(UNUSABLE)
}
