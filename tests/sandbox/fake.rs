//! An honest child with fake work: the "image" says what is to happen to the one who decodes it.

use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;

use rustix::process::{Resource, getrlimit};
use safelight::domain::error_code::ErrorCode;
use safelight::domain::format::Format;
use safelight::domain::pipeline::cost::ImageInfo;
use safelight::domain::probe::{ColorSpace, Details};
use safelight::imaging::OutputInfo;
use safelight::sandbox::{Failure, Job, Probing, Tell, Work, serve};

/// The name of this child program.
pub(crate) const NAME: &str = "fake";

/// What [`Fake`] says about the memory that any job needs.
pub(crate) const PEAK_BYTES: u64 = 12_345;

/// The whole `main` of the child.
pub(crate) fn main() -> ExitCode {
    serve(&mut Fake { hoard: Vec::new() })
}

struct Fake {
    hoard: Vec<u8>,
}

impl Work for Fake {
    type Image = Vec<u8>;

    fn probe(&mut self, _: &Job, mut input: File, assets: Vec<File>) -> Result<(Probing, Vec<u8>), Failure> {
        let mut image = Vec::new();
        input.read_to_end(&mut image).unwrap();
        match image.as_slice() {
            b"panic early" => panic!("planted"),
            b"unsupported" => return Err(Failure { code: ErrorCode::UnsupportedFormat, detail: "a\nb".repeat(100_000) }),
            b"read assets" => {
                return Err(failure(format!(
                    "{:?}",
                    assets.into_iter().map(|asset| std::io::read_to_string(asset).unwrap()).collect::<Vec<_>>()
                )));
            }
            b"write assets" => {
                return Err(failure(format!("{:?}", assets.iter().map(|mut asset| asset.write_all(b"x").is_ok()).collect::<Vec<_>>())));
            }
            b"write input" => return Err(failure(format!("{:?}", input.write_all(b"x").map_err(|error| error.kind())))),
            b"state" => return Err(failure(state())),
            b"descriptors" => return Err(failure(format!("{:?}", crate::support::health::descriptors()))),
            b"environment" => return Err(failure(format!("{:?}", std::env::vars_os().collect::<Vec<_>>()))),
            _ => {}
        }
        let width = if image == b"wide" { 1001 } else { image.len() as u32 };
        // As long a text as a report has room for, and a forged line in it.
        let details = Details {
            color_space: ColorSpace::Gray,
            profile: Some("a\nb".repeat(10_000)),
            bit_depth: 8,
            alpha: false,
            orientation: 1,
            exif: None,
        };
        let info = ImageInfo {
            format: Format::Bmp,
            width,
            height: 1,
            bytes_per_pixel: 1,
            encoded_bytes: image.len() as u64,
            decoder_bytes: 0,
            header_bytes: 0,
            alpha: false,
            turned: false,
            flipped: false,
            scales: false,
            frames: 1,
            duration_ms: 0,
        };
        Ok((Probing { info, peak_bytes: PEAK_BYTES, details: Box::new(details) }, image))
    }

    fn run(&mut self, _: &Job, image: Vec<u8>, outputs: &[File], made: &mut Tell<'_>) -> Result<(), Failure> {
        let mut output = &outputs[0];
        match image.as_slice() {
            b"panic late" => panic!("planted"),
            b"abort" => std::process::abort(),
            b"overflow the stack" => eprintln!("{}", depth(0)),
            b"allocate" => self.hoard = vec![1; 1 << 30],
            b"grow" => self.hoard = vec![1; 64 << 20],
            b"loop" => {
                eprintln!("looping");
                loop {
                    std::hint::spin_loop();
                }
            }
            b"large" => output.write_all(&[b'x'; 100_001]).unwrap(),
            b"too large for a file" => {
                let error = output.write_all(&vec![b'x'; 2 << 20]).unwrap_err();
                return Err(failure(format!("{:?}", error.kind())));
            }
            _ => {}
        }
        output.write_all(b"BM").unwrap();
        output.write_all(&image).unwrap();
        made(0, OutputInfo { format: Format::Bmp, width: image.len() as u32, height: 1, warnings: Vec::new(), glance: None })
    }
}

fn failure(detail: String) -> Failure {
    Failure { code: ErrorCode::OperationFailed, detail }
}

/// What the process may do, as the kernel sees it.
fn state() -> String {
    let of = |resource| getrlimit(resource).maximum.unwrap_or(u64::MAX);
    format!(
        "as={} fsize={} core={} nofile={} nproc={} nice={} no_new_privs={} death={:?} threads={} group={}",
        of(Resource::As),
        of(Resource::Fsize),
        of(Resource::Core),
        of(Resource::Nofile),
        of(Resource::Nproc),
        rustix::process::getpriority_process(None).unwrap(),
        rustix::thread::no_new_privs().unwrap(),
        rustix::process::parent_process_death_signal().unwrap().map(rustix::process::Signal::as_raw),
        std::fs::read_dir("/proc/self/task").unwrap().count(),
        rustix::process::getpgrp() == rustix::process::getpid(),
    )
}

/// Recurses until there is no stack left, without a tail to optimise away.
fn depth(n: u64) -> u64 {
    let frame = std::hint::black_box([n; 512]);
    if n == u64::MAX {
        return 0;
    }
    depth(n + 1).wrapping_add(frame[(n % 512) as usize])
}
