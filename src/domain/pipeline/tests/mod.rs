//! What the two forms of a pipeline mean and how they are printed.

mod faults;
mod properties;
mod variants;

use super::*;
use crate::domain::format::Format;

fn parse(text: &str) -> Pipeline {
    text.parse().unwrap_or_else(|error: PipelineError| panic!("{}", error.render(text)))
}

#[test]
fn both_forms_mean_the_same() {
    for (compact, json) in [
        ("swap_channels", r#"{"steps":[{"op":"swap_channels"}]}"#),
        (
            "swap_channels:bgr/resize:400x300,fit=cover/jpeg:q=85",
            r#"{"steps":[{"op":"swap_channels","order":"bgr"},{"op":"resize","width":400,"height":300,"fit":"cover"}],
                "output":{"format":"jpeg","quality":85,"progressive":false,"subsampling":420}}"#,
        ),
        ("png", r#"{"output":{"format":"png"}}"#),
        (
            "rotate:90/flip:vertical/jpg",
            r#"{"steps":[{"degrees":90,"op":"rotate"},{"op":"flip","direction":"vertical"}],"output":{"format":"jpeg"}}"#,
        ),
        ("resize:x40,enlarge=true", r#"{"steps":[{"op":"resize","height":40,"enlarge":true}]}"#),
        ("crop:50%x300,g=attention", r#"{"steps":[{"op":"crop","width":"50%","height":300,"gravity":"attention"}]}"#),
        ("crop:50%x300,gravity=0.25;1", r#"{"steps":[{"op":"crop","width":"50%","height":300,"gravity":[0.25,1]}]}"#),
        ("resize:width=3,height=4", r#"{"steps":[{"op":"resize","size":"3x4"}]}"#),
        ("\tinvert\n", " {\"steps\" : [ {\"op\":\"inv\\u0065rt\"} ] } "),
    ] {
        assert_eq!(parse(compact), parse(json), "{compact}");
    }
}

/// The text is printed as `canonical`, and as `json` in that form.
fn assert_printed(cases: &[(&str, &str, &str)]) {
    for (text, canonical, json) in cases {
        assert_eq!(parse(text).to_string(), *canonical);
        assert_eq!(serde_json::to_string(&parse(text)).expect("it prints"), *json);
    }
}

#[test]
fn the_canonical_form_prints_defaults_too() {
    assert_printed(&[
        ("swap_channels", "swap_channels:bgr", r#"{"steps":[{"op":"swap_channels","order":"bgr"}]}"#),
        (
            "swap_channels:order=gbr/jpg",
            "swap_channels:gbr/jpeg:q=85,progressive=false,subsampling=420",
            r#"{"steps":[{"op":"swap_channels","order":"gbr"}],"output":{"format":"jpeg","quality":85,"progressive":false,"subsampling":420}}"#,
        ),
        (
            "rotate:270/invert/webp",
            "rotate:270/invert/webp:q=80,lossless=false,effort=4",
            r#"{"steps":[{"op":"rotate","degrees":270},{"op":"invert"}],"output":{"format":"webp","quality":80,"lossless":false,"effort":4}}"#,
        ),
        ("rotate:-90,bg=369", "rotate:270", r#"{"steps":[{"op":"rotate","degrees":270}]}"#),
        ("rotate:-12.5", "rotate:347.5,bg=transparent", r#"{"steps":[{"op":"rotate","degrees":347.5,"background":"transparent"}]}"#),
        ("gif", "gif", r#"{"steps":[],"output":{"format":"gif"}}"#),
        (
            "webp:lossless=true,quality=7,max_bytes=5000",
            "webp:q=7,lossless=true,effort=4,max_bytes=5000",
            r#"{"steps":[],"output":{"format":"webp","quality":7,"lossless":true,"effort":4,"max_bytes":5000}}"#,
        ),
    ]);
}

#[test]
fn the_canonical_form_of_sizes_has_one_spelling() {
    assert_printed(&[
        (
            "resize:400x300",
            "resize:400x300,fit=inside,enlarge=false,quality=default",
            r#"{"steps":[{"op":"resize","width":400,"height":300,"fit":"inside","enlarge":false,"quality":"default"}]}"#,
        ),
        (
            "resize:400x,fit=inside",
            "resize:400x,enlarge=false,quality=default",
            r#"{"steps":[{"op":"resize","width":400,"enlarge":false,"quality":"default"}]}"#,
        ),
        ("crop:40x", "crop:40x,g=center", r#"{"steps":[{"op":"crop","width":40,"gravity":"center"}]}"#),
        ("crop:12.5%x7,y=3", "crop:12.5%x7,x=0,y=3", r#"{"steps":[{"op":"crop","width":"12.5%","height":7,"x":0,"y":3}]}"#),
        (
            "resize:50%",
            "resize:50%,enlarge=false,quality=default",
            r#"{"steps":[{"op":"resize","size":"50%","enlarge":false,"quality":"default"}]}"#,
        ),
        (
            "resize:4x3,fit=contain,dpr=1.5",
            "resize:4x3,fit=contain,g=center,bg=white,dpr=1.5,enlarge=false,quality=default",
            r#"{"steps":[{"op":"resize","width":4,"height":3,"fit":"contain","gravity":"center","background":"white","dpr":1.5,"enlarge":false,"quality":"default"}]}"#,
        ),
        (
            "extend:5,left=10%",
            "extend:top=5,right=5,bottom=5,left=10%,bg=white",
            r#"{"steps":[{"op":"extend","top":5,"right":5,"bottom":5,"left":"10%","background":"white"}]}"#,
        ),
        (
            "extend:size=5x",
            "extend:size=5x,g=center,bg=white",
            r#"{"steps":[{"op":"extend","width":5,"gravity":"center","background":"white"}]}"#,
        ),
    ]);
}

#[test]
fn a_preset_stands_for_its_pipeline_and_cannot_take_an_operations_name() {
    let presets: Presets =
        serde_json::from_str(r#"{"thumb":"resize:200x200,fit=cover/webp","red":{"steps":[{"op":"invert"}]}}"#).expect("presets");
    assert_eq!(Pipeline::parse_with(" thumb\n", &presets), Ok(parse("resize:200x200,fit=cover/webp")));
    assert_eq!(Pipeline::parse_with("red", &presets), Ok(parse("invert")));
    assert_eq!(Pipeline::parse_with("invert", &presets), Ok(parse("invert")));

    let error = Pipeline::parse_with("invert/thumb", &presets).expect_err("presets stand alone");
    assert_eq!((error.position(), error.message()), (7, "thumb is a preset: it stands alone, without other steps or arguments"));
    let error = Pipeline::parse_with("thmub", &presets).expect_err("no such preset");
    assert!(error.message().ends_with("; did you mean \"thumb\"?"), "{error}");

    for taken in ["invert", "png", "jpg"] {
        assert_eq!(taken.parse::<PresetName>(), Err(InvalidPresetName::Taken(taken.to_owned())));
    }
    for misspelt in ["", "Thumb", "4x4", "a/b", "a b", &"a".repeat(65)] {
        assert_eq!(misspelt.parse::<PresetName>(), Err(InvalidPresetName::Spelling(misspelt.to_owned())));
    }
    let again: Presets = serde_json::from_str(&serde_json::to_string(&presets).expect("it prints")).expect("it reads");
    assert_eq!(again, presets);
}

#[test]
fn every_example_of_a_declaration_is_a_pipeline_of_it() {
    for declaration in Step::declarations().chain(OutputChoice::declarations()).chain([&Input::DECLARATION]) {
        for example in declaration.examples {
            assert!(example.starts_with(declaration.name), "{example}");
            if !Output::is_built(declaration.name) {
                continue;
            }
            let whole = if declaration.name == "input" { format!("{example}/png") } else { (*example).to_owned() };
            parse(&whole);
        }
    }
    for format in Format::ALL {
        let written = Output::of_original(format).format();
        assert_eq!(written, if format == Format::Pnm { Format::Png } else { format });
        if !Output::is_built(written.name()) {
            continue;
        }
        assert_eq!(parse(written.name()).output(), Some(&OutputChoice::Named(Output::of_original(format))), "no setting of its own");
    }
}

#[test]
fn what_is_only_read_is_no_output() {
    let error = Pipeline::parse(r#"{"output":{"format":"pnm"}}"#).expect_err("it is not written");
    assert!(error.message().starts_with("pnm is read, but not written: expected one of png, jpeg, "), "{}", error.message());
    assert_eq!(error.position(), 20);
}

#[test]
fn the_input_comes_first_in_both_forms() {
    let text = "input:orient=false,profile=srgb,frames=all,metadata=strip/invert";
    let json = r#"{"input":{"orient":false,"profile":"srgb","frames":"all","metadata":"strip"},"steps":[{"op":"invert"}]}"#;
    assert_eq!(parse(text), parse(json));
    assert_eq!(parse(text).to_string(), text);
    assert_eq!(serde_json::to_string(&parse(text)).expect("it prints"), json);
    assert_eq!(parse("invert").input(), Input::default());
    let error = "invert/input".parse::<Pipeline>().expect_err("input is late");
    assert_eq!((error.position(), error.message()), (7, "input comes once, before the first step"));
}
