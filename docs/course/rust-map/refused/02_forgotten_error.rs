//! refused: unused_must_use
//! A warning, and with `-D warnings` an error: what went wrong with this client must be somebody's business.

use std::io::Write;
use std::net::TcpStream;

fn greet(mut stream: TcpStream) {
    stream.write_all(b"welcome\n");
}

fn main() {
    TcpStream::connect("127.0.0.1:7878").map(greet).expect("a server");
}
