//! One client, as a task: it reads lines, has them answered, and writes the replies in their order.

use std::future::Future;
use std::io::Result;
use tally_rust_map::event::{judge, Request};
use tally_rust_map::lines::Lines;
use tally_rust_map::replies::error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub async fn converse<F>(mut stream: TcpStream, mut answer: impl FnMut(Request) -> F) -> Result<()>
where
    F: Future<Output = String>,
{
    stream.set_nodelay(true)?;
    let (mut packet, mut lines) = (vec![0; 16_384], Lines::default());
    loop {
        let length = stream.read(&mut packet).await?;
        lines.feed(&packet[..length]);
        while let Some(line) = if length > 0 { lines.next_line() } else { lines.last_line() } {
            // The line borrows from `lines`: judged before the `await`, it is not held across it.
            let judged = judge(line);
            let reply = match judged {
                Ok(request) => answer(request).await,
                Err(wrong) => error(wrong),
            };
            // Waits, this task and no other, for a client that does not read.
            stream.write_all(reply.as_bytes()).await?;
        }
        if length == 0 {
            return Ok(());
        }
    }
}
