//! refused: E0596
//! `Arc` shares, and what is shared is only looked at.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

fn main() {
    let table = Arc::new(HashMap::from([("alice", 100)]));
    for _ in 0..2 {
        let table = Arc::clone(&table);
        thread::spawn(move || table.insert("alice", 101));
    }
}
