//! Step 4: everything on one thread, so the balances need no lock. WRONG ON PURPOSE, as step 4 is: what an event costs,
//! it costs everybody, for `pause` blocks the thread and not the task.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Result;
use std::rc::Rc;
use tally_rust_map::event::{add, judge, Request, Wrong};
use tally_rust_map::executor::{serve_all, Socket};
use tally_rust_map::lines::Lines;
use tally_rust_map::replies::{balance, error, status};
use tally_rust_map::settings::{listen, pause, setting};

/// Shared by all tasks. `Rc` counts its owners without atomics, `RefCell` checks its borrows without a lock: neither
/// can go to another thread.
type Balances = Rc<RefCell<HashMap<String, i64>>>;

fn answer(request: Request, balances: &Balances) -> String {
    match request {
        Request::Event(event) => {
            pause(setting("WORK_US", 0));
            let mut balances = balances.borrow_mut();
            let sum = add(*balances.get(&event.user).unwrap_or(&0), event.amount);
            if let Some(sum) = sum {
                balances.insert(event.user, sum);
            }
            balance(sum)
        }
        Request::Balance(user) => balance(Some(*balances.borrow().get(&user).unwrap_or(&0))),
        Request::Health => status("ok"),
        Request::Metrics => error(Wrong::UnknownType),
    }
}

async fn serve(socket: Socket, balances: Balances) -> Result<()> {
    let (mut packet, mut lines) = (vec![0; 16_384], Lines::default());
    loop {
        let length = socket.read(&mut packet).await?;
        lines.feed(&packet[..length]);
        let mut replies = String::new();
        while let Some(line) = if length > 0 { lines.next_line() } else { lines.last_line() } {
            replies += &judge(line).map_or_else(error, |request| answer(request, &balances));
        }
        socket.write_all(replies.as_bytes()).await?;
        if length == 0 {
            return Ok(());
        }
    }
}

fn main() -> Result<()> {
    let balances = Balances::default();
    serve_all(listen()?, |socket| serve(socket, balances.clone()))
}
