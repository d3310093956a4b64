//! Any text as a pipeline: it is one, or the fault is a place in it; what is one reads back what it prints, in both forms.
#![no_main]

use safelight::domain::pipeline::Pipeline;

libfuzzer_sys::fuzz_target!(|text: &str| {
    match text.parse::<Pipeline>() {
        Ok(pipeline) => {
            assert_eq!(pipeline.to_string().parse(), Ok(pipeline.clone()), "the compact form");
            let json = serde_json::to_string(&pipeline).expect("it prints");
            assert_eq!(json.parse(), Ok(pipeline), "the JSON form");
        }
        Err(fault) => {
            assert!(text.is_char_boundary(fault.span().start) && fault.span().end <= text.len(), "{fault:?}");
            assert!(fault.render(text).ends_with(fault.message()));
        }
    }
});
