//! Load: puts a Safelight server under load and measures it, alone or against what the machine can do at best.
//!
//! ```text
//! cargo build --release && cargo run --release --example load -- run --images 200 --clients 8
//! ```
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the command line |
//! | `run` | N images with C clients, all waited for, then verified |
//! | `end_to_end`, `uploads`, `memory` | a goal each: rounds that alternate between the server and its yardstick |
//! | `waiting`, `idle` | clients that wait for tasks, and streams of events |
//! | `cancel` | how soon a cancellation frees the processor |
//! | `server`, `client`, `burst` | the server's process, its HTTP side, many clients at once |
//! | `overload` | more uploads than the server can do |
//! | `questions` | questions about tasks, as many as are answered |
//! | `direct`, `disk`, `bare` | the yardsticks: the pixels alone, the disk alone, an empty handler |
//! | `photos`, `figures` | what is uploaded; medians and percentiles |

mod bare;
mod burst;
mod cancel;
mod client;
mod direct;
mod disk;
mod end_to_end;
mod figures;
mod idle;
mod memory;
mod overload;
mod photos;
mod questions;
mod run;
mod server;
mod uploads;
mod waiting;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What every step here may fail with: it is told, and ends the program.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Debug, Parser)]
#[command(about = "Puts a Safelight server under load and measures it")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Upload images, wait for all of them, verify them, and print rates, latencies and memory
    Run(run::Arguments),
    /// Images per second through the server against `imaging` called directly on the same cores
    EndToEnd(end_to_end::Arguments),
    /// Durable small uploads per second against the same writes and fsyncs with nothing around them
    Uploads(uploads::Arguments),
    /// The server's resident memory after many large uploads
    Memory(memory::Arguments),
    /// How soon a client that waits hears of the end of its task
    Waiting(waiting::Arguments),
    /// What idle streams of events and waiting requests cost, and how soon a stop ends them
    Idle(idle::Arguments),
    /// More uploads than the server can do: what is accepted, what is refused, and whether health still answers
    Overload(overload::Arguments),
    /// Questions about a task among a million, answered in a second, against an empty handler
    Questions(questions::Arguments),
    /// The time from a cancellation to the end of the process that worked on the task, caught in each phase of a job
    Cancel(cancel::Arguments),
    /// Be one process of the yardstick of `end-to-end`
    #[command(hide = true)]
    Direct(direct::Arguments),
}

fn main() -> ExitCode {
    let done = match CommandLine::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::EndToEnd(arguments) => end_to_end::run(&arguments),
        Command::Uploads(arguments) => uploads::run(&arguments),
        Command::Memory(arguments) => memory::run(&arguments),
        Command::Waiting(arguments) => waiting::run(&arguments),
        Command::Idle(arguments) => idle::run(&arguments),
        Command::Overload(arguments) => overload::run(&arguments),
        Command::Questions(arguments) => questions::run(&arguments),
        Command::Cancel(arguments) => cancel::run(&arguments),
        Command::Direct(arguments) => direct::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
