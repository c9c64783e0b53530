//! refused: unused_must_use
//! In Node a promise that nobody awaits does its work all the same. A future does nothing.

async fn apply(amount: i64) -> i64 {
    amount
}

async fn serve() {
    apply(100);
}

fn main() {
    drop(serve());
}
