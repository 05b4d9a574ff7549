//! The connections whose senders owe bytes, the longest-waiting first: that one is closed if there are too many.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Which connections wait, in the order in which they began to.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    by_age: BTreeMap<u64, Arc<Notify>>,
}

/// A connection's place among those that wait; dropping it frees the place.
#[derive(Debug)]
pub struct Place<'a> {
    waiting: &'a Waiting,
    number: Option<u64>,
    gives_way: Arc<Notify>,
}

impl Waiting {
    /// A place for a connection; it begins to wait now.
    pub fn place(&self) -> Place<'_> {
        let mut place = Place { waiting: self, number: None, gives_way: Arc::default() };
        place.wait();
        place
    }

    /// Requests the longest-waiting connection to close; false if none waits.
    pub fn close_oldest(&self) -> bool {
        let oldest = self.queue().by_age.pop_first();
        oldest.is_some_and(|(_, gives_way)| {
            gives_way.notify_one();
            true
        })
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Whether the sender owes bytes.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.number.is_some()
    }

    /// The sender owes bytes from now on, if it did not before.
    pub fn wait(&mut self) {
        if self.waits() {
            return;
        }
        let mut queue = self.waiting.queue();
        let number = queue.next;
        queue.next += 1;
        queue.by_age.insert(number, self.gives_way.clone());
        self.number = Some(number);
    }

    /// The sender owes nothing for now.
    pub fn work(&mut self) {
        if let Some(number) = self.number.take() {
            self.waiting.queue().by_age.remove(&number);
        }
    }

    /// Returns when this connection must close.
    pub async fn must_close(&self) {
        self.gives_way.notified().await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.work();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn the_longest_waiting_gives_way_and_who_works_does_not() {
        let waiting = Waiting::default();
        let (mut first, second, mut third) = (waiting.place(), waiting.place(), waiting.place());
        first.work();
        assert!(waiting.close_oldest());
        assert!(second.must_close().now_or_never().is_some());
        first.wait();
        third.work();
        assert!(waiting.close_oldest());
        assert!(first.must_close().now_or_never().is_some());
        assert!(third.must_close().now_or_never().is_none());
        drop(second);
        assert!(!waiting.close_oldest(), "nobody waits");
    }
}
