//! Properties: printing and reading are inverse in both forms, no text panics, a resize stays where it may.

use proptest::prelude::*;

use crate::domain::pipeline::operation::Declared;
use crate::domain::pipeline::ops::{Backdrop, Minimum, Resize, Target};
use crate::domain::pipeline::{Area, Input, OutputChoice, Pipeline, Size, Step};

/// Any pipeline: every operation and every output with any arguments.
pub(super) fn pipeline() -> impl Strategy<Value = Pipeline> {
    let parts = (
        prop::option::of(Input::any()),
        prop::collection::vec(Step::any(), 0..=Pipeline::MAX_STEPS),
        prop::option::of(OutputChoice::any()),
    );
    parts.prop_filter_map("a pipeline needs a step or an output", |(input, steps, output)| {
        Some(Pipeline::new(steps, output).ok()?.with_input(input))
    })
}

proptest! {
    #[test]
    fn the_compact_form_reads_what_it_prints(pipeline in pipeline()) {
        let text = pipeline.to_string();
        prop_assert!(text.len() <= Pipeline::MAX_TEXT);
        prop_assert_eq!(text.parse::<Pipeline>(), Ok(pipeline));
    }

    #[test]
    fn the_json_form_reads_what_it_prints(pipeline in pipeline()) {
        let text = serde_json::to_string(&pipeline).expect("it prints");
        prop_assert_eq!(Pipeline::parse(&text), Ok(pipeline.clone()));
        let text = serde_json::to_string_pretty(&pipeline).expect("it prints");
        prop_assert_eq!(serde_json::from_str::<Pipeline>(&text).expect("it reads"), pipeline);
    }

    #[test]
    fn any_text_is_a_pipeline_or_a_fault_inside_it(text in "\\PC*|[a-z_/:,=0-9x{}\"\\[\\] \n]{0,60}") {
        if let Err(error) = Pipeline::parse(&text) {
            prop_assert!(text.is_char_boundary(error.span().start), "{:?}", error);
            prop_assert!(error.span().end <= text.len(), "{:?}", error);
            prop_assert!(!error.message().is_empty());
            prop_assert!(error.render(&text).ends_with(error.message()));
        }
    }

    #[test]
    fn a_damaged_pipeline_never_panics(pipeline in pipeline(), json in any::<bool>(), at in any::<prop::sample::Index>(), with in any::<char>()) {
        let text = if json { serde_json::to_string(&pipeline).expect("it prints") } else { pipeline.to_string() };
        let mut characters: Vec<char> = text.chars().collect();
        let index = at.index(characters.len());
        characters[index] = with;
        let damaged: String = characters.iter().collect();
        if let Err(error) = Pipeline::parse(&damaged) {
            prop_assert!(damaged.is_char_boundary(error.span().start) && error.span().end <= damaged.len(), "{:?}", error);
        }
        let cut: String = characters[..index].iter().collect();
        if let Err(error) = Pipeline::parse(&cut) {
            prop_assert!(error.span().end <= cut.len(), "{:?}", error);
        }
    }

    #[test]
    fn a_resize_stays_in_its_box_and_in_the_image(resize in Resize::any(), w in 1..70_000_u32, h in 1..70_000_u32) {
        let plan = resize.plan((w, h));
        let Area { left, top, width, height } = plan.crop;
        prop_assert!(width >= 1 && height >= 1 && left + width <= w && top + height <= h, "{:?}", plan);
        prop_assert!(plan.width >= 1 && plan.height >= 1);
        if !resize.enlarge {
            prop_assert!(plan.width <= width && plan.height <= height, "{:?}", plan);
        }
        if let Some(Backdrop { size: canvas, place: at, .. }) = plan.canvas {
            prop_assert!(at.0 + plan.width <= canvas.0 && at.1 + plan.height <= canvas.1, "{:?}", plan);
        }
    }

    #[test]
    fn a_resize_gives_the_box(resize in Resize::any(), w in 1..70_000_u32, h in 1..70_000_u32) {
        let resize = Resize { dpr: None, ..resize };
        let size = resize.plan((w, h)).size();
        match resize.target {
            Target::Inside(Size::Both(width, height), minimum) if minimum == Minimum::default() => {
                prop_assert!(size.0 <= width.get() && size.1 <= height.get());
            }
            Target::Inside(_, minimum) | Target::Outside(_, _, minimum) if resize.enlarge => {
                prop_assert!(minimum.width.is_none_or(|width| size.0 >= width.get()) && minimum.height.is_none_or(|height| size.1 >= height.get()));
            }
            Target::Cover(width, height, _) | Target::Fill(width, height) if resize.enlarge => {
                prop_assert_eq!(size, (width.get(), height.get()));
            }
            Target::Contain(width, height, ..) => prop_assert_eq!(size, (width.get(), height.get())),
            _ => prop_assert!(resize.enlarge || (size.0 <= w && size.1 <= h)),
        }
        if let (Target::Outside(width, height, _), true) = (resize.target, resize.enlarge) {
            prop_assert!(size.0 >= width.get() && size.1 >= height.get());
        }
    }
}
