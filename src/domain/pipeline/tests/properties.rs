//! Properties: printing and reading are inverse in both forms, no text panics, a resize stays where it may.

use proptest::prelude::*;

use crate::domain::pipeline::operation::Declared;
use crate::domain::pipeline::ops::Target;
use crate::domain::pipeline::{Area, Fit, Input, Output, Pipeline, Side, Step};

fn side() -> impl Strategy<Value = Side> {
    (1..=65_535_u32).prop_map(|pixels| Side::new(pixels).expect("in range"))
}

fn target() -> impl Strategy<Value = Target> {
    let fit = prop::sample::select(vec![Fit::Inside, Fit::Outside, Fit::Cover, Fit::Fill]);
    prop_oneof![
        side().prop_map(Target::Width),
        side().prop_map(Target::Height),
        (side(), side(), fit).prop_map(|(width, height, fit)| Target::Box { width, height, fit }),
    ]
}

/// Any pipeline: every operation and every output with any arguments.
fn pipeline() -> impl Strategy<Value = Pipeline> {
    let parts =
        (prop::option::of(Input::any()), prop::collection::vec(Step::any(), 0..=Pipeline::MAX_STEPS), prop::option::of(Output::any()));
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
    fn a_resize_stays_in_its_box_and_in_the_image(target in target(), enlarge in any::<bool>(), w in 1..70_000_u32, h in 1..70_000_u32) {
        let plan = target.plan((w, h), enlarge);
        let Area { left, top, width, height } = plan.crop;
        prop_assert!(width >= 1 && height >= 1 && left + width <= w && top + height <= h, "{:?}", plan);
        prop_assert!(plan.width >= 1 && plan.height >= 1);
        if !enlarge {
            prop_assert!(plan.width <= width && plan.height <= height, "{:?}", plan);
        }
        if let Target::Box { width, height, fit } = target {
            let (bw, bh) = (width.get(), height.get());
            match fit {
                Fit::Inside => prop_assert!(plan.width <= bw && plan.height <= bh),
                Fit::Outside if enlarge => prop_assert!(plan.width >= bw && plan.height >= bh),
                Fit::Cover | Fit::Fill if enlarge => prop_assert_eq!((plan.width, plan.height), (bw, bh)),
                _ => prop_assert!(enlarge || (plan.width <= w && plan.height <= h)),
            }
        }
    }
}
