//! Step 6: several workers, one table of atomics. It compiles, no `unsafe` anywhere, no data race. WRONG ON PURPOSE: an
//! atomic load and an atomic store are two operations, and updates get lost between them. ADD_AT_ONCE=1 mends it.

use std::collections::HashMap;
use std::io::Result;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use tally_rust_map::clients::serve_each;
use tally_rust_map::event::add;
use tally_rust_map::lanes::Lane;
use tally_rust_map::replies::Outcome;
use tally_rust_map::settings::{listen, pause, setting};

/// The row of each user. The lock guards the names only: what is in a row is changed without it.
type Rows = Mutex<HashMap<String, Arc<AtomicI64>>>;

fn row_of(rows: &Rows, user: &str) -> Arc<AtomicI64> {
    Arc::clone(rows.lock().unwrap().entry(user.to_owned()).or_default())
}

fn add_in_two_steps(row: &AtomicI64, amount: i64, window_us: u64) -> Outcome {
    let before = row.load(Relaxed);
    // If another thread changes the row here, the store undoes it. SeqCst would not help.
    pause(window_us);
    let sum = add(before, amount)?;
    row.store(sum, Relaxed);
    Some(sum)
}

/// Reads, adds, and writes only if nobody was faster; if somebody was, it begins again.
fn add_at_once(row: &AtomicI64, amount: i64) -> Outcome {
    let before = row.fetch_update(Relaxed, Relaxed, |balance| add(balance, amount)).ok()?;
    Some(before + amount)
}

fn main() -> Result<()> {
    let [work_us, window_us, at_once] = ["WORK_US", "WINDOW_US", "ADD_AT_ONCE"].map(|name| setting(name, 0));
    let rows = Arc::new(Rows::default());
    let start_worker = |_| {
        let rows = Arc::clone(&rows);
        Lane::start(move |user, amount| {
            let row = row_of(&rows, user);
            match amount {
                0 => return Some(row.load(Relaxed)),
                _ => pause(work_us),
            }
            if at_once == 1 {
                add_at_once(&row, amount)
            } else {
                add_in_two_steps(&row, amount, window_us)
            }
        })
    };
    let lanes: Vec<Lane> = (0..setting("WORKERS", 4)).map(start_worker).collect();
    // All events of a connection go to one worker, and so stay in order.
    let mut in_turn = lanes.iter().cycle();
    serve_each(listen()?, || {
        let lane = in_turn.next().unwrap().clone();
        move |request| lane.answer(request)
    })
}
