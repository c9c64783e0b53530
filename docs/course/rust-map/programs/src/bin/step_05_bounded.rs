//! Step 5: a bounded queue, and one thread behind it that owns the balances. WRONG ON PURPOSE, as step 5 is: what
//! exceeds one thread is refused.

use std::collections::HashMap;
use std::io::Result;
use tally_rust_map::clients::serve_each;
use tally_rust_map::event::add;
use tally_rust_map::lanes::Lane;
use tally_rust_map::settings::{listen, pause, setting};

fn main() -> Result<()> {
    let work_us = setting("WORK_US", 0);
    // Moves into the worker: nobody else can even name it. A single owner needs no lock.
    let mut balances = HashMap::<String, i64>::new();
    let lane = Lane::start(move |user, amount| {
        let balance = *balances.get(user).unwrap_or(&0);
        if amount == 0 {
            return Some(balance);
        }
        pause(work_us);
        let sum = add(balance, amount)?;
        balances.insert(user.to_owned(), sum);
        Some(sum)
    });
    serve_each(listen()?, || {
        let lane = lane.clone();
        move |request| lane.answer(request)
    })
}
