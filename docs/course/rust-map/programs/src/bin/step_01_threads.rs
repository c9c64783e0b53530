//! Step 1 mended the way that Rust offers and Node does not: blocking calls, and a thread for each client.

use std::io::{Read, Result, Write};
use std::net::TcpStream;
use std::thread;
use tally_rust_map::settings::listen;

fn echo(mut stream: TcpStream) -> Result<()> {
    let mut packet = [0; 65_536];
    loop {
        let length = stream.read(&mut packet)?; // blocks this thread, and nobody stands behind it
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&packet[..length])?; // so does this: a client that does not read is read no more
    }
}

fn main() -> Result<()> {
    for stream in listen()?.incoming() {
        let stream = stream?;
        // `move` gives the stream away. This loop cannot touch it any more, and cannot forget to close it.
        thread::spawn(move || {
            if let Err(error) = echo(stream) {
                println!("lost a client: {error}");
            }
        });
    }
    Ok(())
}
