//! refused: E0716
//! The lock is given back at the end of the first line, and the balance would be looked at behind it.

use std::collections::HashMap;
use std::sync::Mutex;

fn main() {
    let table = Mutex::new(HashMap::from([("alice", 100)]));
    let balance = table.lock().unwrap().get_mut("alice").unwrap();
    *balance += 1;
}
