//! Invites to buckets and objects: secrets that become grants, once.

use access::PermissionCode;
use domain::{PersonId, Timestamp};
use uuid::Uuid;

use crate::{Row, Session, StoreError, catalogue::sql, grants::code_number};

sql! {
    INVITE_INSERT: "
INSERT INTO invite (uuid, secret_hash, item_uuid, on_bucket, email, codes, recursive, inviter_id, created_by, created_at,
    expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

    INVITE_FIND: "
SELECT uuid, item_uuid, on_bucket, email, codes, recursive, inviter_id, created_by, created_at, expires_at
FROM invite WHERE secret_hash = $1";

    /// Of two who redeem one secret at the same time, one takes it away.
    INVITE_TAKE: "DELETE FROM invite WHERE uuid = $1";

    /// item, now, after which (0 for the first), how many: what is still open, oldest first.
    INVITE_LIST: "
SELECT uuid, item_uuid, on_bucket, email, codes, recursive, inviter_id, created_by, created_at, expires_at
FROM invite WHERE item_uuid = $1 AND expires_at > $2 AND id > $3 ORDER BY id LIMIT $4";

    INVITE_PLACE: "SELECT id FROM invite WHERE uuid = $1 AND item_uuid = $2";

    INVITE_BY_UUID: "
SELECT uuid, item_uuid, on_bucket, email, codes, recursive, inviter_id, created_by, created_at, expires_at
FROM invite WHERE uuid = $1";

    /// before when, how many.
    INVITE_PRUNE: {
        sqlite: "
DELETE FROM invite WHERE id IN (SELECT id FROM invite WHERE expires_at < $1 ORDER BY expires_at LIMIT $2)",
        postgres: "
DELETE FROM invite WHERE id = ANY (ARRAY(SELECT id FROM invite WHERE expires_at < $1 ORDER BY expires_at LIMIT $2))",
    };
}

/// An invite as it is kept.
#[derive(Clone, Debug)]
pub struct InviteRow {
    /// Its public id, which is not its secret.
    pub uuid: Uuid,
    /// The bucket or object.
    pub item: Uuid,
    /// Whether it is a bucket.
    pub on_bucket: bool,
    /// Only somebody with this address may redeem it.
    pub email: Option<String>,
    /// What it gives.
    pub codes: Vec<PermissionCode>,
    /// Whether it gives the same on buckets below.
    pub recursive: bool,
    /// The person who invited; none for the superuser and service accounts.
    pub inviter: Option<PersonId>,
    /// The public id of the same, for stamps.
    pub created_by: Uuid,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

fn read(row: &Row<'_>) -> Result<InviteRow, StoreError> {
    let bits: i64 = row.get(4)?;
    Ok(InviteRow {
        uuid: row.get(0)?,
        item: row.get(1)?,
        on_bucket: row.get(2)?,
        email: row.get(3)?,
        codes: PermissionCode::ALL
            .into_iter()
            .filter(|code| bits & bit(*code) != 0)
            .collect(),
        recursive: row.get(5)?,
        inviter: row.get(6)?,
        created_by: row.get(7)?,
        created_at: row.get(8)?,
        expires_at: row.get(9)?,
    })
}

const fn bit(code: PermissionCode) -> i64 {
    1 << code_number(code)
}

/// Keeps an invite with the hash of its secret.
pub async fn insert<S: Session>(s: &mut S, invite: &InviteRow, secret_hash: &[u8]) -> Result<(), StoreError> {
    let bits = invite.codes.iter().fold(0, |bits, code| bits | bit(*code));
    let values = [
        invite.uuid.into(),
        secret_hash.into(),
        invite.item.into(),
        invite.on_bucket.into(),
        invite.email.as_ref().into(),
        bits.into(),
        invite.recursive.into(),
        invite.inviter.into(),
        invite.created_by.into(),
        invite.created_at.into(),
        invite.expires_at.into(),
    ];
    s.execute(&INVITE_INSERT, &values).await.map(drop)
}

/// The invite of a secret, ended ones included until they are pruned.
pub async fn find<S: Session>(s: &mut S, secret_hash: &[u8]) -> Result<Option<InviteRow>, StoreError> {
    s.find(&INVITE_FIND, &[secret_hash.into()], read).await
}

/// An invite by its public id.
pub async fn find_by_uuid<S: Session>(s: &mut S, uuid: Uuid) -> Result<Option<InviteRow>, StoreError> {
    s.find(&INVITE_BY_UUID, &[uuid.into()], read).await
}

/// Takes an invite away; false if somebody else did.
pub async fn take<S: Session>(s: &mut S, uuid: Uuid) -> Result<bool, StoreError> {
    Ok(s.execute(&INVITE_TAKE, &[uuid.into()]).await? > 0)
}

/// The open invites to an item, oldest first, from the one after `after` on; nothing when that one is gone.
pub async fn list<S: Session>(
    s: &mut S,
    item: Uuid,
    now: Timestamp,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<InviteRow>, StoreError> {
    let place = match after {
        None => 0,
        Some(uuid) => {
            let values = [uuid.into(), item.into()];
            match s.find(&INVITE_PLACE, &values, |row| row.get::<i64>(0)).await? {
                Some(place) => place,
                None => return Ok(Vec::new()),
            }
        }
    };
    let values = [item.into(), now.into(), place.into(), limit.into()];
    s.fetch(&INVITE_LIST, &values, read).await
}

/// Forgets invites that ended before a moment; answers how many.
pub async fn prune<S: Session>(s: &mut S, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    s.execute(&INVITE_PRUNE, &[before.into(), limit.into()]).await
}
