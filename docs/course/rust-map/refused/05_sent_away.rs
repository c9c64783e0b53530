//! refused: E0382
//! What was sent is the worker's. `postMessage` copies instead, or detaches an `ArrayBuffer` at run time.

use std::sync::mpsc::sync_channel;

fn main() {
    let (queue, events) = sync_channel::<String>(16);
    let user = String::from("alice");
    queue.try_send(user).unwrap();
    println!("accepted from {user}");
    println!("{:?}", events.recv());
}
