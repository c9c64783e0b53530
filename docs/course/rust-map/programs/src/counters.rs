//! What was received, processed and dropped, counted from many threads without a lock.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// On cache lines of its own, so that who counts one does not slow down who counts another.
#[derive(Default)]
#[repr(align(128))]
pub struct Count(AtomicU64);

#[derive(Default)]
pub struct Counters {
    /// Every well-formed event. Counted before anything else is done with it.
    pub received: Count,
    pub processed: Count,
    pub dropped: Count,
}

impl Count {
    /// `Relaxed` would do for a number that only people look at. From these, programs conclude: that nothing is queued
    /// any more (step 10), which takes `SeqCst`. On x86-64 it is the same instruction.
    pub fn one_more(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    fn now(&self) -> u64 {
        self.0.load(SeqCst)
    }
}

impl Counters {
    /// `received` last: whatever is among the other two was received before, so their sum is never more than it.
    pub fn read(&self) -> [u64; 3] {
        let (processed, dropped) = (self.processed.now(), self.dropped.now());
        [self.received.now(), processed, dropped]
    }

    /// Nothing is queued: nobody is between counting an event as received and having seen to it.
    pub fn all_done(&self) -> bool {
        let [received, processed, dropped] = self.read();
        received == processed + dropped
    }

    pub fn line(&self) -> String {
        let [received, processed, dropped] = self.read();
        format!("{{\"received\":{received},\"processed\":{processed},\"dropped\":{dropped}}}\n")
    }
}
