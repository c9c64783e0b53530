//! Step 9: it counts, and says so when it is asked. No lock is taken for that, nor for the balances. WRONG ON PURPOSE, as
//! step 9 is: nobody takes Ctrl+C, so what is queued then is lost.

use std::io::Result;
use std::sync::Arc;
use tally_rust_map::clients::serve_each;
use tally_rust_map::counters::Counters;
use tally_rust_map::event::Request;
use tally_rust_map::owners::Owners;
use tally_rust_map::replies::{rejected, status, Reply};
use tally_rust_map::settings::listen;

fn answer(request: Request, owners: &Owners, counters: &Counters) -> Reply {
    match request {
        Request::Event(event) => {
            counters.received.one_more();
            owners.accept(event).unwrap_or_else(|| {
                counters.dropped.one_more();
                Reply::Now(rejected("server_busy"))
            })
        }
        Request::Balance(user) => owners.ask(user),
        Request::Metrics => Reply::Now(counters.line()),
        Request::Health => Reply::Now(status("ok")),
    }
}

fn main() -> Result<()> {
    let counters = Arc::new(Counters::default());
    let owners = Arc::new(Owners::start(&counters));
    serve_each(listen()?, || {
        let (owners, counters) = (Arc::clone(&owners), Arc::clone(&counters));
        move |request| answer(request, &owners, &counters)
    })
}
