//! Reading an object (objects contract 4.3.3, 4.3.4).

use access::{Authorised, CodeRead};
use blob::{Body, ByteRange};
use domain::{Kind, Timestamp};
use store::{
    Access, Op, Session,
    files::{self, Located, Pairs, VersionRow, VersionSelector},
};
use uuid::Uuid;

use super::{
    is_managed, no_content, no_version,
    transfer::{key, missing_store},
};
use crate::{
    App, Ctx, Error, Result,
    gate::{self, On},
};

/// What is known of a version without its bytes.
#[derive(Clone, Debug)]
pub struct Head {
    /// Entity tag with its quotes.
    pub etag: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Content type.
    pub mime_type: String,
    /// When it was stored.
    pub last_modified_at: Timestamp,
    /// The store's own id of the version.
    pub s3_version_id: Option<String>,
    /// Metadata.
    pub metadata: Vec<(String, String)>,
    /// How the store encrypts it, if it says so.
    pub server_side_encryption: Option<String>,
}

/// What to answer, decided from the head and the conditions of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeDecision {
    /// Everything.
    Whole,
    /// From the first number up to, and without, the second.
    Part(u64, u64),
    /// Nothing: the client has it.
    NotModified,
    /// Nothing: no byte lies in the range.
    Unsatisfiable,
    /// Nothing: a condition does not hold.
    PreconditionFailed,
}

/// An answer to a read.
pub enum Reading {
    /// Content, or a part of it.
    Content {
        /// What is known of the version.
        head: Head,
        /// The part, when it is one: start, and end without it.
        range: Option<(u64, u64)>,
        /// The bytes.
        body: Body,
    },
    /// No content, and why.
    Declined(Head, RangeDecision),
}

/// What is known of an object or one of its versions.
pub async fn head(app: &App, ctx: &Ctx, object: Uuid, selector: VersionSelector) -> Result<Head> {
    let found = find(app, ctx, object, selector).await?;
    if is_managed(&found.located) {
        return managed_head(found);
    }
    let blobs = app.storages().of(&found.located.bucket)?;
    let head = blobs
        .head(&key(&found.located.object.path)?, found.native_version())
        .await?;
    Ok(store_head(head, app.now()))
}

/// Opens an object or one of its versions for reading. `decide` sees the head before any byte is sent.
pub async fn read(
    app: &App,
    ctx: &Ctx,
    object: Uuid,
    selector: VersionSelector,
    decide: impl FnOnce(&Head) -> RangeDecision,
) -> Result<Reading> {
    let found = find(app, ctx, object, selector).await?;
    open(app, found, decide).await
}

pub(super) async fn open(app: &App, found: Found, decide: impl FnOnce(&Head) -> RangeDecision) -> Result<Reading> {
    let blobs = app.storages().of(&found.located.bucket)?;
    if is_managed(&found.located) {
        let storage_key = found
            .located
            .version
            .as_ref()
            .and_then(|version| version.storage_key.clone());
        let head = managed_head(found)?;
        let range = match decide(&head) {
            RangeDecision::Whole => None,
            RangeDecision::Part(start, end) => Some((start, end)),
            declined => return Ok(Reading::Declined(head, declined)),
        };
        let key = key(&storage_key.ok_or_else(no_content)?)?;
        let got = blobs
            .get(&key, None, range.map(byte_range))
            .await
            .map_err(missing_store)?;
        return Ok(Reading::Content {
            head,
            range,
            body: got.body,
        });
    }
    let key = key(&found.located.object.path)?;
    let got = blobs.get(&key, found.native_version(), None).await?;
    let head = store_head(got.head, app.now());
    match decide(&head) {
        RangeDecision::Whole => Ok(Reading::Content {
            head,
            range: None,
            body: got.body,
        }),
        RangeDecision::Part(start, end) => {
            // The head decided what part is wanted; of the whole nothing has been read yet.
            drop(got.body);
            let part = blobs
                .get(&key, found.native_version(), Some(byte_range((start, end))))
                .await?;
            Ok(Reading::Content {
                head,
                range: Some((start, end)),
                body: part.body,
            })
        }
        declined => Ok(Reading::Declined(head, declined)),
    }
}

fn byte_range((start, end): (u64, u64)) -> ByteRange {
    ByteRange::Between(start, end.saturating_sub(1))
}

fn managed_head(found: Found) -> Result<Head> {
    let version = found.located.version.ok_or_else(no_version)?;
    if version.delete_marker {
        return Err(no_content());
    }
    Ok(Head {
        etag: version.etag,
        size: u64::try_from(version.size).unwrap_or_default(),
        mime_type: version.mime_type,
        last_modified_at: version.last_modified_at.unwrap_or(version.stamps.created_at),
        s3_version_id: version.native_id,
        metadata: found.metadata,
        server_side_encryption: None,
    })
}

fn store_head(head: blob::Head, now: Timestamp) -> Head {
    Head {
        etag: head.etag,
        size: head.size,
        mime_type: head.content_type.unwrap_or_else(|| super::DEFAULT_MIME_TYPE.to_owned()),
        last_modified_at: head.last_modified.unwrap_or(now),
        s3_version_id: head.version_id,
        metadata: head.metadata,
        server_side_encryption: head.server_side_encryption,
    }
}

/// An object that the caller may read, with the version asked for.
pub(super) struct Found {
    pub(super) located: Located,
    pub(super) selector: VersionSelector,
    metadata: Pairs,
}

impl Found {
    /// The version to ask a registered store for: what it calls the latest, or the one selected.
    pub(super) fn native_version(&self) -> Option<&str> {
        match &self.selector {
            VersionSelector::Latest => None,
            VersionSelector::Native(id) => Some(id),
            VersionSelector::Version(_) => self.located.version.as_ref().and_then(|row| row.native_id.as_deref()),
        }
    }
}

pub(super) async fn find(app: &App, ctx: &Ctx, object: Uuid, selector: VersionSelector) -> Result<Found> {
    let op = Find {
        ctx: ctx.clone(),
        now: app.now(),
        object,
        selector,
        metadata: true,
    };
    app.decide(ctx, "object.read", || format!("object:{object}"), op).await
}

/// Loads the facts, decides, and finds the version; three statements, two without the metadata.
#[derive(Clone)]
pub(super) struct Find {
    pub(super) ctx: Ctx,
    pub(super) now: Timestamp,
    pub(super) object: Uuid,
    pub(super) selector: VersionSelector,
    pub(super) metadata: bool,
}

impl Op for Find {
    type Out = Found;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Found> {
        let _proof: Authorised<CodeRead> = gate::allow(s, &self.ctx, On::Object, self.object, self.now).await?;
        let located = files::find(s, self.object, &self.selector)
            .await?
            .ok_or_else(Error::denied)?;
        check_version(&located, &self.selector)?;
        let version: Option<&VersionRow> = located.version.as_ref();
        let metadata = match version {
            Some(version) if self.metadata && is_managed(&located) => files::metadata(s, version.id).await?,
            _ => Vec::new(),
        };
        Ok(Found {
            located,
            selector: self.selector,
            metadata,
        })
    }
}

/// Whether the version asked for can be read, as far as the database knows. A registered store is asked for versions that
/// it alone knows.
fn check_version(located: &Located, selector: &VersionSelector) -> Result<()> {
    match (&located.version, selector) {
        (None, VersionSelector::Native(_)) if !is_managed(located) => Ok(()),
        (None, _) => Err(no_version()),
        (Some(version), VersionSelector::Latest) if version.delete_marker => Ok(()),
        (Some(version), _) if version.delete_marker && is_managed(located) => {
            Err(Error::new(Kind::NotFound, "The version is a delete marker"))
        }
        (Some(_), _) => Ok(()),
    }
}
