//! refused: E0373
//! Without `move` the thread would borrow a stream that this loop closes while the thread still reads it.

use std::io::{Read, Result};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn serve(mut stream: &TcpStream) -> Result<usize> {
    stream.read(&mut [0; 1024])
}

fn main() -> Result<()> {
    for stream in TcpListener::bind("127.0.0.1:0")?.incoming() {
        let stream = stream?;
        thread::spawn(|| serve(&stream));
    }
    Ok(())
}
