//! Judges a line: what is asked, or what is wrong with it. The contract is steps/00-contract.

use crate::json::{self, Value};
use crate::lines::{Line, TooLong};

/// 2^53 - 1, the greatest integer that every client can hold.
pub const AMOUNT_MAX: i64 = (1 << 53) - 1;
const USER_BYTES_MAX: usize = 128;

pub struct Event {
    pub user: String,
    /// Negative: sell.
    pub amount: i64,
    pub wait: bool,
}

pub enum Request {
    Event(Event),
    Balance(String),
    Metrics,
    Health,
}

pub enum Wrong {
    InvalidJson,
    InvalidEvent,
    UnknownType,
    LineTooLong,
}

/// The sum, or nothing if it would leave the range.
pub fn add(balance: i64, amount: i64) -> Option<i64> {
    Some(balance + amount).filter(|sum| sum.abs() <= AMOUNT_MAX)
}

pub fn judge(line: Result<Line, TooLong>) -> Result<Request, Wrong> {
    let line = line.map_err(|TooLong| Wrong::LineTooLong)?;
    let fields = json::fields(line.bytes()).map_err(|json::NotJson| Wrong::InvalidJson)?;
    let fields = fields.ok_or(Wrong::InvalidEvent)?;
    // `Ok(None)`: the field is not there. A known field that comes twice is an error.
    let field = |name: &str| {
        let mut found = fields.iter().filter(|field| field.0.as_deref() == Some(name)).map(|field| &field.1);
        let first = found.next();
        if found.next().is_some() {
            Err(Wrong::InvalidEvent)
        } else {
            Ok(first)
        }
    };
    let user = || match field("user")? {
        Some(Value::Text(Some(name))) if (1..=USER_BYTES_MAX).contains(&name.len()) => Ok(name.clone()),
        _ => Err(Wrong::InvalidEvent),
    };
    match field("type")? {
        None => {}
        Some(Value::Text(Some(name))) => {
            return match name.as_str() {
                "balance" => Ok(Request::Balance(user()?)),
                "metrics" => field("detail").map(|_| Request::Metrics),
                "health" => Ok(Request::Health),
                _ => Err(Wrong::UnknownType),
            };
        }
        Some(Value::Text(None)) => return Err(Wrong::UnknownType),
        Some(_) => return Err(Wrong::InvalidEvent),
    }
    let sign = match field("action")? {
        Some(Value::Text(Some(action))) if action == "buy" => 1,
        Some(Value::Text(Some(action))) if action == "sell" => -1,
        _ => return Err(Wrong::InvalidEvent),
    };
    let amount = match field("amount")? {
        Some(&Value::Number(amount))
            if amount.fract() == 0.0 && (1.0..=AMOUNT_MAX as f64).contains(&amount) =>
        {
            sign * amount as i64
        }
        _ => return Err(Wrong::InvalidEvent),
    };
    let wait = match field("wait")? {
        None => false,
        Some(&Value::Flag(wait)) => wait,
        _ => return Err(Wrong::InvalidEvent),
    };
    Ok(Request::Event(Event { user: user()?, amount, wait }))
}
