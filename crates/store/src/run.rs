//! Operations and the database they run on.

use std::{future::Future, path::PathBuf, sync::Arc};

use crate::{Meter, Session, StoreError, postgres::Postgres, sqlite::Sqlite};

/// What an operation does with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads a handful of rows by key. No transaction: each statement sees what is committed. On SQLite it runs on the
    /// caller's thread, so it must be short whatever the data.
    Point,
    /// Reads in one snapshot.
    Read,
    /// Writes in one transaction on one snapshot: a write that meets another one is run again from the start.
    Write,
}

/// A use case, as a value: loads, decides and writes in one transaction. It may be run again when another transaction
/// got in the way, so it has no effect outside its session.
pub trait Op: Clone + Send + 'static {
    /// What it answers.
    type Out: Send + 'static;
    /// How it fails. A failure undoes what it wrote.
    type Error: From<StoreError> + Send + 'static;
    /// What it does with the database.
    const ACCESS: Access;

    /// The body.
    fn run<S: Session>(self, session: &mut S) -> impl Future<Output = Result<Self::Out, Self::Error>> + Send;
}

/// Which database.
#[derive(Clone, Debug)]
pub enum StoreUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// `postgres://…`, and how many connections to hold.
    Postgres {
        /// The address with user and password.
        url: String,
        /// The most connections at once.
        connections: usize,
    },
}

/// The database of this server.
#[derive(Clone)]
pub struct Store(Arc<Backend>);

enum Backend {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Opens the database and brings its schema up to date.
    pub async fn open(url: StoreUrl) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(match url {
            StoreUrl::Sqlite(path) => Backend::Sqlite(Sqlite::open(&path)?),
            StoreUrl::Postgres { url, connections } => Backend::Postgres(Postgres::open(&url, connections).await?),
        })))
    }

    /// Runs an operation and counts its statements.
    pub async fn run<O: Op>(&self, op: O, meter: &Arc<Meter>) -> Result<O::Out, O::Error> {
        match &*self.0 {
            Backend::Sqlite(sqlite) => sqlite.run(op, meter).await,
            Backend::Postgres(postgres) => postgres.run(op, meter).await,
        }
    }

    /// Whether the database answers; for readiness.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.run(Ping, &Arc::default()).await
    }

    /// The name of the engine, for logs and reports.
    pub fn engine(&self) -> &'static str {
        match &*self.0 {
            Backend::Sqlite(_) => "sqlite",
            Backend::Postgres(_) => "postgresql",
        }
    }
}

#[derive(Clone)]
struct Ping;

impl Op for Ping {
    type Out = ();
    type Error = StoreError;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, session: &mut S) -> Result<(), StoreError> {
        session
            .one(&crate::outbox::PING, &[], |row| row.get::<i64>(0))
            .await
            .map(drop)
    }
}
