//! refused: E0596
//! Many may hold a read lock at a time, so nobody can change anything through one.

use std::collections::HashMap;
use std::sync::RwLock;

fn main() {
    let shard = RwLock::new(HashMap::from([("alice", 100)]));
    shard.read().unwrap().insert("alice", 101);
}
