//! Hostile children: they speak the frames by hand and keep none of the rules. Each is one function, named as it is asked for;
//! what the parent must do about it stands in `hostile`.

mod lives;
mod outputs;
mod parent;
mod words;

use std::os::unix::fs::FileExt;
use std::process::ExitCode;

use parent::{Parent, forever};

/// The bytes that every hostile child claims to have encoded.
pub(crate) const OUTPUT: &[u8] = b"BM hostile pixels";
/// Bytes that the child `flood_stderr` writes without a line break.
pub(crate) const FLOOD: usize = 100 << 20;

/// The whole `main` of the hostile child `name`.
pub(crate) fn main(name: &str) -> ExitCode {
    if name == "sleeper" {
        // Its parent goes on talking over the same socket: not a word of it may be taken.
        forever();
    }
    let mut parent = Parent::greet();
    match name {
        "late_writes" => outputs::late_writes(&mut parent),
        "write_while_sealing" => outputs::write_while_sealing(&mut parent),
        "keep_mapping" => outputs::keep_mapping(&mut parent),
        "seal_itself" => outputs::seal_itself(&mut parent),
        "silent" => words::silent(&mut parent),
        "silent_later" => words::silent_later(&mut parent),
        "ignore_sigterm" => lives::ignore_sigterm(&mut parent),
        "partial_frame" => words::partial_frame(&mut parent),
        "say" => words::say(&mut parent),
        "say_later" => words::say_later(&mut parent),
        "second_done" => words::second_done(&mut parent),
        "hang_up" => words::hang_up(parent),
        "exit" => lives::exit(&mut parent),
        "signal" => lives::signal(&mut parent),
        "done_and_exit" => lives::done_and_exit(&mut parent),
        "send_descriptors" => words::send_descriptors(&mut parent),
        "flood_stderr" => words::flood_stderr(&mut parent),
        "grandchild" => lives::grandchild(&mut parent, false),
        "escaped_grandchild" => lives::grandchild(&mut parent, true),
        "empty_output" => outputs::false_output(&mut parent, |_| Ok(())),
        "text_output" => outputs::false_output(&mut parent, |output| output.write_all_at(b"hello", 0)),
        "other_format" => outputs::false_output(&mut parent, |output| output.write_all_at(b"\x89PNG\r\n\x1a\n0000", 0)),
        "oversize_output" => outputs::false_output(&mut parent, |output| output.set_len(1 << 40)),
        "oversize_image" => words::oversize_image(&mut parent),
        other => panic!("no hostile child is called {other}"),
    }
    ExitCode::SUCCESS
}
