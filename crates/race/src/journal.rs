//! The journal of a race: one line of JSON before each request and one after each answer, so that a run that was killed can
//! be checked against what the server kept (docs/contract.md#invariants, 3 and 4).
//!
//! A line is handed to the system before the request is sent, and a lost answer writes no line at all; what is sent and not
//! answered is exactly what has to be settled.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum JournalLine {
    /// A booking is about to be sent.
    Sent {
        /// Its `X-Request-ID`.
        sent: String,
        /// The slot it asks for.
        slot: String,
        /// The FHIR root it goes to.
        server: String,
        /// The body, to be sent again byte by byte (invented people only).
        body: String,
    },
    /// A booking was answered.
    Answered {
        /// Its `X-Request-ID`.
        answered: String,
        /// The HTTP status.
        status: u16,
        /// The appointment that a 201 made or a 409 names.
        appointment: Option<String>,
        /// True when the answer is exactly the slot-taken one.
        taken: bool,
    },
    /// A cancel is about to be sent.
    Cancelling {
        /// The appointment.
        cancelling: String,
    },
    /// A cancel was answered 200.
    Cancelled {
        /// The appointment.
        cancelled: String,
    },
}

/// Where lines go; nowhere when no journal was asked for.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    file: Option<Mutex<(File, Option<String>)>>,
}

impl Journal {
    /// A journal at the end of `path`.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self { file: Some(Mutex::new((file, None))) })
    }

    /// Writes one line, whole, before it returns. The first failure is kept for [`Journal::failure`].
    pub(crate) fn write(&self, line: &JournalLine) {
        let Some(file) = &self.file else { return };
        let mut text = serde_json::to_string(line).unwrap_or_default();
        text.push('\n');
        let mut guard = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = guard.0.write_all(text.as_bytes())
            && guard.1.is_none()
        {
            guard.1 = Some(error.to_string());
        }
    }

    /// What went wrong first while writing, if anything did.
    pub(crate) fn failure(&self) -> Option<String> {
        let guard = self.file.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        guard.1.clone()
    }
}

/// The lines of a journal. A last line that was cut off by the kill is left out: nothing was sent for it.
pub(crate) fn read(text: &str) -> Result<Vec<JournalLine>, String> {
    let count = text.lines().count();
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        match serde_json::from_str(line) {
            Ok(line) => lines.push(line),
            Err(_) if index + 1 == count && !text.ends_with('\n') => {}
            Err(_) => return Err(format!("line {} is no line of a race journal", index + 1)),
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_back_but_for_one_cut_off_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let lines = [
            JournalLine::Sent { sent: "r1".into(), slot: "s1".into(), server: "http://h".into(), body: "{\"a\":1}".into() },
            JournalLine::Answered { answered: "r1".into(), status: 201, appointment: Some("a1".into()), taken: false },
            JournalLine::Cancelling { cancelling: "a1".into() },
            JournalLine::Cancelled { cancelled: "a1".into() },
        ];
        let journal = Journal::open(&path).unwrap();
        lines.iter().for_each(|line| journal.write(line));
        let mut text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(read(&text).unwrap(), lines);
        text.push_str("{\"sent\":\"r2");
        assert_eq!(read(&text).unwrap(), lines);
        text.push('\n');
        assert!(read(&text).unwrap_err().contains("line 5"));
    }
}
