//! A database per test, on either engine, and operations written where they are used.

use std::{
    hash::{BuildHasher, RandomState},
    io::Write,
    path::PathBuf,
    sync::{Arc, Once},
};

use domain::Timestamp;
use store::{Meter, Op, Statement, Store, StoreUrl};
use uuid::Uuid;

/// The moment at which tests happen.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// A test on both databases: a module of its name with the tests `sqlite` and `postgres`.
macro_rules! both {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: &Db) $body:block)*) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn body($db: &$crate::harness::Db) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                body(&$crate::harness::Db::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(db) = $crate::harness::Db::postgres().await {
                    body(&db).await;
                }
            }
        }
    )*};
}

/// An operation written where it is used: `op!(Write |s, name: String| -> ItemId { … })`. What it names is moved in.
macro_rules! op {
    ($access:ident |$s:ident $(, $field:ident : $type:ty)* $(,)?| -> $out:ty $body:block) => {{
        #[derive(Clone)]
        struct Body {
            $($field: $type),*
        }
        impl store::Op for Body {
            type Out = $out;
            type Error = store::StoreError;
            const ACCESS: store::Access = store::Access::$access;

            async fn run<S: store::Session>(self, $s: &mut S) -> Result<$out, store::StoreError> {
                let Self { $($field),* } = self;
                $body
            }
        }
        Body { $($field),* }
    }};
}
pub(crate) use {both, op};

/// A variable of the environment.
#[expect(clippy::disallowed_methods, reason = "tests are configured by the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A number nobody else has.
pub(crate) fn unique() -> u64 {
    RandomState::new().hash_one("unique")
}

/// A UUID for a number.
pub(crate) const fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// The same text for both databases.
pub(crate) fn statement(text: &str) -> Statement {
    split(text, text)
}

/// A statement of a test.
pub(crate) fn split(sqlite: &str, postgres: &str) -> Statement {
    Statement {
        name: "TEST",
        sqlite: sqlite.to_owned().into(),
        postgres: postgres.to_owned().into(),
    }
}

/// A database of its own, removed at the end.
pub(crate) struct Db {
    /// The database as the program opens it.
    pub(crate) store: Store,
    /// Where it is.
    pub(crate) place: Place,
}

/// Where a database is.
pub(crate) enum Place {
    /// A folder with `store.db` in it.
    Sqlite(PathBuf),
    /// The server, and the name of the database.
    Postgres { server: String, name: String },
}

impl Place {
    /// An empty place on SQLite.
    pub(crate) fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("commonhold-test-{:016x}", unique()));
        std::fs::create_dir(&folder).expect("a temporary folder can be made");
        Self::Sqlite(folder)
    }

    /// An empty database on PostgreSQL; none when there is no server to use.
    pub(crate) async fn postgres() -> Option<Self> {
        let Some(server) = variable("DATABASE_URL") else {
            static ONCE: Once = Once::new();
            ONCE.call_once(skipped);
            return None;
        };
        let name = format!("commonhold_test_{:016x}", unique());
        let client = connect(&server).await;
        let create = format!("CREATE DATABASE {name}");
        client.batch_execute(&create).await.expect("a database can be created");
        Some(Self::Postgres { server, name })
    }

    /// How the program is told.
    pub(crate) fn url(&self) -> StoreUrl {
        match self {
            Self::Sqlite(_) => StoreUrl::Sqlite(self.file()),
            Self::Postgres { .. } => StoreUrl::Postgres {
                url: self.address(),
                connections: 8,
            },
        }
    }

    /// The file of the SQLite database.
    pub(crate) fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.join("store.db"),
            Self::Postgres { .. } => unreachable!("on PostgreSQL there is no file"),
        }
    }

    /// The address of the PostgreSQL database.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Sqlite(_) => unreachable!("SQLite has no address"),
            Self::Postgres { server, name } => {
                let (before, query) = server.split_once('?').unwrap_or((server, ""));
                let (host, _) = before.rsplit_once('/').expect("the URL names a database");
                format!("{host}/{name}?{query}")
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        match self {
            Self::Sqlite(folder) => {
                std::fs::remove_dir_all(folder).expect("the temporary folder can be removed");
            }
            Self::Postgres { server, name } => {
                let (server, name) = (server.clone(), name.clone());
                // A thread of its own, because a runtime cannot wait for another one.
                let thread = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.expect("a runtime starts").block_on(remove(&server, &name));
                });
                let removed = thread.join().is_ok();
                assert!(removed || std::thread::panicking(), "a database was left behind");
            }
        }
    }
}

/// Removes a database. WITH (FORCE) would refuse when the server itself is just cleaning up there.
async fn remove(server: &str, name: &str) {
    let client = connect(server).await;
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND usename = current_user"
    );
    client.batch_execute(&end).await.expect("connections can be ended");
    let drop = format!("DROP DATABASE {name}");
    for attempt in 1.. {
        match client.batch_execute(&drop).await {
            Ok(()) => return,
            Err(error) => assert!(attempt < 5, "{error:?}"),
        }
    }
}

/// Says once that PostgreSQL was not tested, to the reader and to whoever collects it.
fn skipped() {
    let line = "skipped: PostgreSQL (set DATABASE_URL)";
    eprintln!("{line}");
    if let Some(file) = variable("COMMONHOLD_SKIPPED_FILE") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(file);
        writeln!(file.expect("the record of what was skipped opens"), "{line}").expect("it can be written");
    }
}

/// A connection beside the program's.
pub(crate) async fn connect(address: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(address, tokio_postgres::NoTls)
        .await
        .expect("the server answers");
    tokio::spawn(connection);
    client
}

impl Db {
    /// An empty database on SQLite.
    pub(crate) async fn sqlite() -> Self {
        Self::open(Place::sqlite()).await
    }

    /// An empty database on PostgreSQL; none when there is no server to use.
    pub(crate) async fn postgres() -> Option<Self> {
        Some(Self::open(Place::postgres().await?).await)
    }

    async fn open(place: Place) -> Self {
        let store = Store::open(place.url()).await.expect("the database opens");
        Self { store, place }
    }

    /// Runs an operation.
    pub(crate) async fn run<O: Op>(&self, op: O) -> Result<O::Out, O::Error> {
        self.store.run(op, &Arc::new(Meter::default())).await
    }
}
