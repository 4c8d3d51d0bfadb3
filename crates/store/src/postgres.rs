//! PostgreSQL: a pool, statements prepared once per connection, and transactions that are tried again when another one
//! got in the way.

use std::{sync::Arc, time::Duration};

use deadpool_postgres::{Client, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio_postgres::{
    NoTls,
    types::{IsNull, ToSql, Type as PgType, private::BytesMut, to_sql_checked},
};

use crate::{Access, Meter, Op, Row, Session, Statement, StoreError, Type, Value, migrate, session::Reader};

/// How often a transaction is tried that another one keeps getting in the way of.
const ATTEMPTS: u32 = 12;

/// Every statement is prepared once and keeps the plan that does not depend on its parameters: that plan is the one the
/// tests pin, and nothing is planned on a request. Compiling a plan costs more than any statement of this program.
const SETTINGS: &str = "-c plan_cache_mode=force_generic_plan -c jit=off";

/// How long an operation may take with all its tries.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Postgres {
    pool: Pool,
}

impl Postgres {
    /// Connects and applies migrations.
    pub(crate) async fn open(url: &str, connections: usize) -> Result<Self, StoreError> {
        let mut config: tokio_postgres::Config = url
            .parse()
            .map_err(|error| StoreError::Unavailable(Box::<dyn std::error::Error + Send + Sync>::from(error)))?;
        let options = config
            .get_options()
            .map_or_else(|| SETTINGS.to_owned(), |given| format!("{SETTINGS} {given}"));
        config
            .connect_timeout(Duration::from_secs(5))
            .application_name("commonhold")
            .options(options);
        let manager = Manager::from_config(
            config,
            NoTls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(connections)
            .wait_timeout(Some(Duration::from_secs(10)))
            .create_timeout(Some(Duration::from_secs(6)))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Unavailable(Box::new(error)))?;
        let postgres = Self { pool };
        migrate::postgres(&mut postgres.client().await?).await?;
        Ok(postgres)
    }

    async fn client(&self) -> Result<Client, StoreError> {
        self.pool
            .get()
            .await
            .map_err(|error| StoreError::Unavailable(Box::new(error)))
    }

    /// Lets go of the connections that nobody uses: where one has died, the others have too (the server was restarted, or
    /// another one took over).
    fn forget(&self) {
        self.pool.retain(|_, _| false);
    }

    /// Runs an operation, for so long at the most: a database that hangs must not hold its callers.
    pub(crate) async fn run<O: Op>(&self, op: O, meter: &Arc<Meter>) -> Result<O::Out, O::Error> {
        let in_time = tokio::time::timeout(PATIENCE, self.run_now(op, meter));
        in_time
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("no answer in time".into()).into()))
    }

    async fn run_now<O: Op>(&self, op: O, meter: &Arc<Meter>) -> Result<O::Out, O::Error> {
        let begin = match O::ACCESS {
            Access::Point => return self.point(op, meter).await,
            Access::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            // A snapshot, and 40001 when another transaction changed a row that this one changes too. What must be unique
            // is a constraint; predicate locks would add nothing but false conflicts between uploads to one bucket.
            Access::Write => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        };
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.attempt(op.clone(), begin, meter).await {
                Err((_, true)) if attempt < ATTEMPTS => {
                    // Short, growing and different for each caller, so that two do not meet again.
                    let spread = u64::from(attempt) * (1 + (std::ptr::from_ref(&attempt) as u64 >> 4) % 4);
                    tokio::time::sleep(Duration::from_millis(spread)).await;
                }
                Err((error, _)) => return Err(error),
                Ok(out) => return Ok(out),
            }
        }
    }

    /// Reads on a connection without a transaction. One that turns out to be dead is replaced, once.
    async fn point<O: Op>(&self, op: O, meter: &Meter) -> Result<O::Out, O::Error> {
        let mut replaced = false;
        loop {
            // If this future is dropped, an answer may still be on its way on the connection.
            let guard = Unfinished(Some(self.client().await?));
            let mut session = PostgresSession::new(guard.client(), meter);
            let outcome = op.clone().run(&mut session).await;
            let lost = session.trouble == Some(Trouble::Lost);
            if !lost {
                guard.finish();
                return outcome;
            }
            drop(guard);
            self.forget();
            if outcome.is_ok() || replaced {
                return outcome;
            }
            replaced = true;
        }
    }

    /// One try. The flag of a failure says whether to try again: another transaction was the reason, or the connection
    /// was dead before anything was done.
    async fn attempt<O: Op>(&self, op: O, begin: &str, meter: &Meter) -> Result<O::Out, (O::Error, bool)> {
        let failed = |error: StoreError| {
            let again = matches!(error, StoreError::Serialization);
            (error.into(), again)
        };
        let client = self.client().await.map_err(failed)?;
        // Ends the transaction by dropping the connection if this future is dropped in the middle.
        let guard = Unfinished(Some(client));
        let client = guard.client();
        client.batch_execute(begin).await.map_err(|error| {
            let error = StoreError::from(error);
            let dead = matches!(error, StoreError::Unavailable(_));
            if dead {
                self.forget();
            }
            (error.into(), dead)
        })?;
        let mut session = PostgresSession::new(client, meter);
        let outcome = op.run(&mut session).await;
        let (outcome, again) = match (outcome, session.trouble) {
            // PostgreSQL answers the COMMIT of a failed transaction with success, and rolls back.
            (Ok(_), Some(Trouble::Interrupted)) => (Err(StoreError::Serialization.into()), true),
            (Ok(_), Some(_)) => (Err(StoreError::went_on().into()), false),
            (outcome, trouble) => (outcome, trouble == Some(Trouble::Interrupted)),
        };
        match outcome {
            Ok(out) => {
                client
                    .batch_execute("COMMIT")
                    .await
                    .map_err(|error| failed(error.into()))?;
                guard.finish();
                Ok(out)
            }
            Err(error) => {
                if client.batch_execute("ROLLBACK").await.is_ok() {
                    guard.finish();
                }
                Err((error, again))
            }
        }
    }
}

/// A connection in the middle of a transaction: goes back to the pool only when the transaction has ended.
struct Unfinished(Option<Client>);

impl Unfinished {
    fn client(&self) -> &Client {
        self.0
            .as_ref()
            .unwrap_or_else(|| unreachable!("taken only by finish and drop"))
    }

    fn finish(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if let Some(client) = self.0.take() {
            // Out of the pool for good: closing it rolls the transaction back, but only when the statement it is in the
            // middle of has ended, so that is cancelled.
            let token = client.cancel_token();
            drop(Client::take(client));
            if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                runtime.spawn(async move {
                    if let Err(error) = token.cancel_query(NoTls).await {
                        tracing::debug!(%error, "a statement nobody waits for could not be cancelled");
                    }
                });
            }
        }
    }
}

struct PostgresSession<'a> {
    client: &'a Client,
    meter: &'a Meter,
    /// What the first statement met that failed, whatever the body made of it.
    trouble: Option<Trouble>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// Another transaction.
    Interrupted,
    /// A dead connection.
    Lost,
    /// Anything else; the transaction is void.
    Failed,
}

impl<'a> PostgresSession<'a> {
    const fn new(client: &'a Client, meter: &'a Meter) -> Self {
        Self {
            client,
            meter,
            trouble: None,
        }
    }

    fn failed(&mut self, error: tokio_postgres::Error) -> StoreError {
        let error = StoreError::from(error);
        self.trouble.get_or_insert(match error {
            StoreError::Serialization => Trouble::Interrupted,
            StoreError::Unavailable(_) => Trouble::Lost,
            _ => Trouble::Failed,
        });
        error
    }
}

impl Session for PostgresSession<'_> {
    async fn fetch<T: Send>(
        &mut self,
        statement: &Statement,
        values: &[Value<'_>],
        read: Reader<T>,
    ) -> Result<Vec<T>, StoreError> {
        let asked = async {
            let prepared = self.client.prepare_cached(&statement.postgres).await?;
            self.client.query(&prepared, &parameters(values)).await
        };
        let rows = asked.await.map_err(|error| self.failed(error))?;
        self.meter.count(rows.len());
        let answer: Result<Vec<T>, StoreError> = rows.iter().map(|row| read(&Row::Postgres(row))).collect();
        if answer.is_err() {
            self.trouble.get_or_insert(Trouble::Failed);
        }
        answer
    }

    async fn execute(&mut self, statement: &Statement, values: &[Value<'_>]) -> Result<u64, StoreError> {
        let told = async {
            let prepared = self.client.prepare_cached(&statement.postgres).await?;
            self.client.execute(&prepared, &parameters(values)).await
        };
        let changed = told.await.map_err(|error| self.failed(error))?;
        self.meter.count(usize::try_from(changed).unwrap_or(usize::MAX));
        Ok(changed)
    }
}

fn parameters<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

impl Value<'_> {
    /// The driver writes what it is given: eight bytes of a number for a text would be read as a text.
    fn fits(&self, type_: &PgType) -> bool {
        let kind = match self {
            Value::Null(kind) => *kind,
            Value::Int(_) => Type::Int,
            Value::Text(_) => Type::Text,
            Value::Flag(_) => Type::Flag,
            Value::Uuid(_) => Type::Uuid,
            Value::Bytes(_) => Type::Bytes,
            Value::Ints(_) => return *type_ == PgType::INT8_ARRAY,
            Value::Texts(_) => return *type_ == PgType::TEXT_ARRAY,
            Value::Uuids(_) => return *type_ == PgType::UUID_ARRAY,
        };
        match kind {
            Type::Int => *type_ == PgType::INT8,
            Type::Text => *type_ == PgType::TEXT || *type_ == PgType::VARCHAR,
            Type::Flag => *type_ == PgType::BOOL,
            Type::Uuid => *type_ == PgType::UUID,
            Type::Bytes => *type_ == PgType::BYTEA,
        }
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, type_: &PgType, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        if !self.fits(type_) {
            return Err(format!("{self:?} for a parameter of type {type_}").into());
        }
        match self {
            Value::Null(_) => Ok(IsNull::Yes),
            Value::Int(value) => value.to_sql(type_, out),
            Value::Text(value) => value.to_sql(type_, out),
            Value::Flag(value) => value.to_sql(type_, out),
            Value::Uuid(value) => value.to_sql(type_, out),
            Value::Bytes(value) => value.to_sql(type_, out),
            Value::Ints(values) => values.to_sql(type_, out),
            Value::Texts(values) => values.to_sql(type_, out),
            Value::Uuids(values) => values.to_sql(type_, out),
        }
    }

    /// Only the exact types: a number that would be cut to 32 bits is a defect (docs/decisions/0001).
    fn accepts(type_: &PgType) -> bool {
        [
            PgType::INT8,
            PgType::TEXT,
            PgType::VARCHAR,
            PgType::BOOL,
            PgType::UUID,
            PgType::BYTEA,
            PgType::INT8_ARRAY,
            PgType::TEXT_ARRAY,
            PgType::UUID_ARRAY,
        ]
        .contains(type_)
    }

    to_sql_checked!();
}
