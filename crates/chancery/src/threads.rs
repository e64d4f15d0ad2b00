//! Threads that nobody waits for while the process goes on, and that it must not end under: the cryptographic library puts its
//! state away at exit, and aborts whoever still works with it.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

static BEGUN: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

/// Begins one.
///
/// # Errors
/// What the system says when it gives no thread.
pub(crate) fn begin(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = Builder::new().name(name).spawn(work)?;
    let mut begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner);
    begun.retain(|thread| !thread.is_finished());
    begun.push(thread);
    Ok(())
}

/// Waits for all of them. The last thing a process does.
pub fn finish() {
    let begun = std::mem::take(&mut *BEGUN.lock().unwrap_or_else(PoisonError::into_inner));
    for thread in begun {
        // One that panicked has said so.
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn the_end_waits() {
        let done = Arc::new(AtomicBool::new(false));
        let (begin_it, wait) = std::sync::mpsc::channel::<()>();
        let seen = Arc::clone(&done);
        begin("late".to_owned(), move || {
            let _ = wait.recv();
            seen.store(true, Ordering::SeqCst);
        })
        .unwrap();
        assert!(!done.load(Ordering::SeqCst));
        begin_it.send(()).unwrap();
        finish();
        assert!(done.load(Ordering::SeqCst));
    }
}
