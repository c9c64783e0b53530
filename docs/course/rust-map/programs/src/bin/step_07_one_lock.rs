//! Step 7: one `Mutex` around the table. Nothing is lost. WRONG ON PURPOSE: the guard lives until the end of the block,
//! and the work is done inside it, so that eight workers get no more done than one.

use std::collections::HashMap;
use std::io::Result;
use std::sync::{Arc, Mutex, PoisonError};
use tally_rust_map::clients::serve_each;
use tally_rust_map::event::add;
use tally_rust_map::lanes::Lane;
use tally_rust_map::settings::{listen, pause, setting};

fn main() -> Result<()> {
    let (work_us, window_us) = (setting("WORK_US", 0), setting("WINDOW_US", 0));
    let table = Arc::new(Mutex::new(HashMap::<String, i64>::new()));
    let start_worker = |_| {
        let table = Arc::clone(&table);
        Lane::start(move |user, amount| {
            if amount != 0 {
                pause(work_us);
            }
            // A worker that panicked with the lock has given it back, and poisoned it. Here that does no harm: the
            // only write is the last thing that happens under the lock, so the table is whole.
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            let balance = *table.get(user).unwrap_or(&0);
            if amount == 0 {
                return Some(balance);
            }
            pause(window_us);
            let sum = add(balance, amount)?;
            table.insert(user.to_owned(), sum);
            Some(sum)
        })
    };
    let lanes: Vec<Lane> = (0..setting("WORKERS", 4)).map(start_worker).collect();
    let mut in_turn = lanes.iter().cycle();
    serve_each(listen()?, || {
        let lane = in_turn.next().unwrap().clone();
        move |request| lane.answer(request)
    })
}
