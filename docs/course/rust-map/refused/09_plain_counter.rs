//! refused: E0594
//! A number that all threads see, and that is no atomic, is a constant.

use std::thread;

static RECEIVED: u64 = 0;

fn main() {
    thread::spawn(|| RECEIVED += 1).join().unwrap();
    println!("{RECEIVED}");
}
