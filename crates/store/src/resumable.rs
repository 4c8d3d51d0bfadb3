//! Uploads that can be resumed: how far they are, and the pieces they have so far.

use domain::Timestamp;
use uuid::Uuid;

use crate::{Row, Session, StoreError, Value, catalogue::sql};

sql! {
    RESUMABLE_INSERT: "
INSERT INTO resumable_upload (uuid, bucket_uuid, owner, description, size, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)";

    RESUMABLE_FIND: "
SELECT id, uuid, bucket_uuid, owner, description, size, received, object_uuid, expires_at
FROM resumable_upload WHERE uuid = $1";

    PIECE_INSERT: "INSERT INTO resumable_piece (uuid, upload_id, starts_at, size) VALUES ($1, $2, $3, $4)";

    RESUMABLE_EXTEND: "UPDATE resumable_upload SET expires_at = $1 WHERE id = $2";

    /// up to where, until when, which, from where: of two who send the same bytes one gets on.
    RESUMABLE_ADVANCE: "
UPDATE resumable_upload SET received = $1, expires_at = $2
WHERE id = $3 AND received = $4 AND object_uuid IS NULL";

    PIECES_COUNT_FROM_NOW: {
        sqlite: "UPDATE resumable_piece SET stored = TRUE WHERE uuid IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "UPDATE resumable_piece SET stored = TRUE WHERE uuid = ANY($1)",
    };

    PIECES_STORED: "
SELECT uuid, starts_at, size FROM resumable_piece WHERE upload_id = $1 AND stored ORDER BY starts_at";

    PIECES_OF: "SELECT uuid FROM resumable_piece WHERE upload_id = $1";

    PIECES_DELETE: "DELETE FROM resumable_piece WHERE upload_id = $1";

    PIECES_DROP: {
        sqlite: "DELETE FROM resumable_piece WHERE uuid IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "DELETE FROM resumable_piece WHERE uuid = ANY($1)",
    };

    RESUMABLE_COMPLETE: "
UPDATE resumable_upload SET received = size, object_uuid = $1 WHERE id = $2 AND object_uuid IS NULL";

    RESUMABLE_DELETE: "DELETE FROM resumable_upload WHERE id = $1";

    RESUMABLE_EXPIRED: "
SELECT id FROM resumable_upload WHERE expires_at < $1 ORDER BY expires_at LIMIT $2";
}

/// An upload as it is kept.
#[derive(Clone, Debug)]
pub struct ResumableRow {
    /// Its key.
    pub id: i64,
    /// Its public id.
    pub uuid: Uuid,
    /// Where the object goes.
    pub bucket: Uuid,
    /// Who began it.
    pub owner: String,
    /// What the object will be (JSON).
    pub description: String,
    /// How long it will be.
    pub size: i64,
    /// How much of it is there.
    pub received: i64,
    /// The object it has become.
    pub object: Option<Uuid>,
    /// When it is given up.
    pub expires_at: Timestamp,
}

/// A piece of an upload, in order of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its id, which is where it lies.
    pub uuid: Uuid,
    /// The place of its first byte.
    pub starts_at: i64,
    /// How long it is.
    pub size: i64,
}

fn read(row: &Row<'_>) -> Result<ResumableRow, StoreError> {
    Ok(ResumableRow {
        id: row.get(0)?,
        uuid: row.get(1)?,
        bucket: row.get(2)?,
        owner: row.get(3)?,
        description: row.get(4)?,
        size: row.get(5)?,
        received: row.get(6)?,
        object: row.get(7)?,
        expires_at: row.get(8)?,
    })
}

/// Begins an upload; `id`, `received` and `object` of the row do not count.
pub async fn insert<S: Session>(s: &mut S, row: &ResumableRow, now: Timestamp) -> Result<(), StoreError> {
    let values = [
        row.uuid.into(),
        row.bucket.into(),
        (&row.owner).into(),
        (&row.description).into(),
        row.size.into(),
        now.into(),
        row.expires_at.into(),
    ];
    s.execute(&RESUMABLE_INSERT, &values).await.map(drop)
}

/// One upload.
pub async fn find<S: Session>(s: &mut S, uuid: Uuid) -> Result<Option<ResumableRow>, StoreError> {
    s.find(&RESUMABLE_FIND, &[uuid.into()], read).await
}

/// Writes a piece down before it is stored, and puts the end of the upload off.
pub async fn begin_piece<S: Session>(
    s: &mut S,
    upload: i64,
    piece: Piece,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let values = [
        piece.uuid.into(),
        upload.into(),
        piece.starts_at.into(),
        piece.size.into(),
    ];
    s.execute(&PIECE_INSERT, &values).await?;
    s.execute(&RESUMABLE_EXTEND, &[expires_at.into(), upload.into()])
        .await
        .map(drop)
}

/// Lets stored pieces count, which go from one place to another; false if the upload is not at that place any more.
pub async fn advance<S: Session>(
    s: &mut S,
    upload: i64,
    pieces: &[Uuid],
    (from, to): (i64, i64),
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let values = [to.into(), expires_at.into(), upload.into(), from.into()];
    if s.execute(&RESUMABLE_ADVANCE, &values).await? == 0 {
        return Ok(false);
    }
    s.execute(&PIECES_COUNT_FROM_NOW, &[Value::Uuids(pieces)]).await?;
    Ok(true)
}

/// The pieces that count, first to last.
pub async fn stored<S: Session>(s: &mut S, upload: i64) -> Result<Vec<Piece>, StoreError> {
    s.fetch(&PIECES_STORED, &[upload.into()], |row| {
        Ok(Piece {
            uuid: row.get(0)?,
            starts_at: row.get(1)?,
            size: row.get(2)?,
        })
    })
    .await
}

/// Forgets pieces.
pub async fn drop_pieces<S: Session>(s: &mut S, pieces: &[Uuid]) -> Result<(), StoreError> {
    s.execute(&PIECES_DROP, &[Value::Uuids(pieces)]).await.map(drop)
}

/// Says that an upload has become an object, and forgets its pieces; gives those whose bytes have to go. Nothing if it has
/// become one already, or is gone.
pub async fn complete<S: Session>(s: &mut S, upload: i64, object: Uuid) -> Result<Option<Vec<Uuid>>, StoreError> {
    if s.execute(&RESUMABLE_COMPLETE, &[object.into(), upload.into()]).await? == 0 {
        return Ok(None);
    }
    let pieces = s.fetch(&PIECES_OF, &[upload.into()], |row| row.get(0)).await?;
    s.execute(&PIECES_DELETE, &[upload.into()]).await?;
    Ok(Some(pieces))
}

/// Forgets an upload; gives the pieces whose bytes have to go.
pub async fn delete<S: Session>(s: &mut S, upload: i64) -> Result<Vec<Uuid>, StoreError> {
    let pieces = s.fetch(&PIECES_OF, &[upload.into()], |row| row.get(0)).await?;
    s.execute(&RESUMABLE_DELETE, &[upload.into()]).await?;
    Ok(pieces)
}

/// Uploads whose time is over.
pub async fn expired<S: Session>(s: &mut S, now: Timestamp, limit: i64) -> Result<Vec<i64>, StoreError> {
    s.fetch(&RESUMABLE_EXPIRED, &[now.into(), limit.into()], |row| row.get(0))
        .await
}
