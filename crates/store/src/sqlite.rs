//! SQLite: one writer, several readers, WAL.
//!
//! The writer is a thread. It takes what is waiting, runs each operation in its own savepoint, and commits them together:
//! one fsync serves all who wait (group commit), and nobody is answered before it. Readers are connections that are
//! borrowed for the length of one operation.

use std::{
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    time::Duration,
};

use futures_util::FutureExt;
use parking_lot::{Mutex, MutexGuard};
use rusqlite::{
    Connection, OpenFlags, ToSql,
    config::DbConfig,
    types::{ToSqlOutput, ValueRef},
};
use tokio::sync::oneshot;

mod answers;

use self::answers::{Answers, Rows};
use crate::{Access, Meter, Op, Row, Session, Statement, StoreError, Value, migrate, session::Reader};

/// How many operations share a commit at most.
const GROUP: usize = 256;

pub(crate) struct Sqlite {
    writer: mpsc::SyncSender<Box<dyn Job>>,
    readers: Arc<[Mutex<Connection>]>,
    /// For [`Access::Point`] alone: those run on the threads that serve everybody, so they must never wait for a long
    /// read to end.
    points: Box<[Mutex<Point>]>,
    next: AtomicUsize,
}

impl Sqlite {
    /// Opens (and creates) the database, applies migrations and starts the writer.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut writer = connect(path)?;
        migrate::sqlite(&mut writer)?;
        let reader = |_| {
            let reader = connect(path)?;
            reader.pragma_update(None, "query_only", true)?;
            Ok(Mutex::new(reader))
        };
        let count = std::thread::available_parallelism().map_or(2, NonZeroUsize::get);
        let readers = (0..count + 2).map(reader).collect::<Result<_, StoreError>>()?;
        let points = (0..count)
            .map(|number| {
                Ok(Mutex::new(Point {
                    connection: reader(number)?.into_inner(),
                    answers: Answers::default(),
                }))
            })
            .collect::<Result<_, StoreError>>()?;
        // Bounded: when the disk cannot keep up, callers wait instead of filling the memory.
        let (sender, jobs) = mpsc::sync_channel::<Box<dyn Job>>(4 * GROUP);
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || write_loop(&mut writer, &jobs))
            .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        Ok(Self {
            writer: sender,
            readers,
            points,
            next: AtomicUsize::new(0),
        })
    }

    pub(crate) async fn run<O: Op>(&self, op: O, meter: &Arc<Meter>) -> Result<O::Out, O::Error> {
        match O::ACCESS {
            // Microseconds of work: a hop to another thread would cost more than it.
            Access::Point => point_on(&self.points, self.next.fetch_add(1, Relaxed), op, meter),
            Access::Read => {
                let (readers, meter) = (Arc::clone(&self.readers), Arc::clone(meter));
                let next = self.next.fetch_add(1, Relaxed);
                tokio::task::spawn_blocking(move || read_on(&readers, next, op, &meter))
                    .await
                    .unwrap_or_else(|error| Err(StoreError::Driver(Box::new(error)).into()))
            }
            Access::Write => self.write(op, meter).await,
        }
    }

    async fn write<O: Op>(&self, op: O, meter: &Arc<Meter>) -> Result<O::Out, O::Error> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Written {
            op: Some(op),
            meter: Arc::clone(meter),
            outcome: None,
            reply,
        });
        let job: Box<dyn Job> = job;
        if let Err(error) = self.writer.try_send(job) {
            match error {
                mpsc::TrySendError::Full(job) => {
                    let writer = self.writer.clone();
                    tokio::task::spawn_blocking(move || writer.send(job))
                        .await
                        .map_err(|error| StoreError::Driver(Box::new(error)))?
                        .map_err(|_| writer_gone())?;
                }
                mpsc::TrySendError::Disconnected(_) => return Err(writer_gone().into()),
            }
        }
        answer.await.unwrap_or_else(|_| Err(writer_gone().into()))
    }
}

fn writer_gone() -> StoreError {
    StoreError::Unavailable("the writer has ended".into())
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(PathBuf::from(path), flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // An acknowledged write must survive a power cut: the log is synced at each commit.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Where statistics exist, SQLite would plan a statement again for each value that is bound to it, which takes many
    // times as long as running it. One plan for all values is also the one that the tests pin.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

/// A reader that nobody uses, or the one whose turn it is.
fn free<T>(readers: &[Mutex<T>], next: usize) -> MutexGuard<'_, T> {
    let count = readers.len();
    (0..count)
        .find_map(|offset| readers[(next + offset) % count].try_lock())
        .unwrap_or_else(|| readers[next % count].lock())
}

/// A connection for short reads, and the answers it gave since the database last changed.
struct Point {
    connection: Connection,
    answers: Answers,
}

fn point_on<O: Op>(points: &[Mutex<Point>], next: usize, op: O, meter: &Meter) -> Result<O::Out, O::Error> {
    let mut point = free(points, next);
    let Point { connection, answers } = &mut *point;
    answers.hold_at(data_version(connection)?);
    let mut session = SqliteSession::new(connection, meter);
    session.answers = Some(answers);
    ready(op.run(&mut session))
}

/// A number that changes whenever another connection, of this process or of any other, has committed.
fn data_version(connection: &Connection) -> Result<i64, StoreError> {
    let mut version = connection.prepare_cached("PRAGMA data_version")?;
    Ok(version.query_row([], |row| row.get(0))?)
}

fn read_on<O: Op>(readers: &[Mutex<Connection>], next: usize, op: O, meter: &Meter) -> Result<O::Out, O::Error> {
    let mut reader = free(readers, next);
    // One snapshot for the body: a read transaction sees the same state in all its statements, and takes its locks once.
    let snapshot = Snapshot::begin(&mut reader)?;
    let mut session = SqliteSession::new(snapshot.0, meter);
    let outcome = ready(op.run(&mut session));
    session.conclude(outcome)
}

/// A read transaction, which ends with this value, even if the body panics.
struct Snapshot<'a>(&'a mut Connection);

impl<'a> Snapshot<'a> {
    fn begin(connection: &'a mut Connection) -> Result<Self, StoreError> {
        step(connection, "BEGIN")?;
        Ok(Self(connection))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        if let Err(error) = step(self.0, "COMMIT") {
            tracing::error!(%error, "a read transaction did not end");
        }
    }
}

/// The futures of a body are ready at once: a session never waits here. Anything else means that the body awaited
/// something it must not.
fn ready<T, E: From<StoreError>>(body: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    body.now_or_never().unwrap_or_else(|| {
        Err(StoreError::Driver("an operation awaited something other than its session".into()).into())
    })
}

trait Job: Send {
    /// Runs the body; whether its changes shall stay.
    fn run(&mut self, connection: &mut Connection) -> bool;
    /// Tells the caller, after the commit.
    fn answer(self: Box<Self>, committed: Result<(), String>);
}

struct Written<O: Op> {
    op: Option<O>,
    meter: Arc<Meter>,
    outcome: Option<Result<O::Out, O::Error>>,
    reply: oneshot::Sender<Result<O::Out, O::Error>>,
}

impl<O: Op> Job for Written<O> {
    fn run(&mut self, connection: &mut Connection) -> bool {
        let Some(op) = self.op.take() else { return false };
        let mut session = SqliteSession::new(connection, &self.meter);
        let outcome = catch_unwind(AssertUnwindSafe(|| ready(op.run(&mut session))))
            .unwrap_or_else(|_| Err(StoreError::Driver("an operation panicked".into()).into()));
        let outcome = session.conclude(outcome);
        let stays = outcome.is_ok();
        self.outcome = Some(outcome);
        stays
    }

    fn answer(self: Box<Self>, committed: Result<(), String>) {
        let outcome = match (self.outcome, committed) {
            (Some(Ok(_)) | None, Err(why)) => Err(StoreError::Unavailable(why.into()).into()),
            (Some(outcome), _) => outcome,
            (None, Ok(())) => Err(StoreError::Driver("an operation was not run".into()).into()),
        };
        // The caller may have gone away; its change stays.
        drop(self.reply.send(outcome));
    }
}

fn write_loop(connection: &mut Connection, jobs: &mpsc::Receiver<Box<dyn Job>>) {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        let committed = write_group(connection, &mut group, jobs).map_err(|error| error.to_string());
        if let Err(why) = &committed {
            tracing::error!(why, "the database refused a commit");
            if !connection.is_autocommit() {
                drop(connection.execute_batch("ROLLBACK"));
            }
        }
        for job in group {
            job.answer(committed.clone());
        }
    }
}

fn write_group(
    connection: &mut Connection,
    group: &mut Vec<Box<dyn Job>>,
    jobs: &mpsc::Receiver<Box<dyn Job>>,
) -> Result<(), rusqlite::Error> {
    step(connection, "BEGIN IMMEDIATE")?;
    let mut done = 0;
    while done < group.len() {
        step(connection, "SAVEPOINT operation")?;
        if !group[done].run(connection) {
            step(connection, "ROLLBACK TO operation")?;
        }
        step(connection, "RELEASE operation")?;
        done += 1;
        if done < GROUP {
            group.extend(jobs.try_recv());
        }
    }
    step(connection, "COMMIT")
}

fn step(connection: &Connection, text: &str) -> Result<(), rusqlite::Error> {
    connection.prepare_cached(text)?.execute([]).map(drop)
}

/// Exclusive use of a connection: a shared reference to one cannot move between threads.
struct SqliteSession<'a> {
    connection: &'a mut Connection,
    meter: &'a Meter,
    /// Whether a statement failed, whatever the body made of it.
    failed: bool,
    /// For short reads: what was answered before.
    answers: Option<&'a mut Answers>,
    /// Whether the session began a read transaction of its own, for an answer that was not kept.
    begun: bool,
}

impl Drop for SqliteSession<'_> {
    fn drop(&mut self) {
        if self.begun
            && let Err(error) = step(self.connection, "COMMIT")
        {
            tracing::error!(%error, "a read transaction did not end");
        }
    }
}

impl<'a> SqliteSession<'a> {
    const fn new(connection: &'a mut Connection, meter: &'a Meter) -> Self {
        Self {
            connection,
            meter,
            failed: false,
            answers: None,
            begun: false,
        }
    }

    fn conclude<T, E: From<StoreError>>(self, outcome: Result<T, E>) -> Result<T, E> {
        if self.failed && outcome.is_ok() {
            return Err(StoreError::went_on().into());
        }
        outcome
    }

    fn fetch_now<T>(
        &mut self,
        statement: &Statement,
        values: &[Value<'_>],
        read: Reader<T>,
    ) -> Result<Vec<T>, StoreError> {
        let key = self.answers.as_ref().and_then(|_| Answers::key(statement, values));
        if let Some(key) = key {
            return self.fetch_kept(statement, values, read, key);
        }
        let mut prepared = self.connection.prepare_cached(&statement.sqlite)?;
        bind(&mut prepared, values)?;
        let mut rows = prepared.raw_query();
        let mut answer = Vec::new();
        while let Some(row) = rows.next()? {
            answer.push(read(&Row::Sqlite(row))?);
        }
        self.meter.count(answer.len());
        Ok(answer)
    }

    /// An answer that was given before, if nothing has been committed since; otherwise one to be given again.
    fn fetch_kept<T>(
        &mut self,
        statement: &Statement,
        values: &[Value<'_>],
        read: Reader<T>,
        key: answers::Key,
    ) -> Result<Vec<T>, StoreError> {
        let known = self.answers.as_mut().and_then(|answers| answers.get(&key));
        let rows = if let Some(rows) = known {
            rows
        } else {
            self.ask(statement, values, key)?
        };
        self.meter.count(rows.len());
        rows.iter().map(|row| read(&Row::Kept(row))).collect()
    }

    fn ask(&mut self, statement: &Statement, values: &[Value<'_>], key: answers::Key) -> Result<Rows, StoreError> {
        if !self.begun {
            // The version and the rows must come from one snapshot.
            step(self.connection, "BEGIN")?;
            self.begun = true;
            let version = data_version(self.connection)?;
            if let Some(answers) = &mut self.answers {
                answers.hold_at(version);
            }
        }
        let mut prepared = self.connection.prepare_cached(&statement.sqlite)?;
        bind(&mut prepared, values)?;
        let rows = answers::read(&mut prepared)?;
        if let Some(answers) = &mut self.answers {
            answers.keep(key, &rows);
        }
        Ok(rows)
    }

    fn execute_now(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let mut prepared = self.connection.prepare_cached(&statement.sqlite)?;
        bind(&mut prepared, values)?;
        let changed = prepared.raw_execute()?;
        self.meter.count(changed);
        Ok(changed as u64)
    }
}

impl Session for SqliteSession<'_> {
    fn fetch<T: Send>(
        &mut self,
        statement: &Statement,
        values: &[Value<'_>],
        read: Reader<T>,
    ) -> impl Future<Output = Result<Vec<T>, StoreError>> + Send {
        let answer = self.fetch_now(statement, values, read);
        self.failed |= answer.is_err();
        std::future::ready(answer)
    }

    fn execute(
        &mut self,
        statement: &Statement,
        values: &[Value<'_>],
    ) -> impl Future<Output = Result<u64, StoreError>> + Send {
        let answer = self.execute_now(statement, values);
        self.failed |= answer.is_err();
        std::future::ready(answer)
    }
}

fn bind(statement: &mut rusqlite::CachedStatement<'_>, values: &[Value<'_>]) -> Result<(), StoreError> {
    for (index, value) in values.iter().enumerate() {
        statement.raw_bind_parameter(index + 1, value)?;
    }
    Ok(())
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let list = |items: Vec<String>| Ok(ToSqlOutput::from(format!("[{}]", items.join(","))));
        Ok(match self {
            Value::Null(_) => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Int(value) => ToSqlOutput::from(*value),
            Value::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(without_null(value)?.as_bytes())),
            Value::Flag(value) => ToSqlOutput::from(*value),
            Value::Uuid(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value.as_bytes())),
            Value::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
            Value::Ints(values) => return list(values.iter().map(ToString::to_string).collect()),
            Value::Texts(values) => {
                let texts: rusqlite::Result<_> = values.iter().map(|text| Ok(json_text(without_null(text)?))).collect();
                return list(texts?);
            }
            Value::Uuids(values) => return list(values.iter().map(|uuid| format!("\"{}\"", uuid.simple())).collect()),
        })
    }
}

/// PostgreSQL has no texts with a null character, and SQLite's functions end at it: it is refused on both.
fn without_null(text: &str) -> rusqlite::Result<&str> {
    if text.as_bytes().contains(&0) {
        return Err(rusqlite::Error::ToSqlConversionFailure(
            "a text with a null character".into(),
        ));
    }
    Ok(text)
}

/// A text as a JSON string, for `json_each`.
fn json_text(text: &str) -> String {
    use std::fmt::Write;
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c.is_control() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _written = write!(json, "\\u{unit:04x}"); // to a string: cannot fail
                }
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}
