//! Step 8 with crates: `DashMap` is the shards with their locks, and a crossbeam channel may have many receivers, so all
//! workers take from one queue.

use crossbeam_channel::{bounded, Sender};
use dashmap::DashMap;
use std::io::Result;
use std::sync::{mpsc, Arc};
use std::thread;
use tally_rust_map::clients::serve_each;
use tally_rust_map::event::{add, Event, Request, Wrong};
use tally_rust_map::replies::{error, rejected, status, Outcome, Reply};
use tally_rust_map::settings::{listen, pause, setting};

type Table = DashMap<String, i64>;
type Task = (Event, mpsc::Sender<Outcome>);

fn apply(table: &Table, event: Event, window_us: u64) -> Outcome {
    // The guard holds the lock of the whole shard. Another access to this map from this thread, now, could deadlock.
    let mut balance = table.entry(event.user).or_insert(0);
    pause(window_us);
    *balance = add(*balance, event.amount)?;
    Some(*balance)
}

fn answer(request: Request, queue: &Sender<Task>, table: &Table) -> Reply {
    match request {
        Request::Event(event) => {
            let (answer, later) = mpsc::channel();
            match queue.try_send((event, answer)) {
                Ok(()) => Reply::Later(later),
                Err(_full) => Reply::Now(rejected("server_busy")),
            }
        }
        // Every event of this client has been applied, or it would still wait for the reply. So any thread may look.
        Request::Balance(user) => {
            Reply::Now(tally_rust_map::replies::balance(table.get(&user).map_or(Some(0), |b| Some(*b))))
        }
        Request::Health => Reply::Now(status("ok")),
        Request::Metrics => Reply::Now(error(Wrong::UnknownType)),
    }
}

fn main() -> Result<()> {
    let (work_us, window_us) = (setting("WORK_US", 0), setting("WINDOW_US", 0));
    let workers = setting("WORKERS", 4) as usize;
    let table = Arc::new(Table::new());
    let (queue, tasks) = bounded::<Task>(workers * setting("QUEUE", 1024) as usize);
    for _ in 0..workers {
        let (table, tasks) = (Arc::clone(&table), tasks.clone());
        thread::spawn(move || {
            for (event, answer) in tasks {
                pause(work_us);
                let _ = answer.send(apply(&table, event, window_us));
            }
        });
    }
    serve_each(listen()?, || {
        let (queue, table) = (queue.clone(), Arc::clone(&table));
        move |request| answer(request, &queue, &table)
    })
}
