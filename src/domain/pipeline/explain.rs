//! What a text would do to an image, told before there is one: the pipeline that it means, the plan, and everything that is wrong.

use std::ops::Range;

use serde::Serialize;

use super::cost::ImageInfo;
use super::plan::Plan;
use super::{Accepted, Pipeline, PipelineError, Presets, Step};
use crate::domain::error_code::ErrorCode;
use crate::domain::limits::{ImageLimits, LimitExceeded};

/// The answer to the question what a text would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The pipeline in its canonical compact form, where the text is one.
    pub pipeline: Option<String>,
    /// The same in its JSON form.
    pub json: Option<Pipeline>,
    /// The image that the plan is for.
    pub image: ImageInfo,
    /// What would really be done; none where the text is no pipeline or asks for what the image does not have.
    pub plan: Option<Plan>,
    /// What is wrong: every step that cannot be read, or else what the image or the limits do not allow.
    pub errors: Vec<Fault>,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The code that an upload would be refused or fail with.
    pub code: ErrorCode,
    /// What it is, and what was expected.
    pub message: String,
    /// The bytes of the text at fault, the last one not included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Range<usize>>,
    /// The step whose result is at fault, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<usize>,
}

/// What a pipeline is explained for.
#[derive(Clone, Copy, Debug)]
pub struct Occasion {
    /// The image.
    pub image: ImageInfo,
    /// The formats that the client takes, for an output that is to be chosen.
    pub accepted: Accepted,
    /// The limits that would hold.
    pub limits: ImageLimits,
}

impl Explanation {
    /// Explains a text, which may be the name of a preset.
    #[must_use]
    pub fn new(text: &str, presets: &Presets, occasion: Occasion) -> Self {
        match Pipeline::parse_all(text, presets) {
            Ok(pipeline) => Self::of(pipeline.accepting(occasion.accepted), occasion),
            Err(errors) => {
                let errors = errors.iter().map(Fault::from).collect();
                Self { pipeline: None, json: None, image: occasion.image, plan: None, errors }
            }
        }
    }

    fn of(pipeline: Pipeline, Occasion { image, limits, .. }: Occasion) -> Self {
        let plan = Plan::new(&image, &pipeline);
        let missing = plan.as_ref().err().map(|error| Fault::failed(error, None));
        let beyond = limits.check(&image, &pipeline).err().map(|error| Fault::from(&error));
        let impossible = impossible(&image, &pipeline);
        Self {
            pipeline: Some(pipeline.to_string()),
            json: Some(pipeline),
            image,
            plan: plan.ok(),
            errors: missing.into_iter().chain(beyond).chain(impossible).collect(),
        }
    }
}

/// What an image of that size does not let a pipeline do.
fn impossible(image: &ImageInfo, pipeline: &Pipeline) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut size = image.size(&pipeline.input());
    for (index, step) in pipeline.steps().iter().enumerate() {
        if let Step::Crop(crop) = step {
            faults.extend(crop.area(size).err().map(|error| Fault::failed(&error, Some(index + 1))));
        }
        size = step.size_after(size);
    }
    faults.extend(image.output(pipeline).check_size(size).err().map(|error| Fault::failed(&error, None)));
    faults
}

impl Fault {
    /// What a task would fail with.
    fn failed(error: &impl ToString, step: Option<usize>) -> Self {
        Self { code: ErrorCode::OperationFailed, message: error.to_string(), at: None, step }
    }
}

impl From<&PipelineError> for Fault {
    fn from(error: &PipelineError) -> Self {
        Self { code: error.code(), message: error.message().to_owned(), at: Some(error.span()), step: None }
    }
}

impl From<&LimitExceeded> for Fault {
    fn from(error: &LimitExceeded) -> Self {
        Self { code: error.limit.code(), message: error.to_string(), at: None, step: error.step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::format::Format;

    fn explained(text: &str) -> Explanation {
        let image = ImageInfo::assumed(Format::Jpeg, (4000, 3000));
        let occasion = Occasion { image, accepted: Accepted::Webp, limits: ImageLimits::default() };
        Explanation::new(text, &Presets::default(), occasion)
    }

    #[test]
    fn every_step_that_cannot_be_read_is_told_with_its_place() {
        let text = "invert/rezise:4x4/rotate:900/blur:1,sigm=2/jpeg:q=0";
        let told = explained(text);
        assert_eq!((told.pipeline, told.plan), (None, None));
        let places: Vec<&str> = told.errors.iter().map(|fault| &text[fault.at.clone().unwrap()]).collect();
        assert_eq!(places, ["rezise", "900", "sigm", "0"]);
        assert!(told.errors.iter().all(|fault| fault.code == ErrorCode::InvalidPipeline && fault.step.is_none()));
        let json = r#"{"steps":[{"op":"x"},{"op":"invert"},{"op":"rotate"}],"output":{"format":"pgn"}}"#;
        let places: Vec<&str> = explained(json).errors.iter().map(|fault| &json[fault.at.clone().unwrap()]).collect();
        assert_eq!(places, ["\"x\"", "\"rotate\"", "\"pgn\""]);
    }

    #[test]
    fn what_the_image_does_not_allow_is_told_beside_the_plan() {
        let told = explained("invert/resize:60000x,enlarge=true");
        assert!(told.plan.is_some());
        assert_eq!(told.errors[0].code, ErrorCode::TooWide);
        assert_eq!((told.errors[0].step, told.errors.len()), (Some(2), 1));
        let told = explained("crop:5x5,x=4000/resize:17000x,enlarge=true/webp");
        let found: Vec<_> = told.errors.iter().map(|fault| (fault.code, fault.step)).collect();
        assert_eq!(found, [(ErrorCode::TooWide, Some(2)), (ErrorCode::OperationFailed, Some(1)), (ErrorCode::OperationFailed, None)]);
        assert!(told.errors[2].message.starts_with("webp holds at most 16383 pixels a side"), "{}", told.errors[2].message);
        let told = explained("input:frames=3/png");
        assert_eq!((told.plan, told.errors[0].code), (None, ErrorCode::OperationFailed));
    }

    #[test]
    fn it_is_printed_with_both_forms_of_the_pipeline() {
        let told = serde_json::to_value(explained("invert")).unwrap();
        assert_eq!((&told["pipeline"], &told["json"]["steps"][0]["op"]), (&"invert".into(), &"invert".into()));
        assert_eq!(told["plan"]["stages"][1]["stage"], "pass");
        assert_eq!(told["errors"].as_array().unwrap().len(), 0);
        assert_eq!(explained("auto").plan.unwrap().encode.text.split(':').next(), Some("webp"));
    }
}
