//! Step 4 on tokio, with THREADS threads (1). WRONG ON PURPOSE: `pause` blocks a thread of the executor. One heavy client
//! takes one; the others steal what waits behind it.

use std::collections::HashMap;
use std::io::Result;
use std::sync::{Arc, Mutex};
use tally_rust_map::event::{add, Request, Wrong};
use tally_rust_map::replies::{balance, error, status};
use tally_rust_map::settings::{listen, pause, setting};
use tally_rust_map_crates::conversation::converse;
use tokio::net::TcpListener;

/// `Arc` and `Mutex` now, where one thread could do with `Rc` and `RefCell`: tasks move between threads.
type Balances = Arc<Mutex<HashMap<String, i64>>>;

fn answer(request: Request, balances: &Balances) -> String {
    match request {
        Request::Event(event) => {
            pause(setting("WORK_US", 0)); // tokio::task::spawn_blocking, or tokio::time::sleep, would be right
            let mut balances = balances.lock().unwrap();
            let sum = add(*balances.get(&event.user).unwrap_or(&0), event.amount);
            if let Some(sum) = sum {
                balances.insert(event.user, sum);
            }
            balance(sum)
        }
        Request::Balance(user) => balance(Some(*balances.lock().unwrap().get(&user).unwrap_or(&0))),
        Request::Health => status("ok"),
        Request::Metrics => error(Wrong::UnknownType),
    }
}

async fn serve() -> Result<()> {
    let listener = listen()?;
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let balances = Balances::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let balances = Arc::clone(&balances);
        tokio::spawn(converse(stream, move |request| std::future::ready(answer(request, &balances))));
    }
}

fn main() -> Result<()> {
    let threads = setting("THREADS", 1) as usize;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    // `block_on` runs on this thread, which is none of the executor's: the server is a task among them.
    runtime.block_on(async { tokio::spawn(serve()).await.expect("the server does not panic") })
}
