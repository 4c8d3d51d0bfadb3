//! Logs: to standard error, one line each.
//!
//! A system call for each line costs as much as the rest of a small request, so lines that nobody waits for are gathered
//! for a moment and written together; a warning or an error is written at once, with all before it. Nothing that must last
//! is lost with a killed process: what matters is in the audit record.

use std::{
    io::{self, IsTerminal, Write},
    sync::Arc,
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use tracing::{Level, Metadata};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use crate::config::{Log, LogFormat};

/// How long a line waits for others.
const MOMENT: Duration = Duration::from_millis(20);
/// So many bytes are written without waiting for more; whoever logs beyond that waits for standard error.
const ROOM: usize = 256 * 1024;

/// Lines on their way to standard error.
#[derive(Default)]
struct Lines {
    gathered: Mutex<Vec<u8>>,
    /// Held while writing, so that lines keep their order; and the room that the next lines are gathered in.
    writing: Mutex<Vec<u8>>,
    some: Condvar,
}

impl Lines {
    fn add(&self, line: &[u8]) {
        let mut gathered = self.gathered.lock();
        let first = gathered.is_empty();
        gathered.extend_from_slice(line);
        let full = gathered.len() >= ROOM;
        drop(gathered);
        if first {
            self.some.notify_one();
        }
        if full {
            self.write();
        }
    }

    fn write(&self) {
        let mut lines = self.writing.lock();
        std::mem::swap(&mut *lines, &mut *self.gathered.lock());
        // There is nowhere to say that standard error does not work.
        drop(io::stderr().write_all(&lines));
        lines.clear();
    }

    fn write_for_ever(&self) {
        loop {
            let mut gathered = self.gathered.lock();
            while gathered.is_empty() {
                self.some.wait(&mut gathered);
            }
            drop(gathered);
            thread::sleep(MOMENT);
            self.write();
        }
    }
}

/// Writes the lines of an event.
struct Gathering {
    lines: Arc<Lines>,
    urgent: bool,
}

impl Write for Gathering {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        if self.urgent {
            self.lines.write();
        }
    }
}

struct Gather(Arc<Lines>);

impl<'a> MakeWriter<'a> for Gather {
    type Writer = Gathering;

    fn make_writer(&'a self) -> Gathering {
        Gathering {
            lines: Arc::clone(&self.0),
            urgent: true,
        }
    }

    fn make_writer_for(&'a self, event: &Metadata<'_>) -> Gathering {
        Gathering {
            lines: Arc::clone(&self.0),
            urgent: *event.level() <= Level::WARN,
        }
    }
}

/// Logging under way. What is gathered is written when it is dropped.
pub(crate) struct Logging(Arc<Lines>);

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.write();
    }
}

/// Starts logging, until the value is dropped.
pub(crate) fn start(log: &Log) -> Result<Logging, String> {
    let filter = EnvFilter::builder()
        .parse(log.filter.as_deref().unwrap_or("info"))
        .map_err(|error| format!("log.filter: {error}"))?;
    let automatic = if std::io::stderr().is_terminal() {
        LogFormat::Pretty
    } else {
        LogFormat::Json
    };
    let lines = Arc::new(Lines::default());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Gather(Arc::clone(&lines)));
    let started = match log.format.unwrap_or(automatic) {
        LogFormat::Pretty => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| format!("log: {error}"))?;
    let writer = Arc::clone(&lines);
    thread::Builder::new()
        .name("log".to_owned())
        .spawn(move || writer.write_for_ever())
        .map_err(|error| format!("log: {error}"))?;
    Ok(Logging(lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_gathered_in_order() {
        let lines = Lines::default();
        lines.add(b"one\n");
        lines.add(b"two\n");
        assert_eq!(*lines.gathered.lock(), b"one\ntwo\n");
        lines.write();
        assert!(lines.gathered.lock().is_empty());
    }

    #[test]
    fn a_warning_takes_with_it_what_was_gathered() {
        let lines = Arc::new(Lines::default());
        let write = |urgent| {
            let mut line = Gathering {
                lines: Arc::clone(&lines),
                urgent,
            };
            line.write_all(b"line\n").unwrap();
        };
        write(false);
        assert!(!lines.gathered.lock().is_empty());
        write(true);
        assert!(lines.gathered.lock().is_empty());
    }
}
