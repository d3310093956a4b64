//! Any bytes that look like a PNM file.
#![no_main]

use safelight::domain::format::Format;

libfuzzer_sys::fuzz_target!(|input: &[u8]| safelight_fuzz::decode(Format::Pnm, input));
