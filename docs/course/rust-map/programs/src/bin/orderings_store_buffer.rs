//! Two threads: each stores its own word, then loads the other's. May both miss the other's store? With Release and
//! Acquire they may, and on x86-64 they do. With SeqCst they may not. Parking stands or falls with it.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering, Ordering::*};
use std::thread::scope;

const ROUNDS: usize = 200_000;

/// Two words, on lines of their own, so that the two stores are two matters.
#[derive(Default)]
#[repr(align(128))]
struct Word(AtomicU32);

fn both_missed(store: Ordering, load: Ordering) -> usize {
    let words: Vec<[Word; 2]> = (0..ROUNDS).map(|_| Default::default()).collect();
    let arrived = AtomicUsize::new(0);
    let play = |own: usize| -> Vec<bool> {
        let round = |(number, pair): (usize, &[Word; 2])| {
            // Both begin a round at the same time, as near as can be.
            arrived.fetch_add(1, SeqCst);
            while arrived.load(SeqCst) < 2 * (number + 1) {
                std::hint::spin_loop();
            }
            pair[own].0.store(1, store);
            pair[1 - own].0.load(load) == 0
        };
        words.iter().enumerate().map(round).collect()
    };
    let (first, second) = scope(|scope| {
        let other = scope.spawn(|| play(1));
        (play(0), other.join().unwrap())
    });
    first.iter().zip(&second).filter(|(first, second)| **first && **second).count()
}

fn main() {
    println!("both missed the other's store, of {ROUNDS} rounds:");
    println!("  Release, Acquire  {}", both_missed(Release, Acquire));
    println!("  SeqCst, SeqCst    {}", both_missed(SeqCst, SeqCst));
}
