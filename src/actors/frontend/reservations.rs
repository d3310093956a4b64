//! Idempotency keys whose first upload is still arriving. They live in memory only: with the server, or with the frontend, they are gone,
//! and the next try is the first one again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::actors::frontend::FrontendError;
use crate::domain::access::KeyId;
use crate::domain::task::IdempotencyKey;

type Name = (Option<KeyId>, IdempotencyKey);

/// The keys that are reserved now. Each has an upload under way, which admission bounds.
#[derive(Debug, Default)]
pub(super) struct Reservations(Arc<Mutex<HashSet<Name>>>);

/// A key that nobody else may use until this is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    reserved: Arc<Mutex<HashSet<Name>>>,
    name: Name,
}

impl Reservations {
    /// Reserves a key of a caller.
    ///
    /// # Errors
    /// [`FrontendError::KeyInUse`] while another upload has it.
    pub(super) fn reserve(&self, caller: Option<KeyId>, key: IdempotencyKey) -> Result<Reservation, FrontendError> {
        let name = (caller, key);
        if !lock(&self.0).insert(name.clone()) {
            return Err(FrontendError::KeyInUse);
        }
        Ok(Reservation { reserved: Arc::clone(&self.0), name })
    }
}

impl Reservation {
    /// The key.
    pub(super) fn key(&self) -> &IdempotencyKey {
        &self.name.1
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        lock(&self.reserved).remove(&self.name);
    }
}

/// Nothing panics while the lock is held.
fn lock(names: &Mutex<HashSet<Name>>) -> MutexGuard<'_, HashSet<Name>> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_reserved_once_for_each_caller_until_it_is_given_back() {
        let reservations = Reservations::default();
        let reserve = |caller| reservations.reserve(caller, "order-7".parse().expect("a key"));
        let first = reserve(None).expect("free");
        assert!(matches!(reserve(None), Err(FrontendError::KeyInUse)));
        assert!(reserve(Some(KeyId([1; 8]))).is_ok(), "another caller's");
        drop(first);
        assert!(reserve(None).is_ok());
    }
}
