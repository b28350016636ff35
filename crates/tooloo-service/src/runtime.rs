//! The runtime that a program's services run on.

use std::io;

use tokio::runtime;

/// Runs `future` to its end on a runtime of many threads, and ends that runtime with it.
///
/// Work on a blocking thread that nobody waits for any more, such as a long computation whose caller
/// was cut off by a drain, does not hold the program up: it ends with the process.
///
/// # Errors
///
/// Returns the system's error where the runtime cannot be started.
pub fn block_on<F: Future>(future: F) -> io::Result<F::Output> {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let output = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(output)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread, time::Duration};

    use super::*;

    #[test]
    fn does_not_wait_for_work_that_nobody_waits_for() {
        let (release, held) = mpsc::channel::<()>();
        let (done, ended) = mpsc::channel();
        thread::spawn(move || {
            // It runs for as long as `release` lives: dropping the runtime would wait for it.
            let abandoned = async { drop(tokio::task::spawn_blocking(move || held.recv())) };
            done.send(block_on(abandoned).is_ok())
        });
        assert_eq!(ended.recv_timeout(Duration::from_secs(10)), Ok(true));
        drop(release);
    }
}
