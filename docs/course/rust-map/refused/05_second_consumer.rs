//! refused: E0277
//! `mpsc` means a single consumer: a receiver is not shared, not even by reference.

use std::sync::mpsc::sync_channel;
use std::thread;

fn main() {
    let (queue, events) = sync_channel::<i64>(16);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| println!("{:?}", events.recv()));
        }
        queue.send(100).unwrap();
    });
}
