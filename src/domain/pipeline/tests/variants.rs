//! Several pipelines under names: what the two forms mean, how they are printed, and where their faults are.

use proptest::prelude::*;

use crate::domain::asset::AssetVersion;
use crate::domain::pipeline::{Pipeline, PresetName, Presets, Variants};

fn presets() -> Presets {
    Presets::from_iter([("small".parse::<PresetName>().unwrap(), "resize:10x".parse().unwrap())])
}

fn parse(text: &str) -> Variants {
    Variants::parse_with(text, &presets()).unwrap_or_else(|error| panic!("{}", error.render(text)))
}

#[test]
fn both_forms_mean_the_same() {
    let compact = parse("  thumb=resize:200x,fit=inside/webp\tlarge=invert \n s=small ");
    assert_eq!(compact, parse(r#"{"s":"small","large":"{\"steps\":[{\"op\":\"invert\"}]}","thumb":"resize:200x/webp"}"#));
    let object = r#" {"large":{"steps":[{"op":"invert"}]},"s":{"steps":[{"op":"resize","width":10}]},"thumb":"resize:200x/webp"}"#;
    assert_eq!(compact, parse(object));
    assert_eq!(compact.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>(), ["large", "s", "thumb"]);
    assert_eq!(parse("t=text:a%20b").to_string(), parse("t=text:a%20b").to_string(), "white space in a text is escaped");
}

#[test]
fn one_pipeline_is_a_variant_of_a_name_that_needs_not_be_given() {
    let pipeline: Pipeline = "invert/png".parse().unwrap();
    let only = Variants::only(pipeline.clone());
    assert_eq!((only.as_only(), only.to_string()), (Some(&pipeline), format!("result={pipeline}")));
    assert_eq!(parse("result=invert/png"), only);
    assert_eq!(parse("other=invert/png").as_only(), None);
    assert_eq!(parse("result=invert other=invert").as_only(), None);
}

#[test]
fn faults_point_at_their_place() {
    for (text, span, message) in [
        ("", "", "expected variants such as thumb=resize:200x/webp, found none"),
        ("{}", "", "expected variants such as thumb=resize:200x/webp, found none"),
        ("a=invert png", "png", "expected a variant such as thumb=resize:200x/webp"),
        ("a=invert b=rotat:90", "rotat", ""),
        ("a=invert B=invert", "B", "\"B\" is not a variant's name: expected a lower-case letter, then up to 31 of a-z, 0-9, _ and -"),
        ("a=invert b=png a=bmp", "a", "a is given twice"),
        ("a=", "", "expected an operation, found nothing"),
        (r#"{"a":"invert/jpeg:q=0"}"#, "0", "quality: expected a whole number, 1 to 100, found \"0\""),
        (r#"{"a":"invert\u002frotat"}"#, r#""invert\u002frotat""#, ""),
        (r#"{"a":{"steps":[{"op":"rotat"}]}}"#, r#""rotat""#, ""),
        (r#"{"a":7}"#, "7", "expected a pipeline: a text or an object"),
    ] {
        let error = Variants::parse_with(text, &presets()).expect_err(text);
        assert_eq!(&text[error.span()], span, "{text}: {error}");
        assert!(error.message().starts_with(message), "{text}: {error}");
    }
    let many: Vec<String> = (0..=Variants::MAX).map(|number| format!("v{number}=png")).collect();
    let error = many.join(" ").parse::<Variants>().expect_err("one too many");
    assert_eq!((error.message(), &many.join(" ")[error.span()]), ("a task has at most 16 variants", "v16"));
}

#[test]
fn what_is_accepted_can_be_read_again() {
    // With all defaults printed there is no room for so many.
    let steps = vec!["resize:1x"; 60].join("/");
    let many = ["a", "b", "c", "d", "e", "f"].map(|name| format!("{name}={steps}")).join(" ");
    assert!(many.len() < Variants::MAX_TEXT);
    let error = many.parse::<Variants>().expect_err("too long with its defaults");
    assert!(error.message().contains("with their defaults"), "{error}");
    let longest = (1..=64).rev().find_map(|steps| vec!["resize:1x"; steps].join("/").parse::<Pipeline>().ok()).unwrap();
    let only = Variants::only(longest);
    assert_eq!(only.to_string().parse(), Ok(only.clone()));
    assert_eq!(serde_json::to_string(&only).unwrap().parse(), Ok(only));
}

#[test]
fn assets_are_those_of_all_pipelines() {
    let variants = parse("a=watermark:x/watermark:y b=watermark:y c=png");
    let names = |variants: &Variants| variants.assets().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&variants), ["x", "y"]);
    let version = AssetVersion::random();
    let pinned = variants.pinned(|_| Ok::<_, ()>(version)).unwrap();
    assert_eq!(names(&pinned), [format!("x@{version}"), format!("y@{version}")]);
    assert_eq!(pinned.to_string().parse(), Ok(pinned));
    let nine: Vec<String> = (0..9).map(|number| format!("v{number}=watermark:w{number}")).collect();
    assert_eq!(nine.join(" ").parse::<Variants>().expect_err("one too many").message(), "the variants of a task name at most 8 assets");
}

/// Any variants.
fn variants() -> impl Strategy<Value = Variants> {
    let named = ("[a-z][a-z0-9_-]{0,8}", super::properties::pipeline());
    prop::collection::vec(named, 1..5).prop_filter_map("there is room for so many bytes", |named| {
        Variants::new(named.into_iter().map(|(name, pipeline)| (name.parse().unwrap(), pipeline))).ok()
    })
}

proptest! {
    #[test]
    fn both_forms_read_what_they_print(variants in variants()) {
        let compact = variants.to_string();
        prop_assert!(compact.len() <= Variants::MAX_TEXT);
        prop_assert_eq!(compact.parse::<Variants>(), Ok(variants.clone()));
        let json = serde_json::to_string(&variants).expect("it prints");
        prop_assert_eq!(json.parse::<Variants>(), Ok(variants.clone()));
        prop_assert_eq!(serde_json::from_str::<Variants>(&json).expect("it reads"), variants);
    }

    #[test]
    fn any_text_is_variants_or_a_fault_inside_it(text in "\\PC*|[a-c=/:,{}\"\\\\ ]{0,40}") {
        if let Err(error) = text.parse::<Variants>() {
            prop_assert!(text.is_char_boundary(error.span().start) && error.span().end <= text.len(), "{:?}", error);
        }
    }
}
