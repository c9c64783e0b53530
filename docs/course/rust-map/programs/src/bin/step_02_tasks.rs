//! Step 2 with tasks: the same loop as in step 1, but `await` where that one blocked. One thread serves everybody.

use std::io::Result;
use tally_rust_map::executor::{serve_all, Socket};
use tally_rust_map::settings::listen;

async fn echo(socket: Socket) -> Result<()> {
    let mut packet = vec![0; 65_536];
    loop {
        let length = socket.read(&mut packet).await?; // a reset ends this task, with an error, and no other
        if length == 0 {
            return Ok(());
        }
        socket.write_all(&packet[..length]).await?; // nothing is read before this is over: that is the bound
    }
}

fn main() -> Result<()> {
    serve_all(listen()?, echo)
}
