//! The reply lines of the contract, and what an answer may be: known now, or later.

use crate::event::Wrong;
use std::sync::mpsc::Receiver;

/// The balance after an event. `None`: it would have left its range, and the event was not applied.
pub type Outcome = Option<i64>;

pub enum Reply {
    Now(String),
    /// Somebody else will say it. What was answered before is sent first.
    Later(Receiver<Outcome>),
}

pub fn status(word: &str) -> String {
    format!("{{\"status\":\"{word}\"}}\n")
}

pub fn rejected(reason: &str) -> String {
    format!("{{\"status\":\"rejected\",\"reason\":\"{reason}\"}}\n")
}

pub fn error(wrong: Wrong) -> String {
    let reason = match wrong {
        Wrong::InvalidJson => "invalid_json",
        Wrong::InvalidEvent => "invalid_event",
        Wrong::UnknownType => "unknown_type",
        Wrong::LineTooLong => "line_too_long",
    };
    format!("{{\"status\":\"error\",\"reason\":\"{reason}\"}}\n")
}

pub fn balance(outcome: Outcome) -> String {
    match outcome {
        Some(balance) => format!("{{\"status\":\"ok\",\"balance\":{balance}}}\n"),
        None => rejected("balance_overflow"),
    }
}
