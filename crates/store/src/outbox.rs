//! Effects that leave the server (deleting bytes, later mail and webhooks), written in the transaction that causes them,
//! and the leases under which nodes work on them.

use domain::Timestamp;

use crate::{Row, Session, StoreError, Value, catalogue::sql};

sql! {
    PING: "SELECT count(*) FROM lease WHERE name = ''";

    OUTBOX_INSERT: "INSERT INTO outbox (kind, payload, created_at, not_before) VALUES ($1, $2, $3, $3)";

    /// kind, now, payloads.
    OUTBOX_INSERT_MANY: {
        sqlite: "
INSERT INTO outbox (kind, payload, created_at, not_before)
SELECT $1, n.value, $2, $2 FROM json_each($3) n ORDER BY n.key",
        postgres: "
INSERT INTO outbox (kind, payload, created_at, not_before)
SELECT $1::text, p, $2::bigint, $2::bigint FROM unnest($3::text[]) WITH ORDINALITY t (p, n) ORDER BY n",
    };

    /// holder, lease until, now, how many.
    OUTBOX_CLAIM: {
        sqlite: "
UPDATE outbox SET lease_holder = $1, lease_until = $2, attempts = attempts + 1
WHERE id IN (SELECT id FROM outbox WHERE not_before <= $3 AND (lease_until IS NULL OR lease_until < $3)
    ORDER BY not_before, id LIMIT $4)
RETURNING id, kind, payload, attempts, created_at",
        // Two nodes must not wait for each other's rows. The choice is an array because a subquery with LIMIT may be run
        // more than once, and would then lock more rows than it says.
        postgres: "
UPDATE outbox SET lease_holder = $1, lease_until = $2, attempts = attempts + 1
WHERE id = ANY (ARRAY(SELECT id FROM outbox WHERE not_before <= $3 AND (lease_until IS NULL OR lease_until < $3)
    ORDER BY not_before, id LIMIT $4 FOR UPDATE SKIP LOCKED))
RETURNING id, kind, payload, attempts, created_at",
    };

    OUTBOX_DONE: "DELETE FROM outbox WHERE id = $1 AND lease_holder = $2";

    OUTBOX_FAILED: "
UPDATE outbox SET lease_holder = NULL, lease_until = NULL, not_before = $1, last_error = $2
WHERE id = $3 AND lease_holder = $4";

    OUTBOX_COUNT: "SELECT count(*), coalesce(max(attempts), 0) FROM outbox";

    /// name, holder, until, now.
    LEASE_TAKE: "
INSERT INTO lease (name, holder, held_until) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
WHERE lease.holder = excluded.holder OR lease.held_until < $4
RETURNING holder";

    LEASE_RELEASE: "DELETE FROM lease WHERE name = $1 AND holder = $2";
}

/// An effect that is due.
#[derive(Clone, Debug)]
pub struct Effect {
    /// Its number.
    pub id: i64,
    /// Which effect.
    pub kind: String,
    /// Its parameters (JSON).
    pub payload: String,
    /// How often it was tried, this time included.
    pub attempts: i64,
    /// Since when it waits.
    pub created_at: Timestamp,
}

fn effect(row: &Row<'_>) -> Result<Effect, StoreError> {
    Ok(Effect {
        id: row.get(0)?,
        kind: row.get(1)?,
        payload: row.get(2)?,
        attempts: row.get(3)?,
        created_at: row.get(4)?,
    })
}

/// Writes an effect, to be carried out after the commit.
pub async fn insert<S: Session>(s: &mut S, kind: &str, payload: &str, now: Timestamp) -> Result<(), StoreError> {
    s.execute(&OUTBOX_INSERT, &[kind.into(), payload.into(), now.into()])
        .await
        .map(drop)
}

/// Writes effects of one kind, in one statement.
pub async fn insert_many<S: Session>(
    s: &mut S,
    kind: &str,
    payloads: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    if payloads.is_empty() {
        return Ok(());
    }
    s.execute(&OUTBOX_INSERT_MANY, &[kind.into(), now.into(), Value::Texts(payloads)])
        .await
        .map(drop)
}

/// Claims effects that are due, for `holder` until `until`.
pub async fn claim<S: Session>(
    s: &mut S,
    holder: &str,
    until: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Effect>, StoreError> {
    let values = [holder.into(), until.into(), now.into(), limit.into()];
    let mut effects = s.fetch(&OUTBOX_CLAIM, &values, effect).await?;
    // RETURNING has no order.
    effects.sort_unstable_by_key(|effect| effect.id);
    Ok(effects)
}

/// Forgets an effect that was carried out.
pub async fn done<S: Session>(s: &mut S, id: i64, holder: &str) -> Result<(), StoreError> {
    s.execute(&OUTBOX_DONE, &[id.into(), holder.into()]).await.map(drop)
}

/// Puts an effect off that failed.
pub async fn failed<S: Session>(
    s: &mut S,
    id: i64,
    holder: &str,
    not_before: Timestamp,
    why: &str,
) -> Result<(), StoreError> {
    s.execute(
        &OUTBOX_FAILED,
        &[not_before.into(), why.into(), id.into(), holder.into()],
    )
    .await
    .map(drop)
}

/// How many effects wait, and the highest number of attempts among them.
pub async fn waiting<S: Session>(s: &mut S) -> Result<(i64, i64), StoreError> {
    s.one(&OUTBOX_COUNT, &[], |row| Ok((row.get(0)?, row.get(1)?))).await
}

/// Takes or extends the lease `name`; false while somebody else holds it.
pub async fn take_lease<S: Session>(
    s: &mut S,
    name: &str,
    holder: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [name.into(), holder.into(), until.into(), now.into()];
    Ok(s.find(&LEASE_TAKE, &values, |row| row.get::<String>(0))
        .await?
        .is_some())
}

/// Gives a lease back before its time.
pub async fn release_lease<S: Session>(s: &mut S, name: &str, holder: &str) -> Result<(), StoreError> {
    s.execute(&LEASE_RELEASE, &[name.into(), holder.into()]).await.map(drop)
}
