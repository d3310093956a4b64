//! What supervision costs: a round trip to a supervised actor against one to an actor that actix runs by itself, in
//! processor time of the one thread on which both live.

use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Message, Supervised, System, SystemRunner};
use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};
use safelight::actors::supervision::{Options, Policy, Root, Service, Strategy, child};

/// Rounds of the paired comparison, each with both sides in turn.
const ROUNDS: usize = 101;

/// Round trips per side and round.
const MESSAGES: u64 = 20_000;

/// Processor time of this thread: what other processes do to the clock on the wall does not show.
struct ProcessorTime;

impl ProcessorTime {
    fn now() -> Duration {
        clock_gettime(ClockId::ThreadCPUTime).try_into().expect("processor time is never negative")
    }
}

impl Measurement for ProcessorTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Self::now()
    }

    fn end(&self, start: Duration) -> Duration {
        Self::now() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Answers, and nothing else.
struct Echo;

impl Actor for Echo {
    type Context = Context<Self>;
}

impl Supervised for Echo {}

impl Service for Echo {}

#[derive(Message)]
#[rtype(result = "u64")]
struct Ping(u64);

impl Handler<Ping> for Echo {
    type Result = u64;

    fn handle(&mut self, Ping(number): Ping, _: &mut Context<Self>) -> u64 {
        number
    }
}

/// The processor time of `messages` round trips, one after the other.
fn round_trips(system: &SystemRunner, echo: &Addr<Echo>, messages: u64) -> Duration {
    system.block_on(async {
        let start = ProcessorTime::now();
        for number in 0..messages {
            assert_eq!(echo.send(Ping(number)).await, Ok(number));
        }
        ProcessorTime::now() - start
    })
}

/// Both sides in turn, so that whatever else the machine does meets both alike. The median of the ratios is the figure.
fn compare(system: &SystemRunner, plain: &Addr<Echo>, supervised: &Addr<Echo>) {
    let mut ratios = Vec::new();
    for round in 0..ROUNDS {
        // Who goes first changes, too.
        let (first, second) = if round % 2 == 0 { (plain, supervised) } else { (supervised, plain) };
        let times = [round_trips(system, first, MESSAGES), round_trips(system, second, MESSAGES)].map(|time| time.as_secs_f64());
        ratios.push(if round % 2 == 0 { times[1] / times[0] } else { times[0] / times[1] });
    }
    ratios.sort_by(f64::total_cmp);
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    println!(
        "| processor time that supervision adds to a round trip | under 5 % | **{:+.1} %** (quartiles {:+.1} to {:+.1} %, {ROUNDS} rounds) | `cargo bench --bench supervision` |",
        percent(ratios[ROUNDS / 2]),
        percent(ratios[ROUNDS / 4]),
        percent(ratios[ROUNDS * 3 / 4]),
    );
}

fn main() {
    let system = System::new();
    let (spec, supervised) = child("echo", Options::default(), || Echo);
    let plain = system.block_on(async { Echo.start() });
    let root = system.block_on(Root::start(Strategy::OneForOne, Policy::default(), vec![spec])).expect("an actor that does nothing starts");

    let criterion = Criterion::default().with_measurement(ProcessorTime).sample_size(30).measurement_time(Duration::from_secs(3));
    let mut criterion = criterion.configure_from_args();
    let mut group = criterion.benchmark_group("round trip");
    for (name, echo) in [("plain actor", &plain), ("supervised actor", &supervised)] {
        group.bench_function(name, |bencher| bencher.iter_custom(|messages| round_trips(&system, echo, messages)));
    }
    group.finish();
    compare(&system, &plain, &supervised);
    system.block_on(root.stop(Duration::from_secs(5)));
}
