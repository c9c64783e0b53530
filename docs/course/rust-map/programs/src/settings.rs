//! What a server is started with. Tally's witnesses say it in the environment: PORT, QUEUE, WORKERS, WORK_US, WINDOW_US.

use std::io::Result;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

pub fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

pub fn listen() -> Result<TcpListener> {
    let port = setting("PORT", 7878);
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    println!("listening on 127.0.0.1:{port}");
    Ok(listener)
}

/// What an event costs, in µs, spent sleeping: this thread is away for so long.
pub fn pause(micros: u64) {
    if micros > 0 {
        thread::sleep(Duration::from_micros(micros));
    }
}
