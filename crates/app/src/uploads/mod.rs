//! Uploads that can be resumed: bytes come in pieces, as far as the connection lasts, and become an object in the end, the
//! same way as an upload at once.
//!
//! Pieces lie in the server's own storage, wherever the object goes: so any node can go on where another one stopped. The
//! last bytes do not count before the object is committed: an upload that says it is complete is an object.

mod append;
mod begin;
mod end;
mod source;

pub use append::{Appended, append};
pub use begin::{NewUpload, UploadView, begin, find};
pub(crate) use end::sweep;
pub use end::terminate;
pub use identity::checksum::Algorithm;

use access::{Authorised, CodeCreate};
use blob::Key;
use domain::{Kind, Timestamp};
use serde::{Deserialize, Serialize};
use store::{
    Session,
    resumable::{self, ResumableRow},
};
use uuid::Uuid;

use crate::{
    App, Ctx, Error, Result,
    gate::{self, On},
    objects::{Content, storage_key},
};

/// How long an upload that stands still is kept, in seconds.
const KEPT_SECONDS: i64 = 86_400;

fn lease_end(app: &App) -> Timestamp {
    app.now().plus_seconds(KEPT_SECONDS)
}

/// What the object will be.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Description {
    file_name: String,
    mime_type: Option<String>,
    metadata: Vec<(String, String)>,
    tags: Vec<(String, String)>,
}

impl Description {
    fn read(row: &ResumableRow) -> Result<Self> {
        serde_json::from_str(&row.description)
            .map_err(|error| Error::new(Kind::Internal, "The upload cannot be read").because(error))
    }

    fn content(&self, size: i64) -> Content {
        Content {
            length: u64::try_from(size).unwrap_or(0),
            mime_type: self.mime_type.clone(),
            metadata: self.metadata.clone(),
            tags: self.tags.clone(),
        }
    }
}

/// Where a piece lies.
fn piece_name(piece: Uuid) -> String {
    format!("uploads/{}", piece.simple())
}

fn piece_key(piece: Uuid) -> Result<Key> {
    storage_key(&piece_name(piece))
}

pub(crate) fn names(pieces: &[Uuid]) -> Vec<String> {
    pieces.iter().map(|piece| piece_name(*piece)).collect()
}

/// An upload that is none of the caller's does not exist for them.
fn unknown() -> Error {
    Error::new(Kind::NotFound, "There is no such upload")
}

/// One of the caller's own uploads, while they may still upload into its bucket.
async fn own<S: Session>(s: &mut S, ctx: &Ctx, upload: Uuid, now: Timestamp) -> Result<ResumableRow> {
    let row = resumable::find(s, upload).await?.ok_or_else(unknown)?;
    if row.owner != ctx.caller.actor() || row.expires_at < now {
        return Err(unknown());
    }
    let proof: Result<Authorised<CodeCreate>> = gate::allow(s, ctx, On::Bucket, row.bucket, now).await;
    proof.map_err(|error| if error.kind == Kind::NotFound { unknown() } else { error })?;
    Ok(row)
}
