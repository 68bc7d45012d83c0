//! SIGHUP: files that were read at the start are read again, each on its own, while the server goes on.
//!
//! It knows when, not what: whoever owns a file says how to read it. Pitfall: a file that
//! cannot be used changes nothing. What was in force stays in force, and the log says why.

use actix_web::rt::signal::unix::{SignalKind, signal};

/// Reads one thing again: what is in force now, in words for the log, or why nothing has changed.
type Again = Box<dyn Fn() -> Result<String, String>>;

/// Everything that is read again.
#[derive(Default)]
pub struct Reloads(Vec<(&'static str, Again)>);

impl Reloads {
    /// One more thing, called `what` in the log.
    pub fn add(&mut self, what: &'static str, again: impl Fn() -> Result<String, String> + 'static) {
        self.0.push((what, Box::new(again)));
    }

    /// Reads everything again, now.
    fn run(&self) {
        if self.0.is_empty() {
            log::info!("SIGHUP: no file is in use that could be read again");
        }
        for (what, again) in &self.0 {
            match again() {
                Ok(now) => log::info!("{what}: {now}"),
                Err(why) => log::error!("{what}: {why}; what was in force stays in force"),
            }
        }
    }

    /// Reads everything again at every SIGHUP, for as long as the actix system runs in which this is called.
    ///
    /// # Errors
    /// When the operating system refuses to tell of signals.
    pub fn watch(self) -> std::io::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        actix_web::rt::spawn(async move {
            while hangup.recv().await.is_some() {
                self.run();
            }
        });
        Ok(())
    }
}
