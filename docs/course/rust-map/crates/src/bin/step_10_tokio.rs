//! Step 10 mended, on tokio: signals are futures, and any wait can be given a limit from outside.

use std::io::Result;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Duration;
use tally_rust_map::counters::Counters;
use tally_rust_map::event::Request;
use tally_rust_map::replies::{rejected, status};
use tally_rust_map::settings::{listen, setting};
use tally_rust_map_crates::{actors::Actors, conversation::converse};
use tokio::net::TcpListener;
use tokio::signal::unix::{signal, SignalKind};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

struct Server {
    actors: Actors,
    counters: Arc<Counters>,
    is_draining: AtomicBool,
}

impl Server {
    async fn answer(&self, request: Request) -> String {
        match request {
            Request::Event(event) => {
                self.counters.received.one_more();
                let is_draining = self.is_draining.load(SeqCst);
                let reply = if is_draining { None } else { self.actors.accept(event).await };
                reply.unwrap_or_else(|| {
                    self.counters.dropped.one_more();
                    rejected(if is_draining { "shutting_down" } else { "server_busy" })
                })
            }
            Request::Balance(user) => self.actors.ask(user).await.unwrap_or_default(),
            Request::Metrics => self.counters.line(),
            Request::Health => status(if self.is_draining.load(SeqCst) { "draining" } else { "ok" }),
        }
    }
}

async fn drain(counters: &Counters) {
    while !counters.all_done() {
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let counters = Arc::new(Counters::default());
    let (actors, is_draining) = (Actors::start(&counters), AtomicBool::new(false));
    let server = Arc::new(Server { actors, counters, is_draining });
    let listener = listen()?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            Ok((stream, _)) = listener.accept() => {
                let server = Arc::clone(&server);
                clients.spawn(converse(stream, move |request| {
                    let server = Arc::clone(&server);
                    async move { server.answer(request).await }
                }));
            }
            Some(_left) = clients.join_next() => {} // or those who have gone are kept
        }
    }
    server.is_draining.store(true, SeqCst);
    drop(listener); // nobody new
    let _all_applied =
        timeout(Duration::from_millis(setting("DRAIN_MS", 30_000)), drain(&server.counters)).await;
    sleep(Duration::from_millis(setting("GRACE_MS", 100))).await; // the last answers are on their way
    clients.shutdown().await; // every task is dropped where it awaits, and its socket with it
    print!("stopped: {}", server.counters.line());
    Ok(())
}
