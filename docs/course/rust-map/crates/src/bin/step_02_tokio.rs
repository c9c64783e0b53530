//! Step 2 on tokio: a task for each client, on as many threads as there are cores.

use std::io::Result;
use tally_rust_map::settings::listen;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

async fn echo(mut stream: TcpStream) -> Result<()> {
    let mut packet = vec![0; 65_536];
    loop {
        let length = stream.read(&mut packet).await?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&packet[..length]).await?;
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let listener = listen()?;
    listener.set_nonblocking(true)?; // tokio takes it for granted, and would block without
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        // `spawn` wants `Send + 'static`: the task may go on on another thread after any `await`, and outlive this one.
        tokio::spawn(async move {
            if let Err(error) = echo(stream).await {
                println!("lost a client: {error}");
            }
        });
    }
}
