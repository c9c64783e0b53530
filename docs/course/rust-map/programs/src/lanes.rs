//! A lane: a bounded queue, and the one thread that takes events out of it and applies them.

use crate::event::{Event, Request, Wrong};
use crate::replies::{error, rejected, status, Outcome, Reply};
use crate::settings::setting;
use std::sync::mpsc::{channel, sync_channel, Sender, SyncSender};
use std::thread;

struct Task {
    user: String,
    /// 0: only asks.
    amount: i64,
    answer: Option<Sender<Outcome>>,
}

/// Cloned for each client: `mpsc` means many producers, one consumer.
#[derive(Clone)]
pub struct Lane(SyncSender<Task>);

impl Lane {
    pub fn start(mut apply: impl FnMut(&str, i64) -> Outcome + Send + 'static) -> Lane {
        let (sender, tasks) = sync_channel::<Task>(setting("QUEUE", 1024) as usize);
        thread::spawn(move || {
            // Ends when the queue is empty and its last sender is gone.
            for task in tasks {
                let outcome = apply(&task.user, task.amount);
                // Whoever asked may have left.
                let _ = task.answer.map(|answer| answer.send(outcome));
            }
        });
        Lane(sender)
    }

    pub fn answer(&self, request: Request) -> Reply {
        match request {
            Request::Event(event) => {
                self.accept(event).unwrap_or_else(|| Reply::Now(rejected("server_busy")))
            }
            Request::Balance(user) => self.ask(user),
            Request::Health => Reply::Now(status("ok")),
            Request::Metrics => Reply::Now(error(Wrong::UnknownType)),
        }
    }

    /// Never waits: there is room, or there is none. `None` also if the worker has died: then its receiver is gone.
    pub fn accept(&self, Event { user, amount, wait }: Event) -> Option<Reply> {
        let (answer, later) = wait.then(channel).unzip();
        self.0.try_send(Task { user, amount, answer }).ok()?;
        Some(later.map_or_else(|| Reply::Now(status("accepted")), Reply::Later))
    }

    /// Behind everything that was accepted before. Waits for room: only this client does.
    pub fn ask(&self, user: String) -> Reply {
        let (answer, later) = channel();
        // If the worker is gone, so is the sender in the task, and `later` says so.
        let _ = self.0.send(Task { user, amount: 0, answer: Some(answer) });
        Reply::Later(later)
    }
}
