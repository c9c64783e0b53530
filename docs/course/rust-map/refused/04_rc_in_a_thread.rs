//! refused: E0277
//! What is right for the tasks of one thread is kept out of a second one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::thread;

fn main() {
    let balances = Rc::new(RefCell::new(HashMap::from([("alice", 100)])));
    let theirs = Rc::clone(&balances);
    thread::spawn(move || theirs.borrow_mut().insert("alice", 70));
    println!("{:?}", balances.borrow());
}
