//! Scale: what several nodes over one PostgreSQL come to, when their jobs only pass the time, so that coordination is what is measured.
//!
//! ```text
//! scripts/install-test-servers && cargo build --release --example scale && target/release/examples/scale throughput
//! ```
//!
//! | file | what lives there |
//! |---|---|
//! | this one | the command line |
//! | `throughput` | 1, 2, 4 and 8 nodes, and what a task costs the database |
//! | `standing` | what nodes ask that have nothing to do |
//! | `queue` | what a claim costs by how much waits |
//! | `old_view` | what it costs while somebody looks at the database as it was before |
//! | `plans` | how PostgreSQL runs the statements of a task's life |
//! | `node`, `running` | one node: a process of its own that does what a server does with the database; the same from outside |
//! | `place` | the throwaway PostgreSQL, its databases, what it has done and used |

#[path = "../../tests/common/postgres.rs"]
mod cluster;
mod node;
mod old_view;
mod place;
mod plans;
mod queue;
mod running;
mod standing;
mod throughput;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What every step here may fail with: it is told, and ends the program.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Debug, Parser)]
#[command(about = "Lets several nodes share a throwaway PostgreSQL and measures what they come to")]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tasks per second of 1, 2, 4 and 8 nodes, and what each costs the database
    Throughput(throughput::Arguments),
    /// What nodes ask of the database that have nothing to do
    Standing(standing::Arguments),
    /// What a claim costs among a thousand tasks and among millions
    Queue(queue::Arguments),
    /// What claims cost while a transaction keeps looking at the database as it was before
    OldView(old_view::Arguments),
    /// The plans of the statements that a node runs
    Plans(plans::Arguments),
    /// Be one node
    #[command(hide = true)]
    Node(node::Arguments),
}

fn main() -> ExitCode {
    env_logger::init();
    let done = match CommandLine::parse().command {
        Command::Throughput(arguments) => throughput::run(&arguments),
        Command::Standing(arguments) => standing::run(&arguments),
        Command::Queue(arguments) => queue::run(&arguments),
        Command::OldView(arguments) => old_view::run(&arguments),
        Command::Plans(arguments) => plans::run(&arguments),
        Command::Node(arguments) => node::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scale: {error}");
            ExitCode::FAILURE
        }
    }
}
