//! A user belongs to one worker, and with it its events and its balance. Nothing is shared, so there is nothing to lock.

use crate::counters::Counters;
use crate::event::{add, Event};
use crate::lanes::Lane;
use crate::replies::Reply;
use crate::settings::{pause, setting};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

pub struct Owners {
    lanes: Vec<Lane>,
    hasher: RandomState,
}

impl Owners {
    pub fn start(counters: &Arc<Counters>) -> Owners {
        let (work_us, window_us) = (setting("WORK_US", 0), setting("WINDOW_US", 0));
        let start_worker = |_| {
            let counters = Arc::clone(counters);
            // Moves into the worker: nobody else can even name it.
            let mut balances = HashMap::<String, i64>::new();
            Lane::start(move |user, amount| {
                let balance = *balances.get(user).unwrap_or(&0);
                if amount == 0 {
                    return Some(balance);
                }
                pause(work_us + window_us);
                let sum = add(balance, amount);
                if let Some(sum) = sum {
                    balances.insert(user.to_owned(), sum);
                }
                if sum.is_some() { &counters.processed } else { &counters.dropped }.one_more();
                sum
            })
        };
        Owners { lanes: (0..setting("WORKERS", 4)).map(start_worker).collect(), hasher: RandomState::new() }
    }

    fn owner_of(&self, user: &str) -> &Lane {
        &self.lanes[self.hasher.hash_one(user) as usize % self.lanes.len()]
    }

    /// `None`: there is no room.
    pub fn accept(&self, event: Event) -> Option<Reply> {
        self.owner_of(&event.user).accept(event)
    }

    pub fn ask(&self, user: String) -> Reply {
        self.owner_of(&user).ask(user)
    }
}
