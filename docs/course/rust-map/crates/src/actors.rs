//! A worker as a task: it owns the balances of its users, and a bounded queue stands before it.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;
use tally_rust_map::counters::Counters;
use tally_rust_map::event::{add, Event};
use tally_rust_map::replies::{balance, status, Outcome};
use tally_rust_map::settings::setting;
use tokio::sync::{mpsc, oneshot};

struct Task {
    user: String,
    /// 0: only asks.
    amount: i64,
    answer: Option<oneshot::Sender<Outcome>>,
}

pub struct Actors {
    queues: Vec<mpsc::Sender<Task>>,
    hasher: RandomState,
}

async fn act(mut tasks: mpsc::Receiver<Task>, counters: Arc<Counters>) {
    let cost = Duration::from_micros(setting("WORK_US", 0) + setting("WINDOW_US", 0));
    let mut balances = HashMap::<String, i64>::new();
    while let Some(Task { user, amount, answer }) = tasks.recv().await {
        let mut outcome = Some(*balances.get(&user).unwrap_or(&0));
        if amount != 0 {
            tokio::time::sleep(cost).await; // the task sleeps, and not the thread
            outcome = outcome.and_then(|balance| add(balance, amount));
            match outcome {
                Some(sum) => drop(balances.insert(user, sum)),
                None => counters.dropped.one_more(),
            }
            if outcome.is_some() {
                counters.processed.one_more();
            }
        }
        let _ = answer.map(|answer| answer.send(outcome));
    }
}

impl Actors {
    pub fn start(counters: &Arc<Counters>) -> Actors {
        let start_actor = |_| {
            let (sender, receiver) = mpsc::channel(setting("QUEUE", 1024) as usize);
            tokio::spawn(act(receiver, Arc::clone(counters)));
            sender
        };
        Actors { queues: (0..setting("WORKERS", 4)).map(start_actor).collect(), hasher: RandomState::new() }
    }

    fn owner_of(&self, user: &str) -> &mpsc::Sender<Task> {
        &self.queues[self.hasher.hash_one(user) as usize % self.queues.len()]
    }

    /// `None`: there is no room.
    pub async fn accept(&self, Event { user, amount, wait }: Event) -> Option<String> {
        let (answer, later) = wait.then(oneshot::channel).unzip();
        self.owner_of(&user).try_send(Task { user: user.clone(), amount, answer }).ok()?;
        match later {
            None => Some(status("accepted")),
            Some(later) => later.await.ok().map(balance),
        }
    }

    /// Waits for room in the queue, and then for the answer.
    pub async fn ask(&self, user: String) -> Option<String> {
        let (answer, later) = oneshot::channel();
        let task = Task { user: user.clone(), amount: 0, answer: Some(answer) };
        self.owner_of(&user).send(task).await.ok()?;
        later.await.ok().map(balance)
    }
}
