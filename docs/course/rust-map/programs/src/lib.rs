//! What the small servers of the map have in common, so that each shows its own idea and nothing else.

pub mod clients;
pub mod counters;
pub mod event;
pub mod executor;
pub mod json;
pub mod lanes;
pub mod lines;
pub mod owners;
pub mod replies;
pub mod settings;
pub mod signals;
