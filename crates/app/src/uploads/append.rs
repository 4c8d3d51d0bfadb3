//! Bytes of an upload that can be resumed.

use std::sync::Arc;

use blob::{Body, PutOptions};
use domain::{Kind, Timestamp};
use store::{
    Access, Op, Session,
    resumable::{self, Piece, ResumableRow},
};
use uuid::Uuid;

use super::{
    Algorithm, Description, lease_end, names, own, piece_key,
    source::{Source, joined},
};
use crate::{
    App, Ctx, Error, Result,
    jobs::effects::delete_bytes,
    objects::{NewObject, Stored, create_resumed},
};

/// The least length of a piece: what is lost at the most when a connection breaks.
const LEAST_PIECE: i64 = 8 << 20;
/// How many pieces the longest upload has.
const MOST_PIECES: i64 = 10_000;

/// What came of bytes that were sent.
#[derive(Debug)]
pub enum Appended {
    /// They count; the upload is this far now.
    Received {
        /// How much of the object is there.
        received: u64,
        /// When the upload is given up if nothing more comes.
        expires_at: Timestamp,
    },
    /// They were the last ones: the object.
    Stored(Box<Stored>),
    /// They do not have the checksum that was sent with them, and were thrown away.
    Garbled,
}

/// Takes bytes of an upload from a place on. What arrived counts, also when the connection breaks later, up to a piece; with a
/// checksum nothing counts before all of it is there.
///
/// # Errors
/// `Conflict` when the upload is at another place; `Invalid` for more bytes than the object will have.
pub async fn append(
    app: &Arc<App>,
    ctx: &Ctx,
    upload: Uuid,
    (from, length): (u64, u64),
    checksum: Option<(Algorithm, Vec<u8>)>,
    body: Body,
) -> Result<Appended> {
    let start = Start(ctx.clone(), upload, app.now());
    let object = || format!("upload:{upload}");
    let (row, mut pieces) = app.decide(ctx, "upload.append", object, start).await?;
    let (from, length) = (place(from)?, place(length)?);
    if row.received != from {
        return Err(elsewhere());
    }
    let end = from.checked_add(length).filter(|end| *end <= row.size);
    let end = end.ok_or_else(|| Error::new(Kind::Invalid, "The upload would become longer than announced"))?;
    let transfer = Transfer {
        app,
        ctx,
        row: &row,
        source: Source::new(body, checksum.as_ref().map(|(algorithm, _)| *algorithm)),
        at_once: checksum.is_none(),
    };
    let mut held = Vec::new();
    transfer.receive(from, end, &mut held).await?;
    if let Some((_, expected)) = &checksum
        && !transfer.source.is(expected).await
    {
        transfer.discard(&held).await?;
        return Ok(Appended::Garbled);
    }
    if end < row.size {
        let expires_at = lease_end(app);
        if !held.is_empty() {
            transfer.count(&held, (from, end)).await?;
        }
        return Ok(Appended::Received {
            received: u64::try_from(end).unwrap_or(0),
            expires_at,
        });
    }
    if checksum.is_none() {
        // Pieces before the last one count already.
        pieces = app.store().run(Pieces(row.id), &ctx.meter).await?;
    }
    pieces.extend(held);
    transfer.finish(pieces).await
}

fn place(bytes: u64) -> Result<i64> {
    i64::try_from(bytes).map_err(|error| Error::new(Kind::Invalid, "The place lies beyond every upload").because(error))
}

fn elsewhere() -> Error {
    Error::new(Kind::Conflict, "The upload is at another place")
}

struct Transfer<'a> {
    app: &'a Arc<App>,
    ctx: &'a Ctx,
    row: &'a ResumableRow,
    source: Source,
    /// Whether pieces count as soon as they are stored.
    at_once: bool,
}

impl Transfer<'_> {
    /// Stores the bytes in pieces. Those that do not count yet are left in `held`: all of them when there is a checksum, and
    /// the one that completes the object in any case.
    async fn receive(&self, from: i64, end: i64, held: &mut Vec<Piece>) -> Result<()> {
        let longest = LEAST_PIECE.max(self.row.size / MOST_PIECES + 1);
        let mut starts_at = from;
        while starts_at < end {
            let piece = Piece {
                uuid: self.app.entropy().uuid(),
                starts_at,
                size: longest.min(end - starts_at),
            };
            let begin = BeginPiece(self.row.id, piece, lease_end(self.app));
            self.app.store().run(begin, &self.ctx.meter).await?;
            let length = u64::try_from(piece.size).unwrap_or(0);
            let options = PutOptions {
                length,
                ..PutOptions::default()
            };
            let blobs = self.app.storages().default_storage();
            let stored = blobs
                .put(&piece_key(piece.uuid)?, self.source.next(length), &options)
                .await;
            if let Err(error) = stored {
                self.discard(&[piece]).await?;
                return Err(error.into());
            }
            starts_at += piece.size;
            if self.at_once && starts_at < self.row.size {
                self.count(&[piece], (piece.starts_at, starts_at)).await?;
            } else {
                held.push(piece);
            }
        }
        Ok(())
    }

    /// Lets pieces count; throws them away when somebody else got ahead.
    async fn count(&self, pieces: &[Piece], way: (i64, i64)) -> Result<()> {
        let uuids = pieces.iter().map(|piece| piece.uuid).collect();
        let advance = Advance(self.row.id, uuids, way, lease_end(self.app));
        if self.app.store().run(advance, &self.ctx.meter).await? {
            return Ok(());
        }
        self.discard(pieces).await?;
        Err(elsewhere())
    }

    async fn discard(&self, pieces: &[Piece]) -> Result<()> {
        let uuids = pieces.iter().map(|piece| piece.uuid).collect();
        let drop = Drop(uuids, self.app.now());
        self.app.store().run(drop, &self.ctx.meter).await
    }

    /// Makes the object of all pieces, which must follow each other without a gap.
    async fn finish(&self, pieces: Vec<Piece>) -> Result<Appended> {
        let mut reached = 0;
        for piece in &pieces {
            if piece.starts_at != reached {
                return Err(elsewhere());
            }
            reached += piece.size;
        }
        let description = Description::read(self.row)?;
        let new = NewObject {
            bucket: self.row.bucket,
            content: description.content(self.row.size),
            file_name: description.file_name,
        };
        let blobs = Arc::clone(&self.app.storages().default().blobs);
        let body = joined(blobs, pieces);
        let stored = create_resumed(self.app, self.ctx, new, body, self.row.id).await?;
        Ok(Appended::Stored(Box::new(stored)))
    }
}

/// The upload as it is, with the pieces that count.
#[derive(Clone)]
struct Start(Ctx, Uuid, Timestamp);

impl Op for Start {
    type Out = (ResumableRow, Vec<Piece>);
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let row = own(s, &self.0, self.1, self.2).await?;
        let pieces = resumable::stored(s, row.id).await?;
        Ok((row, pieces))
    }
}

#[derive(Clone)]
struct Pieces(i64);

impl Op for Pieces {
    type Out = Vec<Piece>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Vec<Piece>> {
        Ok(resumable::stored(s, self.0).await?)
    }
}

#[derive(Clone)]
struct BeginPiece(i64, Piece, Timestamp);

impl Op for BeginPiece {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        Ok(resumable::begin_piece(s, self.0, self.1, self.2).await?)
    }
}

#[derive(Clone)]
struct Advance(i64, Vec<Uuid>, (i64, i64), Timestamp);

impl Op for Advance {
    type Out = bool;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<bool> {
        Ok(resumable::advance(s, self.0, &self.1, self.2, self.3).await?)
    }
}

#[derive(Clone)]
struct Drop(Vec<Uuid>, Timestamp);

impl Op for Drop {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        resumable::drop_pieces(s, &self.0).await?;
        delete_bytes(s, &names(&self.0), self.1).await
    }
}
