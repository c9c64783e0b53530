//! Ctrl+C and SIGTERM. The standard library cannot take a signal, so this asks the C library, which is linked anyway. It
//! is the only `unsafe` in these programs; in earnest take `signal-hook`, or `tokio::signal`.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
const SIG_DFL: usize = 0;

extern "C" {
    fn signal(number: i32, handler: usize) -> usize;
}

pub static IS_DRAINING: AtomicBool = AtomicBool::new(false);

/// Runs in the middle of whatever a thread was doing, so it may not allocate, lock or print: it stores, and that is all.
/// The next signal of its kind ends the process at once.
extern "C" fn on_signal(number: i32) {
    IS_DRAINING.store(true, SeqCst);
    // SAFETY: C allows to call `signal` for this number here, and Unix does for any.
    unsafe { signal(number, SIG_DFL) };
}

pub fn take_ctrl_c() {
    let handler: extern "C" fn(i32) = on_signal;
    for number in [SIGINT, SIGTERM] {
        // SAFETY: the handler has the type that C expects, and does only what a handler may do.
        unsafe { signal(number, handler as usize) };
    }
}
