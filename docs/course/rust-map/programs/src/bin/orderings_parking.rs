//! Sleeping without losing a wake-up, and waking only whoever sleeps. `thread::park` brings the bell with it: an `unpark`
//! that comes too early is kept, and the next `park` returns at once.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{park, scope};
use std::time::Duration;

const EVENTS: u64 = 100_000;

fn main() {
    let (tail, is_resting) = (AtomicU64::new(0), AtomicBool::new(false));
    let (mut parks, mut rings) = (0, 0);
    scope(|scope| {
        let worker = scope.spawn(|| {
            let mut head = 0;
            while head < EVENTS {
                // Store, then look.
                is_resting.store(true, SeqCst);
                if tail.load(SeqCst) == head {
                    parks += 1;
                    park(); // it may also return for no reason: hence the loop
                }
                is_resting.store(false, SeqCst);
                head = tail.load(SeqCst);
            }
        });
        for event in 1..=EVENTS {
            // Store, then look: of the two stores one is first, so one of the two looks sees the other's store.
            tail.store(event, SeqCst);
            // `swap`: once a rest, however many events come before the worker is awake.
            if is_resting.load(SeqCst) && is_resting.swap(false, SeqCst) {
                rings += 1;
                worker.thread().unpark();
            }
            if event % 1_000 == 0 {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    });
    println!("{EVENTS} events, {parks} times parked, {rings} times rung for, and none was lost");
}
