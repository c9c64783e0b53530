//! Step 10 mended: on Ctrl+C nothing new, everything applied, everybody gone; and every wait has a limit.

use std::io::Result;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tally_rust_map::clients::Guests;
use tally_rust_map::counters::Counters;
use tally_rust_map::event::Request;
use tally_rust_map::owners::Owners;
use tally_rust_map::replies::{rejected, status, Reply};
use tally_rust_map::settings::{listen, setting};
use tally_rust_map::signals::{take_ctrl_c, IS_DRAINING};

struct Server {
    owners: Owners,
    counters: Arc<Counters>,
}

impl Server {
    fn answer(&self, request: Request) -> Reply {
        match request {
            Request::Event(event) => {
                // First the count, then the look; `main` does it the other way round. One of the two sees the other.
                self.counters.received.one_more();
                let is_draining = IS_DRAINING.load(SeqCst);
                let reply = if is_draining { None } else { self.owners.accept(event) };
                reply.unwrap_or_else(|| {
                    self.counters.dropped.one_more();
                    Reply::Now(rejected(if is_draining { "shutting_down" } else { "server_busy" }))
                })
            }
            Request::Balance(user) => self.owners.ask(user),
            Request::Metrics => Reply::Now(self.counters.line()),
            Request::Health => Reply::Now(status(if IS_DRAINING.load(SeqCst) { "draining" } else { "ok" })),
        }
    }
}

fn wait_until(limit_ms: u64, is_over: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_millis(limit_ms);
    while !is_over() && Instant::now() < deadline {
        sleep(Duration::from_millis(2));
    }
}

fn main() -> Result<()> {
    take_ctrl_c();
    let counters = Arc::new(Counters::default());
    let server = Arc::new(Server { owners: Owners::start(&counters), counters });
    let (guests, listener) = (Arc::new(Guests::default()), listen()?);
    listener.set_nonblocking(true)?;
    for number in 0.. {
        match listener.accept() {
            _ if IS_DRAINING.load(SeqCst) => break,
            Ok((stream, _)) => {
                let server = Arc::clone(&server);
                guests.welcome(number, stream, move |request| server.answer(request))?;
            }
            Err(_nobody) => sleep(Duration::from_millis(2)),
        }
    }
    drop(listener); // nobody new
    wait_until(setting("DRAIN_MS", 30_000), || server.counters.all_done());
    guests.hang_up();
    wait_until(setting("GRACE_MS", 1_000), || guests.are_gone());
    print!("stopped: {}", server.counters.line());
    Ok(()) // `main` returns, and the process ends: nobody waits for threads that are still running
}
