//! Any bytes that look like an AVIF file.
#![no_main]

use safelight::domain::format::Format;

libfuzzer_sys::fuzz_target!(|input: &[u8]| safelight_fuzz::decode(Format::Avif, input));
