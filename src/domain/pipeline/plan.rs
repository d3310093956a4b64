//! What is really done with one image for a pipeline, stage by stage, with the memory and the time that it is expected to take. It is
//! made by the same decisions that `imaging` follows: the scale that is decoded at, the schedule (in which order), and the sizes of `cost`.

use serde::Serialize;

use super::cost::{self, Held, ImageInfo, NoSuchFrame, time};
use super::schedule::{Action, Schedule};
use super::{Pipeline, Profile, Step};
use crate::domain::format::Format;

/// What is done, in its order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// What is taken of the file.
    pub decode: Decode,
    /// What is done to each frame.
    pub stages: Vec<Stage>,
    /// What is made of it.
    pub encode: Encode,
    /// What it takes at most, by an estimate before anything is decoded: what is admitted.
    pub memory_bytes: u64,
    /// What it is expected to take on one core, in milliseconds; see [`time`].
    pub time_ms: f64,
}

/// How a file is decoded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decode {
    /// The format of the file.
    pub format: Format,
    /// How many pixels of the file one pixel stands for, along each axis.
    pub scale: u32,
    /// The width of what is decoded, in pixels, upright.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// How many frames are decoded.
    pub frames: u32,
    /// The time for all of them.
    pub time_ms: f64,
}

/// Something that is done to all pixels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stage {
    /// What it is.
    pub stage: Kind,
    /// The steps of the pipeline that are done by it, counted from 1.
    pub steps: Vec<usize>,
    /// These steps in the compact form.
    pub text: Vec<String>,
    /// The width of the result, in pixels that there are.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// The time for all frames.
    pub time_ms: f64,
}

/// What is done in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The colours of a file with a profile are converted to sRGB; other files have nothing to convert, and no time is counted.
    ToSrgb,
    /// Point operations in one pass.
    Pass,
    /// One step.
    Step,
    /// A crop of a picture that was decoded at a scale: it is cut out by the resize that comes after it.
    Window,
}

/// How the result is encoded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Encode {
    /// The output with its settings, in the compact form.
    pub text: String,
    /// The width of the result in pixels; an upper bound where that depends on the pixels.
    pub width: u32,
    /// Its height.
    pub height: u32,
    /// The frames of the result.
    pub frames: u32,
    /// The time for all of them.
    pub time_ms: f64,
}

impl Plan {
    /// The plan of a pipeline for an image.
    ///
    /// # Errors
    /// When the pipeline asks for a frame that is not there.
    pub fn new(info: &ImageInfo, pipeline: &Pipeline) -> Result<Self, NoSuchFrame> {
        info.frames(pipeline)?;
        let (decoded, kept) = (info.decoded_frames(pipeline), info.kept_frames(pipeline));
        let (input, scale) = (pipeline.input(), info.scale(pipeline));
        let held = Held::decoded(info, &input, scale);
        let mut course = Course { held, converts: input.profile == Profile::Srgb, frames: kept, ..Course::default() };
        let mut schedule = Schedule::default();
        for (index, step) in pipeline.steps().iter().enumerate() {
            schedule.take(step).for_each(|action| course.act(action, index + 1));
        }
        schedule.finish().for_each(|action| course.act(action, 0));
        let output = info.output(pipeline);
        let decode = Decode {
            format: info.format,
            scale: scale.divisor(),
            width: held.pixels.0,
            height: held.pixels.1,
            frames: decoded,
            time_ms: milliseconds(time::decoding(info, scale), decoded),
        };
        let (width, height) = course.held.size;
        let time_ms = milliseconds(time::encoding(&output, (width, height)), kept);
        let encode = Encode { text: output.to_string(), width, height, frames: kept, time_ms };
        let total = decode.time_ms + course.stages.iter().map(|stage| stage.time_ms).sum::<f64>() + encode.time_ms;
        let memory_bytes = cost::peak_bytes(info, pipeline);
        Ok(Self { decode, stages: course.stages, encode, memory_bytes, time_ms: rounded(total) })
    }
}

/// An image on its way, and what was done to it.
#[derive(Default)]
struct Course {
    held: Held,
    converts: bool,
    frames: u32,
    waiting: Vec<(usize, String)>,
    /// What the steps that wait took to join.
    looked: f64,
    stages: Vec<Stage>,
}

impl Course {
    /// Does what is due; `number` is that of the step.
    fn act(&mut self, action: Action<'_>, number: usize) {
        match action {
            Action::ToSrgb if !self.converts => {}
            Action::ToSrgb => self.push(Kind::ToSrgb, Vec::new(), 0.0),
            Action::Join(step) => {
                self.looked += time::joining(step, self.held.pixels);
                self.held = self.held.after(step);
                self.waiting.push((number, step.to_string()));
            }
            Action::Pass => {
                let waiting = std::mem::take(&mut self.waiting);
                let time = time::pass(waiting.len(), self.held.pixels) + std::mem::take(&mut self.looked);
                self.push(Kind::Pass, waiting, time);
            }
            Action::Do(step) => self.step(step, number),
        }
    }

    fn step(&mut self, step: &Step, number: usize) {
        let before = self.held;
        let waits = before.waits(step);
        self.held = before.after(step);
        let time = if waits { 0.0 } else { time::step(step, before.pixels, self.held.pixels) };
        self.push(if waits { Kind::Window } else { Kind::Step }, vec![(number, step.to_string())], time);
    }

    fn push(&mut self, stage: Kind, done: Vec<(usize, String)>, nanoseconds: f64) {
        let (steps, text) = done.into_iter().unzip();
        let (width, height) = self.held.pixels;
        self.stages.push(Stage { stage, steps, text, width, height, time_ms: milliseconds(nanoseconds, self.frames) });
    }
}

fn milliseconds(nanoseconds: f64, frames: u32) -> f64 {
    rounded(nanoseconds * f64::from(frames) / 1e6)
}

/// To a hundredth: no estimate knows more.
fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: ImageInfo = ImageInfo { scales: true, ..ImageInfo::assumed(Format::Jpeg, (4000, 3000)) };

    fn plan(info: &ImageInfo, text: &str) -> Plan {
        Plan::new(info, &text.parse().unwrap()).unwrap()
    }

    /// The stages as `kind steps size`.
    fn stages(plan: &Plan) -> Vec<String> {
        let stage = |stage: &Stage| format!("{:?} {:?} {}x{}", stage.stage, stage.steps, stage.width, stage.height);
        plan.stages.iter().map(stage).collect()
    }

    #[test]
    fn a_thumbnail_is_cut_out_of_what_is_decoded_at_a_scale() {
        let plan = plan(&JPEG, "swap_channels/crop:2000x2000/resize:200x/sepia/webp");
        assert_eq!((plan.decode.scale, plan.decode.width, plan.decode.height), (4, 1000, 750));
        assert_eq!(stages(&plan), ["ToSrgb [] 1000x750", "Window [2] 1000x750", "Step [3] 200x200", "Pass [1, 4] 200x200"]);
        assert_eq!(plan.encode.text, "webp:q=80,lossless=false,effort=4");
        assert_eq!((plan.encode.width, plan.encode.height, plan.encode.frames), (200, 200, 1));
        assert_eq!(plan.memory_bytes, cost::peak_bytes(&JPEG, &"swap_channels/crop:2000x2000/resize:200x/sepia/webp".parse().unwrap()));
    }

    #[test]
    fn without_a_scale_everything_is_done_in_full() {
        let plan = plan(&ImageInfo { scales: false, ..JPEG }, "input:profile=keep/crop:2000x2000/resize:200x");
        assert_eq!(plan.decode.scale, 1);
        assert_eq!(stages(&plan), ["Step [1] 2000x2000", "Step [2] 200x200"]);
        assert!(plan.encode.text.starts_with("jpeg:q=85"));
    }

    #[test]
    fn every_frame_takes_its_time() {
        let gif = ImageInfo { frames: 10, ..ImageInfo::assumed(Format::Gif, (400, 300)) };
        let (all, first) = (plan(&gif, "blur:2/webp"), plan(&gif, "blur:2/jpeg"));
        assert_eq!((all.decode.frames, all.encode.frames, first.decode.frames, first.encode.frames), (10, 10, 1, 1));
        assert!((all.stages[1].time_ms / first.stages[1].time_ms - 10.0).abs() < 0.2);
        assert!(Plan::new(&gif, &"input:frames=10/png".parse().unwrap()).is_err());
    }

    #[test]
    fn what_is_put_off_makes_the_plan_cheaper() {
        let whole = ImageInfo { scales: false, ..JPEG };
        assert!(plan(&JPEG, "resize:100x").time_ms < plan(&whole, "resize:100x").time_ms);
        assert!(plan(&whole, "invert/sepia/hue:3").time_ms < plan(&whole, "invert/blur:0.5/sepia/blur:0.5/hue:3").time_ms);
        assert!(plan(&whole, "swap_channels/resize:9x").time_ms < plan(&whole, "hue:9/resize:9x").time_ms);
        let total = plan(&whole, "invert/blur:3/png");
        let sum = total.decode.time_ms + total.encode.time_ms + total.stages.iter().map(|stage| stage.time_ms).sum::<f64>();
        assert!((total.time_ms - sum).abs() < 0.02);
    }
}
