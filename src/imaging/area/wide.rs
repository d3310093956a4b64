//! Loops that are compiled twice, for the processors of the target and for those with AVX2, of which the latter is taken where
//! there is one: the compiler makes vector instructions of both.
#![allow(unsafe_code)] // A function for processors that have more instructions than the target.

/// A loop. `run` must be `#[inline(always)]`, and whatever it calls, or it is compiled for the target alone.
pub(in crate::imaging) trait Loop {
    fn run(self);
}

/// Runs the loop by the widest vector instructions that the processor has. They do the same arithmetic, bit for bit.
pub(in crate::imaging) fn widest(work: impl Loop) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { by_avx2(work) };
    }
    work.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn by_avx2(work: impl Loop) {
    work.run();
}
