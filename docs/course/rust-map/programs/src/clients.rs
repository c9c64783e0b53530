//! A thread for each client: it reads lines, has them answered, and writes the replies in their order.

use crate::event::{judge, Request};
use crate::lines::Lines;
use crate::replies::{self, Reply};
use std::collections::HashMap;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// `connect` is called for each client, and returns what answers it. That moves into the client's own thread: hence
/// `Send`. The thread may outlive its maker: hence `'static`.
pub fn serve_each<A>(listener: TcpListener, mut connect: impl FnMut() -> A) -> Result<()>
where
    A: FnMut(Request) -> Reply + Send + 'static,
{
    for stream in listener.incoming() {
        let (stream, answer) = (stream?, connect());
        thread::spawn(move || {
            // A client that resets its connection is gone, and nobody else is.
            if let Err(error) = converse(&stream, answer) {
                println!("lost a client: {error}");
            }
        });
    }
    Ok(())
}

pub fn converse(mut stream: &TcpStream, mut answer: impl FnMut(Request) -> Reply) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut packet, mut lines, mut replies) = ([0; 16_384], Lines::default(), Vec::new());
    loop {
        let length = stream.read(&mut packet)?;
        lines.feed(&packet[..length]);
        loop {
            let next = if length > 0 { lines.next_line() } else { lines.last_line() };
            let Some(line) = next else { break };
            match judge(line).map(&mut answer) {
                Ok(Reply::Now(reply)) => replies.extend(reply.into_bytes()),
                Ok(Reply::Later(answer)) => {
                    stream.write_all(&replies)?;
                    replies.clear();
                    let outcome = answer.recv().map_err(|_| Error::from(ErrorKind::BrokenPipe))?;
                    replies.extend(replies::balance(outcome).into_bytes());
                }
                Err(wrong) => replies.extend(replies::error(wrong).into_bytes()),
            }
        }
        // Waits for a client that does not read. Meanwhile nothing more of it is read either.
        stream.write_all(&replies)?;
        replies.clear();
        if length == 0 {
            return Ok(());
        }
    }
}

/// The clients that are connected, for whoever must say goodbye to all of them.
#[derive(Default)]
pub struct Guests(Mutex<HashMap<u64, TcpStream>>);

impl Guests {
    /// `number` is no other client's.
    pub fn welcome<A>(self: &Arc<Self>, number: u64, stream: TcpStream, answer: A) -> Result<()>
    where
        A: FnMut(Request) -> Reply + Send + 'static,
    {
        stream.set_nonblocking(false)?; // some systems hand down what the listener is
        self.0.lock().unwrap().insert(number, stream.try_clone()?);
        let guests = Arc::clone(self);
        thread::spawn(move || {
            let _left = converse(&stream, answer);
            guests.0.lock().unwrap().remove(&number);
        });
        Ok(())
    }

    /// Every client's thread reads 0 bytes now, as if the client had ended its side: it sends what it has, and ends.
    pub fn hang_up(&self) {
        for stream in self.0.lock().unwrap().values() {
            let _gone = stream.shutdown(Shutdown::Read);
        }
    }

    pub fn are_gone(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}
