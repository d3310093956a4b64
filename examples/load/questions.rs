//! Questions about a task among a million: how many are answered in a second, against an empty handler of actix-web that the same clients
//! ask in turn.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::Outcome;
use crate::bare::Bare;
use crate::client::Client;
use crate::figures::Rounds;
use crate::photos;
use crate::server::Options;

/// How much is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many times each side is measured, in turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long, in seconds
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Connections, each of which has one question on its way
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Tasks that are stored
    #[arg(long, default_value_t = 1_000_000)]
    tasks: u64,
    #[command(flatten)]
    server: Options,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome<()> {
    let server = arguments.server.start(&[])?;
    let bare = Bare::start()?;
    let client = Client::new(server.url());
    let id = client.upload(&photos::picture((200, 150))?, None)?;
    client.wait(&id)?;
    multiply(&server.database(), arguments.tasks)?;
    let others = some(&server.database())?;
    let of_task = |id: &String| format!("/v1/tasks/{id}");
    let is_ready = |id: &String| format!("/image/isReady?id={id}");
    let questions = [
        ("`GET /v1/tasks/{id}` of one task", vec![of_task(&id)]),
        ("`isReady` of one task", vec![is_ready(&id)]),
        ("`GET /v1/tasks/{id}` of any task", others.iter().map(of_task).collect()),
        ("`isReady` of any task", others.iter().map(is_ready).collect()),
    ];
    let mut rounds = [(); 4].map(|()| Rounds::default());
    for _ in 0..arguments.rounds {
        let empty = rate(&bare.url, &["/".to_owned()], arguments)?;
        for ((_, paths), rounds) in questions.iter().zip(&mut rounds) {
            rounds.note(rate(server.url(), paths, arguments)?, empty);
        }
    }
    for ((name, _), rounds) in questions.iter().zip(&rounds) {
        let figure = format!("{name} among {}, {} connections", arguments.tasks, arguments.connections);
        println!("{}", rounds.row(&figure, "at least 0.45", "load questions"));
    }
    Ok(())
}

/// How many tasks stand for any: far more than a server could have in mind.
const SOME: usize = 100_000;

/// The ids of some tasks, by chance.
fn some(database: &Path) -> Outcome<Vec<String>> {
    let connection = Connection::open(database)?;
    let mut ids = connection.prepare("SELECT id FROM tasks ORDER BY random() LIMIT ?1")?;
    let ids =
        ids.query_map([i64::try_from(SOME)?], |row| Ok(uuid::Uuid::from_bytes(row.get(0)?).to_string()))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

/// Doubles the rows of the database, which the server is not writing to, until there are so many; each has an id of its own.
fn multiply(database: &Path, tasks: u64) -> Outcome<()> {
    let connection = Connection::open(database)?;
    let mut names = connection.prepare("SELECT name FROM pragma_table_info('tasks') WHERE name NOT IN ('seq', 'id')")?;
    let names = names.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?.join(", ");
    let copy = format!("INSERT INTO tasks (id, {names}) SELECT randomblob(16), {names} FROM tasks LIMIT ?1");
    let mut rows = 1;
    while rows < tasks {
        rows += connection.execute(&copy, [i64::try_from(rows.min(tasks - rows))?])? as u64;
    }
    Ok(())
}

/// Answers in a second, of questions about these paths in turn.
fn rate(url: &str, paths: &[String], arguments: &Arguments) -> Outcome<f64> {
    let (address, over) = (url.trim_start_matches("http://"), AtomicBool::new(false));
    let requests: Vec<_> = paths.iter().map(|path| format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")).collect();
    let (requests, over, start) = (&requests, &over, Instant::now());
    let answers = thread::scope(|scope| {
        let asking: Vec<_> = (0..arguments.connections)
            // Each begins elsewhere.
            .map(|number| requests.iter().cycle().skip(number * requests.len() / arguments.connections))
            .map(|requests| scope.spawn(move || ask(address, requests, over)))
            .collect();
        thread::sleep(Duration::from_secs(arguments.seconds));
        over.store(true, Ordering::Relaxed);
        asking
            .into_iter()
            .try_fold(0, |sum, asked| Outcome::Ok(sum + asked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?))
    })?;
    Ok(answers as f64 / start.elapsed().as_secs_f64())
}

/// One question after the other on one connection. Nothing is made of an answer but its status and its end: the client shares the
/// processor with what is measured.
fn ask<'r>(address: &str, requests: impl Iterator<Item = &'r String>, over: &AtomicBool) -> Outcome<u64> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_nodelay(true)?;
    let mut answers = BufReader::new(connection.try_clone()?);
    let (mut line, mut body, mut count) = (String::new(), Vec::new(), 0);
    for request in requests.take_while(|_| !over.load(Ordering::Relaxed)) {
        connection.write_all(request.as_bytes())?;
        let mut length = 0;
        for number in 0.. {
            line.clear();
            answers.read_line(&mut line)?;
            if number == 0 && !line.starts_with("HTTP/1.1 200") {
                return Err(format!("not answered: {line}").into());
            }
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.trim().parse()?,
                Some(_) => {}
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        body.resize(length, 0);
        answers.read_exact(&mut body)?;
        count += 1;
    }
    Ok(count)
}
