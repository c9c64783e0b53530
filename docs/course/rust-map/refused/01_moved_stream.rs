//! refused: E0382
//! The stream belongs to the client's thread now. Who gave it away cannot write to it as well.

use std::io::{Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

fn serve(mut stream: TcpStream) -> Result<usize> {
    stream.read(&mut [0; 1024])
}

fn main() -> Result<()> {
    for stream in TcpListener::bind("127.0.0.1:0")?.incoming() {
        let mut stream = stream?;
        thread::spawn(move || serve(stream));
        stream.write_all(b"welcome\n")?;
    }
    Ok(())
}
