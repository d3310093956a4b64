//! Hints of what other servers do that share a database: something may be worth a look before its time. Hints may be merged, late or
//! lost, and may come for nothing; whoever is hinted at looks at certain times all the same.

use std::ops::BitOr;

use tokio::sync::watch;

/// What there is to look at, of several things any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hint(u8);

impl Hint {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A task may be claimed.
    pub const RUNNABLE: Self = Self(1);
    /// There are new events.
    pub const EVENTS: Self = Self(2);
    /// A task was taken from the worker that has it in hand.
    pub const WITHDRAWN: Self = Self(4);
    /// An endpoint is to be told something.
    pub const DELIVERIES: Self = Self(8);
    /// A setting was changed.
    pub const SETTINGS: Self = Self(16);
    /// An API key was made or changed.
    pub const KEYS: Self = Self(32);
    /// All of it: nobody knows what was missed.
    pub const ALL: Self = Self(63);

    /// Those of these bits that mean something.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// As bits, for [`Hint::from_bits`].
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Whether it is about something of `other`.
    #[must_use]
    pub fn is_about(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// `self` if `given`, else nothing.
    #[must_use]
    pub fn when(self, given: bool) -> Self {
        if given { self } else { Self::NONE }
    }
}

impl BitOr for Hint {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How often there was a hint of each kind, so that whoever looks seldom can tell which there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    runnable: u64,
    events: u64,
    withdrawn: u64,
    deliveries: u64,
    settings: u64,
    keys: u64,
}

impl Heard {
    /// Counts one.
    pub fn count(&mut self, hint: Hint) {
        self.runnable += u64::from(hint.is_about(Hint::RUNNABLE));
        self.events += u64::from(hint.is_about(Hint::EVENTS));
        self.withdrawn += u64::from(hint.is_about(Hint::WITHDRAWN));
        self.deliveries += u64::from(hint.is_about(Hint::DELIVERIES));
        self.settings += u64::from(hint.is_about(Hint::SETTINGS));
        self.keys += u64::from(hint.is_about(Hint::KEYS));
    }

    /// What was counted since.
    #[must_use]
    pub fn since(self, before: Self) -> Hint {
        Hint::RUNNABLE.when(self.runnable != before.runnable)
            | Hint::EVENTS.when(self.events != before.events)
            | Hint::WITHDRAWN.when(self.withdrawn != before.withdrawn)
            | Hint::DELIVERIES.when(self.deliveries != before.deliveries)
            | Hint::SETTINGS.when(self.settings != before.settings)
            | Hint::KEYS.when(self.keys != before.keys)
    }
}

/// Where hints are heard.
pub type Hints = watch::Receiver<Heard>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_merged_and_none_is_invented() {
        let (mut heard, before) = (Heard::default(), Heard::default());
        assert_eq!(heard.since(before), Hint::NONE);
        heard.count(Hint::EVENTS | Hint::WITHDRAWN);
        heard.count(Hint::EVENTS);
        assert_eq!(heard.since(before), Hint::EVENTS | Hint::WITHDRAWN);
        assert_eq!(heard.since(heard), Hint::NONE);
        assert!(Hint::ALL.is_about(Hint::RUNNABLE) && !Hint::EVENTS.is_about(Hint::RUNNABLE));
        assert_eq!(Hint::from_bits(0xff), Hint::ALL);
        assert_eq!(Hint::from_bits(Hint::RUNNABLE.bits()), Hint::RUNNABLE);
    }
}
