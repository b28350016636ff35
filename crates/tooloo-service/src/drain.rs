//! When to end.

use tokio::sync::watch;

/// Tells servers when to drain.
#[derive(Clone, Debug)]
pub struct Shutdown {
    wanted: watch::Receiver<bool>,
}

/// Starts the drain of the [`Shutdown`] it came with.
#[derive(Clone, Debug)]
pub struct Trigger {
    want: watch::Sender<bool>,
}

impl Shutdown {
    /// Makes a shutdown that begins when the trigger says so, or is gone with all its clones.
    pub fn manual() -> (Trigger, Self) {
        let want = watch::Sender::new(false);
        let wanted = want.subscribe();
        (Trigger { want }, Self { wanted })
    }

    /// Makes a shutdown that begins at the first SIGTERM or SIGINT; a second one ends the process.
    pub fn on_signals() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (trigger, shutdown) = Self::manual();
        tokio::spawn(async move {
            for again in [false, true] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if again {
                    std::process::exit(1);
                }
                trigger.shut_down();
            }
        });
        Ok(shutdown)
    }

    /// Waits until the drain is to begin.
    pub async fn wanted(&self) {
        drop(self.wanted.clone().wait_for(|wanted| *wanted).await);
    }
}

impl Trigger {
    /// Starts the drain.
    pub fn shut_down(&self) {
        self.want.send_replace(true);
    }
}
