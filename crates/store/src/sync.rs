//! Synchronisation with registered S3 buckets: its jobs. What they read and write is in [`crate::synced`].

use domain::{ItemId, Timestamp};
use uuid::Uuid;

use crate::{Restriction, Row, Session, StoreError, Value, catalogue::sql, query::Query};

macro_rules! job_columns {
    () => {
        "id, bucket_id, path, recursive, phase, marker, started_at, attempts, keys_done"
    };
}

/// What asking again for a job that exists does to it.
macro_rules! job_again {
    () => {
        "
ON CONFLICT (bucket_id, path) DO UPDATE SET
    again = sync_job.dead_at IS NULL AND sync_job.started_at IS NOT NULL,
    recursive = sync_job.recursive OR excluded.recursive,
    phase = CASE WHEN sync_job.dead_at IS NULL THEN sync_job.phase ELSE 0 END,
    marker = CASE WHEN sync_job.dead_at IS NULL THEN sync_job.marker END,
    started_at = CASE WHEN sync_job.dead_at IS NULL THEN sync_job.started_at END,
    attempts = 0, dead_at = NULL, not_before = excluded.not_before
WHERE sync_job.dead_at IS NOT NULL OR sync_job.started_at IS NOT NULL AND NOT sync_job.again
    OR excluded.recursive AND NOT sync_job.recursive
RETURNING id"
    };
}

sql! {
    /// path, recursive, now, buckets. Answers what is new: a job that waits is left as it is; one that is being done is
    /// done again afterwards; a dead one lives again.
    SYNC_ENQUEUE: {
        sqlite: concat!("
INSERT INTO sync_job (bucket_id, path, recursive, requested_at, not_before)
SELECT n.value, $1, $2, $3, $3 FROM json_each($4) n WHERE TRUE", job_again!()),
        postgres: concat!("
INSERT INTO sync_job (bucket_id, path, recursive, requested_at, not_before)
SELECT n, $1::text, $2::boolean, $3::bigint, $3::bigint FROM unnest($4::bigint[]) n", job_again!()),
    };

    SYNC_DUE: "
SELECT id FROM sync_job WHERE dead_at IS NULL AND not_before <= $1 AND (lease_until IS NULL OR lease_until < $1) LIMIT 1";

    /// holder, lease until, now.
    SYNC_CLAIM: {
        sqlite: concat!("
UPDATE sync_job SET lease_holder = $1, lease_until = $2, attempts = attempts + 1, started_at = coalesce(started_at, $3)
WHERE id IN (SELECT id FROM sync_job WHERE dead_at IS NULL AND not_before <= $3
    AND (lease_until IS NULL OR lease_until < $3) ORDER BY not_before, id LIMIT 1)
RETURNING ", job_columns!()),
        // As with effects: nodes do not wait for each other's rows, and the choice is made once.
        postgres: concat!("
UPDATE sync_job SET lease_holder = $1, lease_until = $2, attempts = attempts + 1, started_at = coalesce(started_at, $3)
WHERE id = ANY (ARRAY(SELECT id FROM sync_job WHERE dead_at IS NULL AND not_before <= $3
    AND (lease_until IS NULL OR lease_until < $3) ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED))
RETURNING ", job_columns!()),
    };

    SYNC_PROLONG: "UPDATE sync_job SET lease_until = $1 WHERE id = $2 AND lease_holder = $3";

    SYNC_CHECKPOINT: "
UPDATE sync_job SET phase = $1, marker = $2, keys_done = keys_done + $3, attempts = 1 WHERE id = $4 AND lease_holder = $5";

    SYNC_BEGIN_AGAIN: "
UPDATE sync_job SET again = FALSE, phase = 0, marker = NULL, started_at = NULL, attempts = 0, lease_holder = NULL,
    lease_until = NULL, not_before = $1
WHERE id = $2 AND lease_holder = $3 AND again";

    SYNC_DONE: "DELETE FROM sync_job WHERE id = $1 AND lease_holder = $2";

    SYNC_FAILED: "
UPDATE sync_job SET lease_holder = NULL, lease_until = NULL, not_before = $1, last_error = $2, dead_at = $3
WHERE id = $4 AND lease_holder = $5";

    SYNC_COUNTS: "
SELECT coalesce(sum(CASE WHEN dead_at IS NULL THEN 1 ELSE 0 END), 0), coalesce(sum(CASE WHEN dead_at IS NULL THEN 0 ELSE 1 END), 0)
FROM (SELECT dead_at FROM sync_job) jobs";

    SYNC_UNFINISHED: "
SELECT j.id, i.uuid, j.path, j.recursive, j.keys_done, j.attempts, j.last_error, j.dead_at, j.requested_at
FROM sync_job j JOIN item i ON i.id = j.bucket_id WHERE j.id > $1 ORDER BY j.id LIMIT $2";

    SYNC_RETRY: "UPDATE sync_job SET dead_at = NULL, attempts = 0, not_before = $1 WHERE dead_at IS NOT NULL";

    SYNC_REQUESTED: {
        sqlite: "UPDATE bucket SET last_sync_requested_at = $1 WHERE item_id IN (SELECT value FROM json_each($2))",
        postgres: "UPDATE bucket SET last_sync_requested_at = $1 WHERE item_id = ANY($2)",
    };
}

/// A job that somebody works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// The bucket.
    pub bucket: ItemId,
    /// One key; empty for the folder.
    pub path: String,
    /// Whether folders below are looked for too.
    pub recursive: bool,
    /// How far it is: a number of the worker's.
    pub phase: i64,
    /// Where it goes on.
    pub marker: Option<String>,
    /// When it was first begun.
    pub started_at: Timestamp,
    /// How often it was tried since it last got on, this time included.
    pub attempts: i64,
    /// Keys done so far.
    pub keys_done: i64,
}

fn job(row: &Row<'_>) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.get(0)?,
        bucket: row.get(1)?,
        path: row.get(2)?,
        recursive: row.get(3)?,
        phase: row.get(4)?,
        marker: row.get(5)?,
        started_at: row.get(6)?,
        attempts: row.get(7)?,
        keys_done: row.get(8)?,
    })
}

/// Asks for jobs on these buckets; answers how many are new.
pub async fn enqueue<S: Session>(
    s: &mut S,
    buckets: &[i64],
    path: &str,
    recursive: bool,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let values = [path.into(), recursive.into(), now.into(), Value::Ints(buckets)];
    let new = s.fetch(&SYNC_ENQUEUE, &values, |row| row.get::<i64>(0)).await?;
    Ok(new.len())
}

/// Remembers when a synchronisation of these buckets was last asked for.
pub async fn requested<S: Session>(s: &mut S, buckets: &[i64], now: Timestamp) -> Result<(), StoreError> {
    s.execute(&SYNC_REQUESTED, &[now.into(), Value::Ints(buckets)])
        .await
        .map(drop)
}

/// Whether a job is due.
pub async fn due<S: Session>(s: &mut S, now: Timestamp) -> Result<bool, StoreError> {
    Ok(s.find(&SYNC_DUE, &[now.into()], |row| row.get::<i64>(0))
        .await?
        .is_some())
}

/// Claims the job that has been due for longest, for `holder` until `until`.
pub async fn claim<S: Session>(
    s: &mut S,
    holder: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<Option<Job>, StoreError> {
    s.find(&SYNC_CLAIM, &[holder.into(), until.into(), now.into()], job)
        .await
}

/// Keeps a job; false: somebody else has it, or it is gone with its bucket.
pub async fn prolong<S: Session>(s: &mut S, job: i64, holder: &str, until: Timestamp) -> Result<bool, StoreError> {
    let values = [until.into(), job.into(), holder.into()];
    Ok(s.execute(&SYNC_PROLONG, &values).await? == 1)
}

/// Remembers how far a job is, in the transaction that writes what it has done; false: somebody else has it, and nothing
/// may be written.
pub async fn checkpoint<S: Session>(
    s: &mut S,
    job: i64,
    holder: &str,
    (phase, marker): (i64, Option<&str>),
    keys: i64,
) -> Result<bool, StoreError> {
    let values = [phase.into(), marker.into(), keys.into(), job.into(), holder.into()];
    Ok(s.execute(&SYNC_CHECKPOINT, &values).await? == 1)
}

/// Ends a job that is done, or begins it again if somebody asked meanwhile.
pub async fn done<S: Session>(s: &mut S, job: i64, holder: &str, now: Timestamp) -> Result<(), StoreError> {
    let again = [now.into(), job.into(), holder.into()];
    if s.execute(&SYNC_BEGIN_AGAIN, &again).await? == 0 {
        s.execute(&SYNC_DONE, &[job.into(), holder.into()]).await?;
    }
    Ok(())
}

/// Puts a job off that failed, or gives it up.
pub async fn failed<S: Session>(
    s: &mut S,
    job: i64,
    holder: &str,
    not_before: Timestamp,
    why: &str,
    dead_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    let values = [not_before.into(), why.into(), dead_at.into(), job.into(), holder.into()];
    s.execute(&SYNC_FAILED, &values).await.map(drop)
}

/// How many jobs are not done yet, and how many were given up.
pub async fn counts<S: Session>(s: &mut S) -> Result<(i64, i64), StoreError> {
    s.one(&SYNC_COUNTS, &[], |row| Ok((row.get(0)?, row.get(1)?))).await
}

/// How many jobs are not done yet (objects contract 4.8), of what the restriction leaves.
pub async fn unfinished<S: Session>(s: &mut S, buckets: &[Uuid], restriction: &Restriction) -> Result<i64, StoreError> {
    let within = restriction.buckets();
    let mut query = Query::new(
        "SYNC_STATUS",
        "SELECT count(*) FROM sync_job j JOIN item i ON i.id = j.bucket_id WHERE j.dead_at IS NULL",
    );
    query.and_uuids(
        "i.uuid IN (SELECT unhex(value) FROM json_each({}))",
        "i.uuid = ANY({})",
        buckets,
    );
    query.and_within(
        "j.bucket_id IN (SELECT value FROM json_each({}))",
        "j.bucket_id = ANY({})",
        within.as_deref(),
    );
    if let Restriction::Readable(person) = restriction {
        query.and(
            "EXISTS (SELECT 1 FROM access_grant g
    WHERE g.item_id IN (i.id, (SELECT o.id FROM item o WHERE o.parent_id = j.bucket_id AND o.path = j.path))
        AND g.kind = 0 AND g.code = 2 AND (g.principal_kind = 1 AND g.principal_id = {}
            OR g.principal_kind = 5 AND g.principal_id = (SELECT p.identity_provider FROM person p WHERE p.id = {})))",
            *person,
        );
    }
    let (statement, values) = query.build();
    s.one(&statement, &values, |row| row.get(0)).await
}

/// A job as the operator sees it.
#[derive(Clone, Debug)]
pub struct JobState {
    /// Its number.
    pub id: i64,
    /// Public id of the bucket.
    pub bucket: Uuid,
    /// One key; empty for the folder.
    pub path: String,
    /// Whether folders below are looked for too.
    pub recursive: bool,
    /// Keys done so far.
    pub keys_done: i64,
    /// How often it was tried since it last got on.
    pub attempts: i64,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// When it was given up.
    pub dead_at: Option<Timestamp>,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

/// Jobs by number, after one, so many.
pub async fn jobs<S: Session>(s: &mut S, after: i64, limit: i64) -> Result<Vec<JobState>, StoreError> {
    s.fetch(&SYNC_UNFINISHED, &[after.into(), limit.into()], |row| {
        Ok(JobState {
            id: row.get(0)?,
            bucket: row.get(1)?,
            path: row.get(2)?,
            recursive: row.get(3)?,
            keys_done: row.get(4)?,
            attempts: row.get(5)?,
            last_error: row.get(6)?,
            dead_at: row.get(7)?,
            requested_at: row.get(8)?,
        })
    })
    .await
}

/// Has everything that was given up tried again; how many there were.
pub async fn retry<S: Session>(s: &mut S, now: Timestamp) -> Result<u64, StoreError> {
    s.execute(&SYNC_RETRY, &[now.into()]).await
}
