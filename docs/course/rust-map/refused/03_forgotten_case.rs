//! refused: E0004
//! Step 4 adds a kind of request. Every place that must know of it is named.

enum Request {
    Event { amount: i64 },
    Balance,
    Health,
}

fn answer(request: Request) -> String {
    match request {
        Request::Event { amount } => format!("accepted {amount}"),
        Request::Health => "ok".to_owned(),
    }
}

fn main() {
    for request in [Request::Event { amount: 1 }, Request::Balance, Request::Health] {
        println!("{}", answer(request));
    }
}
