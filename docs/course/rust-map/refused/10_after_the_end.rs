//! refused: E0382
//! To close is to give away. An event behind Ctrl+C has no queue to go to.

use std::sync::mpsc::sync_channel;

fn main() {
    let (queue, events) = sync_channel::<i64>(16);
    queue.send(100).unwrap();
    drop(queue);
    queue.send(1).unwrap();
    println!("{}", events.iter().sum::<i64>());
}
