//! The smallest executor that can serve sockets: one thread, every task in turn. It asks all of them again and again,
//! where a real one (tokio) sleeps in epoll until a waker names the task that can go on.

use std::future::{poll_fn, Future};
use std::io::{ErrorKind, Read, Result, Write};
use std::net::{TcpListener, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread::sleep;
use std::time::Duration;

pub struct Socket(TcpStream);

fn poll_io(result: Result<usize>) -> Poll<Result<usize>> {
    match result {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}

impl Socket {
    pub async fn read(&self, packet: &mut [u8]) -> Result<usize> {
        poll_fn(|_| poll_io((&self.0).read(packet))).await
    }

    /// What `write` and `drain` are in Node: it is over when the kernel has taken everything.
    pub async fn write_all(&self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let length = poll_fn(|_| poll_io((&self.0).write(bytes))).await?;
            bytes = &bytes[length..];
        }
        Ok(())
    }
}

/// No `Send` here: no task ever leaves this thread.
pub fn serve_all<F>(listener: TcpListener, serve: impl Fn(Socket) -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    listener.set_nonblocking(true)?;
    let mut tasks: Vec<Pin<Box<F>>> = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    loop {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            tasks.push(Box::pin(serve(Socket(stream))));
        }
        // A task is polled until it waits. One that has ended is dropped, and its socket with it.
        tasks.retain_mut(|task| match task.as_mut().poll(&mut context) {
            Poll::Pending => true,
            Poll::Ready(Ok(())) => false,
            Poll::Ready(Err(error)) => {
                println!("lost a client: {error}");
                false
            }
        });
        sleep(Duration::from_micros(50));
    }
}
