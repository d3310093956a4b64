//! Where the faults of a text are, and what is said about them.

use super::parse;
use crate::domain::pipeline::{Pipeline, Step, ops};

/// The part of the text at fault and the message.
fn fault(text: &str) -> (usize, String) {
    let error = Pipeline::parse(text).expect_err(text);
    (error.position(), error.message().to_owned())
}

/// Each text has its fault at the place, and the message says what it is.
fn assert_faults(cases: &[(&str, usize, &str)]) {
    for (text, position, message) in cases {
        let (at, found) = fault(text);
        assert_eq!((at, &*found), (*position, *message), "{text}");
    }
}

#[test]
fn compact_faults_point_at_their_place() {
    let operations = format!("expected one of {}", Step::names().collect::<Vec<_>>().join(", "));
    assert_faults(&[
        ("", 0, "expected an operation, found nothing"),
        ("  ", 2, "expected an operation, found nothing"),
        ("invert//png", 7, "expected an operation, found nothing"),
        ("invert/", 7, "expected an operation, found nothing"),
        ("invert:", 7, "expected an argument, found nothing"),
        ("invert:5", 7, "invert takes no argument"),
        ("invert:by=5", 7, "invert takes no argument, found \"by\""),
        ("png/invert", 0, "png is an output: it comes once, after the last step"),
        ("png/jpeg", 0, "png is an output: it comes once, after the last step"),
        ("gif:q=80", 4, "gif takes no argument, found \"q\""),
        ("jpeg:80", 5, "expected name=value with one of quality, progressive, subsampling, max_bytes"),
        ("jpeg:q=0", 7, "quality: expected a whole number, 1 to 100, found \"0\""),
        ("jpeg:q=", 7, "quality: expected a whole number, 1 to 100, found nothing"),
        ("jpeg:q=+5", 7, "quality: expected a whole number, 1 to 100, found \"+5\""),
        ("jpeg:subsampling=411", 17, "subsampling: expected 420, 422 or 444, found \"411\""),
        ("jpeg:q=80,quality=80", 10, "quality is given twice"),
        ("jpeg:=80", 5, "expected an argument's name before '='"),
        ("swap_channels:bgx", 14, "order: expected the letters r, g and b in any order, such as bgr, found \"bgx\""),
        ("swap_channels:bgr,rgb", 18, "swap_channels takes no further argument"),
        ("rotate", 0, "rotate needs degrees: expected a number of degrees, -360 to 360, with at most 3 decimals"),
        ("rotate:361", 7, "degrees: expected a number of degrees, -360 to 360, with at most 3 decimals, found \"361\""),
        ("flip:horizontl", 5, "direction: expected one of horizontal, vertical, found \"horizontl\"; did you mean \"horizontal\"?"),
        ("invert/é", 7, &format!("unknown operation \"é\": {operations}")),
    ]);
    assert!(fault("invert/rezise:4x4").1.ends_with("; did you mean \"resize\"?"), "{:?}", fault("invert/rezise:4x4"));
    assert!(fault("invert/pgn").1.ends_with("; did you mean \"png\"?"), "{:?}", fault("invert/pgn"));
}

#[test]
fn faults_of_crops_and_canvases_point_at_their_place() {
    assert_faults(&[
        ("crop", 0, "crop needs a size: expected 400x300, 50%x50%, 400x or x300, or an aspect such as 16x9"),
        (
            "crop:101%x",
            5,
            "size: expected a size such as 400x300, 50%x50%, 400x or x300, sides 1 to 65535 or at most 100%, found \"101%x\"",
        ),
        ("crop:4x4,aspect=1x1", 16, "a crop has a size or an aspect, not both"),
        ("crop:4x4,x=1,gravity=north", 21, "a crop has a position (x, y) or a gravity, not both"),
        ("crop:aspect=16x", 12, "aspect: expected a ratio of width to height such as 16x9, both 1 to 65535, found \"16x\""),
        (
            "crop:4x4,gravity=nort",
            17,
            "gravity: expected one of center, north, northeast, east, southeast, south, southwest, west, northwest, entropy, attention, or a point such as \
             0.3;0.7 (parts of the width and of the height; in JSON an array), found \"nort\"; did you mean \"north\"?",
        ),
        ("extend", 0, "extend needs a border: expected a number of pixels or a percentage, or size=400x300, or aspect=16x9"),
        ("extend:5,size=4x4", 14, "a canvas has borders, a size or an aspect, only one of them"),
        ("extend:size=4x4,aspect=1x1", 23, "a canvas has borders, a size or an aspect, only one of them"),
        ("extend:5,gravity=east", 17, "gravity is for a canvas of a size or an aspect"),
    ]);
}

#[test]
fn faults_of_a_resize_point_at_their_place() {
    assert_faults(&[
        ("resize", 0, "resize needs a size: expected 400x300, 400x or x300, a percentage, or width and height"),
        (
            "resize:x",
            7,
            "size: expected a size such as 400x300, 400x or x300, sides 1 to 65535, or a percentage, 0.001% to 1000%, with at most 3 decimals, found \"x\"",
        ),
        (
            "resize:400x0",
            7,
            "size: expected a size such as 400x300, 400x or x300, sides 1 to 65535, or a percentage, 0.001% to 1000%, with at most 3 decimals, found \"400x0\"",
        ),
        (
            "resize:65536x1",
            7,
            "size: expected a size such as 400x300, 400x or x300, sides 1 to 65535, or a percentage, 0.001% to 1000%, with at most 3 decimals, found \"65536x1\"",
        ),
        (
            "resize:400x300,cover",
            15,
            "expected name=value with one of width, height, fit, gravity, background, min_width, min_height, dpr, enlarge, quality",
        ),
        (
            "resize:400x300,fit=covr",
            19,
            "fit: expected one of inside, outside, cover, contain, fill, found \"covr\"; did you mean \"cover\"?",
        ),
        (
            "resize:400x300,fti=cover",
            15,
            "resize has no argument \"fti\": expected one of size, width, height, fit, gravity, background, min_width, min_height, dpr, enlarge, quality; did you mean \"fit\"?",
        ),
        ("resize:400x,fit=cover", 16, "fit=cover needs both a width and a height"),
        ("resize:400x,height=300", 19, "a side is given twice: once in the size, once by its name"),
        ("resize:4x3,gravity=north", 19, "gravity is for fit=cover and fit=contain"),
        ("resize:4x3,fit=cover,bg=black", 24, "background is for fit=contain"),
        ("resize:4x3,fit=fill,min_width=3", 30, "min_width is for fit=inside and fit=outside"),
        ("resize:50%,fit=cover", 15, "a percentage leaves the aspect ratio as it is: fit is for sizes in pixels"),
        (
            "resize:4x3,fit=contain,gravity=0;1",
            31,
            "gravity: expected one of center, north, northeast, east, southeast, south, southwest, west, northwest, found \"0;1\"",
        ),
        ("resize:fit=cover,400x300", 17, "expected name=value: an argument without a name comes before those with one"),
        ("resize:400x300,enlarge=yes", 23, "enlarge: expected true or false, found \"yes\""),
    ]);
}

#[test]
fn json_faults_point_at_their_place() {
    let cases: &[(&str, &str, &str)] = &[
        (r#"{"step":[]}"#, r#""step""#, "unknown field \"step\": expected input, steps or output; did you mean \"steps\"?"),
        (r#"{"steps":[],"steps":[]}"#, r#""steps":[]}"#, "steps is given twice"),
        (r#"{"steps":{}}"#, "{}}", "expected an array of steps"),
        (r#"{"steps":["invert"]}"#, r#""invert""#, "expected a step such as {\"op\":\"invert\"}"),
        (r#"{"steps":[{}]}"#, "{}]", "expected a step such as {\"op\":\"invert\"}: op is missing"),
        (r#"{"steps":[{"op":1}]}"#, "1}", "op: expected a text"),
        (r#"{"steps":[{"op":"invert","op":"invert"}]}"#, r#""op":"invert"}]"#, "op is given twice"),
        (r#"{"steps":[{"op":"invert","x":1}]}"#, r#""x""#, "invert takes no argument, found \"x\""),
        (
            r#"{"steps":[{"op":"rotate","degrees":"90"}]}"#,
            r#""90""#,
            "degrees: expected a number of degrees, -360 to 360, with at most 3 decimals, found the text \"90\"",
        ),
        (
            r#"{"steps":[{"op":"rotate","degrees":1e2}]}"#,
            "1e2",
            "degrees: expected a number of degrees, -360 to 360, with at most 3 decimals, found 1e2",
        ),
        (
            r#"{"steps":[{"op":"rotate","degrees":[90]}]}"#,
            "[90]",
            "degrees: expected a number of degrees, -360 to 360, with at most 3 decimals, found an array",
        ),
        (r#"{"steps":[{"op":"rotate","degrees":90,"degrees":90}]}"#, r#""degrees":90}]"#, "degrees is given twice"),
        (r#"{"steps":[{"op":"flip","direction":null}]}"#, "null", "direction: expected one of horizontal, vertical, found null"),
        (
            r#"{"steps":[{"op":"resize","width":4,"enlarge":"true"}]}"#,
            r#""true""#,
            "enlarge: expected true or false, found the text \"true\"",
        ),
        (r#"{"steps":[],"output":"png"}"#, r#""png""#, "expected an output such as {\"format\":\"png\"}"),
        (
            r#"{"output":{"format":"pgn"}}"#,
            r#""pgn""#,
            "unknown format \"pgn\": expected one of png, jpeg, webp, gif, bmp, tiff, qoi, avif, auto; did you mean \"png\"?",
        ),
        (r#"{"output":{"format":"gif","quality":80}}"#, r#""quality""#, "gif takes no argument, found \"quality\""),
        (r#"{"steps":[{"op":"png"}]}"#, r#""png""#, "png is an output: it comes once, after the last step"),
        ("{\"steps\":[\n {\"op\":\"invert\",}\n]}", "}\n]}", "not valid JSON: key must be a string"),
        (r#"{"steps":[{"op":"invert"}]} x"#, "x", "not valid JSON: trailing characters"),
        (r#"{"steps":[{"op":"invert"}]"#, "", "not valid JSON: EOF while parsing an object"),
        (r#"{"steps":[]}"#, r#"{"steps"#, "a pipeline needs a step or an output"),
    ];
    for (text, place, message) in cases {
        let (at, found) = fault(text);
        assert_eq!((at, &*found), (text.find(place).filter(|_| !place.is_empty()).unwrap_or(text.len()), *message), "{text}");
    }
}

#[test]
fn sizes_are_limited() {
    let steps = |count: usize| vec!["invert"; count].join("/");
    parse(&steps(64));
    parse(&format!("{}/png", steps(64)));
    assert_eq!(fault(&steps(65)), (64 * 7, "a pipeline has at most 64 steps, found 65".to_owned()));
    assert_eq!(
        Pipeline::new(vec![Step::Invert(ops::Invert {}); 65], None).expect_err("too many").message(),
        "a pipeline has at most 64 steps, found 65"
    );
    let padded = format!("invert{}", " ".repeat(Pipeline::MAX_TEXT - 6));
    parse(&padded);
    assert_eq!(fault(&format!("{padded} ")).0, Pipeline::MAX_TEXT);
    let deep = format!("{{\"steps\":{}{}}}", "[".repeat(8_000), "]".repeat(8_000));
    assert_eq!(fault(&deep).1, "expected a step such as {\"op\":\"invert\"}");
}

#[test]
fn a_pipeline_that_could_not_be_read_again_is_refused() {
    let json =
        |steps: usize, text: &str| format!(r#"{{"steps":[{}]}}"#, vec![format!(r#"{{"op":"text","text":"{text}"}}"#); steps].join(","));
    // A space takes three bytes in the compact form; a letter takes one, but in JSON there are the defaults beside it.
    for (steps, text) in [(50, " ".repeat(256)), (45, "a".repeat(256))] {
        assert!(json(steps, &text).len() < Pipeline::MAX_TEXT);
        assert_eq!(fault(&json(steps, &text)), (0, "a pipeline has at most 16384 bytes with its defaults, in either form".to_owned()));
        let accepted = Pipeline::parse(&json(15, &text)).expect("it has room");
        assert_eq!(accepted.to_string().parse(), Ok(accepted.clone()));
        assert_eq!(serde_json::to_string(&accepted).expect("it prints").parse(), Ok(accepted));
    }
}
