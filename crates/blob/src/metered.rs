//! A store that counts what it does.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use futures_util::StreamExt;

use crate::{Blobs, Body, Operation, Result, wrap::wrapper};

/// What one operation did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls begun.
    pub calls: u64,
    /// Calls that ended with an error.
    pub failures: u64,
    /// Calls under way. One that its caller gave up is no longer.
    pub running: u64,
}

#[derive(Debug, Default)]
struct Counter {
    calls: AtomicU64,
    failures: AtomicU64,
    running: AtomicU64,
}

#[derive(Debug, Default)]
struct Counters {
    operations: [Counter; Operation::ALL.len()],
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// The numbers of a [`Metered`] store, to be read while it works. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    counters: Arc<Counters>,
}

impl Meter {
    /// What an operation did so far.
    pub fn counts(&self, operation: Operation) -> Counts {
        self.counter(operation).map_or_else(Counts::default, |counter| Counts {
            calls: counter.calls.load(Relaxed),
            failures: counter.failures.load(Relaxed),
            running: counter.running.load(Relaxed),
        })
    }

    /// Bytes that came in with puts, also with failed ones.
    pub fn bytes_in(&self) -> u64 {
        self.counters.bytes_in.load(Relaxed)
    }

    /// Bytes that gets gave out.
    pub fn bytes_out(&self) -> u64 {
        self.counters.bytes_out.load(Relaxed)
    }

    fn counter(&self, operation: Operation) -> Option<&Counter> {
        self.counters.operations.get(operation as usize)
    }
}

/// Counts a call as running until it ends or is dropped.
struct Running<'a>(Option<&'a Counter>);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(counter) = self.0 {
            counter.running.fetch_sub(1, Relaxed);
        }
    }
}

/// A store and its [`Meter`].
#[derive(Debug)]
pub struct Metered<B> {
    inner: B,
    meter: Meter,
}

impl<B: Blobs> Metered<B> {
    /// The store, counted.
    pub fn new(inner: B) -> Self {
        Self {
            inner,
            meter: Meter::default(),
        }
    }

    /// The numbers.
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    async fn around<T>(&self, operation: Operation, call: impl Future<Output = Result<T>>) -> Result<T> {
        let counter = self.meter.counter(operation);
        if let Some(counter) = counter {
            counter.calls.fetch_add(1, Relaxed);
            counter.running.fetch_add(1, Relaxed);
        }
        let running = Running(counter);
        let result = call.await;
        drop(running);
        if let (Some(counter), Err(_)) = (counter, &result) {
            counter.failures.fetch_add(1, Relaxed);
        }
        result
    }

    fn incoming(&self, body: Body) -> Body {
        self.counting(body, |counters| &counters.bytes_in)
    }

    fn outgoing(&self, body: Body) -> Body {
        self.counting(body, |counters| &counters.bytes_out)
    }

    fn counting(&self, body: Body, total: fn(&Counters) -> &AtomicU64) -> Body {
        let counters = self.meter.counters.clone();
        body.inspect(move |piece| {
            if let Ok(piece) = piece {
                total(&counters).fetch_add(piece.len() as u64, Relaxed);
            }
        })
        .boxed()
    }
}

wrapper!(Metered);
