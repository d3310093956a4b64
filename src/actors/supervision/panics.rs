//! Catching the panics of supervised code, with the place where each began.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook},
    sync::Once,
};

use super::Exit;

thread_local! {
    /// Whether this thread runs supervised code, whose panics the supervisor logs.
    static WATCH: Cell<Watch> = const { Cell::new(Watch::Off) };
    /// `file:line:column` of the last panic of supervised code on this thread; out of date unless it was noted in this watch.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What the hook does with a panic on this thread, and whether it has done so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watch {
    Off,
    On,
    /// On, and [`PLACE`] is that of a panic since then.
    Noted,
}

static HOOK: Once = Once::new();

/// Runs supervised code; a panic, or a call of [`exit`](super::exit()), becomes the reason it carries.
pub(super) fn catch<T>(code: impl FnOnce() -> T) -> Result<T, Exit> {
    HOOK.call_once(install_hook);
    let outer = WATCH.replace(Watch::On);
    // The caller never touches what the panic may have left half-done: it renews the actor's state.
    let result = catch_unwind(AssertUnwindSafe(code));
    let watch = WATCH.replace(outer);
    result.map_err(|payload| reason_of(payload.as_ref(), watch))
}

/// Puts a hook in front of the one there is: it notes the place of panics in supervised code, which the supervisor logs,
/// and hands all others on.
fn install_hook() {
    let others = take_hook();
    set_hook(Box::new(move |panic| if WATCH.get() == Watch::Off { others(panic) } else { note(panic) }));
}

fn note(panic: &PanicHookInfo<'_>) {
    PLACE.set(panic.location().map(ToString::to_string));
    WATCH.set(Watch::Noted);
    let backtrace = if log::log_enabled!(log::Level::Error) { Backtrace::capture() } else { Backtrace::disabled() };
    if backtrace.status() == BacktraceStatus::Captured {
        log::error!("backtrace of the panic in a supervised actor:\n{backtrace}");
    }
}

fn reason_of(payload: &(dyn Any + Send), watch: Watch) -> Exit {
    if let Some(exit) = payload.downcast_ref::<Exit>() {
        return exit.clone();
    }
    let text = payload.downcast_ref::<&str>().map(ToString::to_string).or_else(|| payload.downcast_ref::<String>().cloned());
    let location = PLACE.take().filter(|_| watch == Watch::Noted);
    Exit::Panic { message: text.unwrap_or_else(|| "a panic without a text".to_owned()), location }
}
