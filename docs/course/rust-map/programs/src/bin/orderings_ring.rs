//! Tally's ring, in safe Rust: one producer, one consumer, and the least ordering that is right.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::*};
use std::sync::Arc;
use std::thread::scope;

const EVENTS: u64 = 1_000_000;

struct Ring {
    slots: Box<[AtomicU64]>,
    head: Line,
    tail: Line,
}

/// Each on a cache line of its own, for each has another writer.
#[repr(align(128))]
struct Line(AtomicUsize);

/// No `Clone`, and `&mut self` to push: that there is one producer is not a comment, it is checked.
struct Producer {
    ring: Arc<Ring>,
    tail: usize,
}

struct Consumer {
    ring: Arc<Ring>,
    head: usize,
}

impl Producer {
    fn try_push(&mut self, event: u64) -> Result<(), u64> {
        let ring = &*self.ring;
        // Acquire: the consumer has read the slots below this head, so they may be written again.
        if self.tail.wrapping_sub(ring.head.0.load(Acquire)) == ring.slots.len() {
            return Err(event);
        }
        // Relaxed: nobody looks at this slot before the next line.
        ring.slots[self.tail & (ring.slots.len() - 1)].store(event, Relaxed);
        self.tail = self.tail.wrapping_add(1);
        // Release: whoever sees this tail sees the slot, too.
        ring.tail.0.store(self.tail, Release);
        Ok(())
    }
}

impl Consumer {
    fn try_pop(&mut self) -> Option<u64> {
        let ring = &*self.ring;
        if self.head == ring.tail.0.load(Acquire) {
            return None;
        }
        let event = ring.slots[self.head & (ring.slots.len() - 1)].load(Relaxed);
        self.head = self.head.wrapping_add(1);
        // Release: the slot was read before it is given back.
        ring.head.0.store(self.head, Release);
        Some(event)
    }
}

fn ring(slots: usize) -> (Producer, Consumer) {
    assert!(slots.is_power_of_two(), "{slots} is not a power of two");
    let [head, tail] = [0, 0].map(|start| Line(AtomicUsize::new(start)));
    let ring = Arc::new(Ring { slots: (0..slots).map(|_| AtomicU64::new(0)).collect(), head, tail });
    (Producer { ring: Arc::clone(&ring), tail: 0 }, Consumer { ring, head: 0 })
}

fn main() {
    let (mut producer, mut consumer) = ring(1024);
    scope(|scope| {
        scope.spawn(|| {
            for event in 1..=EVENTS {
                while producer.try_push(event).is_err() {}
            }
        });
        for event in 1..=EVENTS {
            assert_eq!(event, std::iter::repeat_with(|| consumer.try_pop()).find_map(|came| came).unwrap());
        }
    });
    println!("{EVENTS} events came, each in its place");
}
