//! What the programs on tokio have in common.

pub mod actors;
pub mod conversation;
