//! An allocator that counts the bytes of each thread, to compare estimates of memory with reality.
#![allow(unsafe_code)] // A global allocator cannot be written without; every call is passed on to the system's unchanged.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static PEAK_WITH_HELD: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // During a thread's end its counters may be gone; nothing is measured then.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
        let held = HELD.try_with(Cell::get).unwrap_or(0);
        let _ = PEAK_WITH_HELD.try_with(|peak| peak.set(peak.get().max(live.get() + held)));
    });
}

// SAFETY: every method passes its arguments to `System` unchanged and returns what it returns.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises are the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promises are the same.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // The old and the new place may both be held for a moment.
        count(new_size as isize);
        count(-(layout.size() as isize));
        // SAFETY: the caller's promises are the same.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

/// The most bytes that were live on this thread at once during `work`, beyond those before it.
pub(crate) fn peak_of<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = LIVE.with(Cell::get);
    PEAK.with(|peak| peak.set(before));
    let result = work();
    let peak = PEAK.with(Cell::get) - before;
    (result, u64::try_from(peak).expect("the peak is at least what was live before"))
}

/// Tells that so many bytes are held elsewhere for this thread from now on, such as those of a file in memory.
pub(crate) fn hold(bytes: u64) {
    HELD.with(|held| held.set(bytes as isize));
    count(0);
}

/// Like [`peak_of`], and beside it the peak of the bytes that were live and those that were held at the same time.
pub(crate) fn peaks_of<T>(work: impl FnOnce() -> T) -> (T, u64, u64) {
    let before = LIVE.with(Cell::get);
    hold(0);
    PEAK_WITH_HELD.with(|peak| peak.set(before));
    let (result, peak) = peak_of(work);
    let with_held = PEAK_WITH_HELD.with(Cell::get) - before;
    (result, peak, u64::try_from(with_held).expect("the peak is at least what was live before"))
}
