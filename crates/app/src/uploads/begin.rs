//! Beginning an upload that can be resumed, and asking how far it is.

use access::{Authorised, CodeCreate};
use domain::{Kind, Timestamp};
use store::{
    Access, Op, Session, buckets, files,
    resumable::{self, ResumableRow},
};
use uuid::Uuid;

use super::{Description, lease_end, own};
use crate::{
    App, Ctx, Error, Result, audit,
    gate::{self, On},
    objects::{Content, conflict, path_of},
};

/// An upload to begin.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// The bucket the object goes into.
    pub bucket: Uuid,
    /// Its file name.
    pub file_name: String,
    /// What is said about its content, its length included.
    pub content: Content,
}

/// An upload as its owner sees it.
#[derive(Clone, Debug)]
pub struct UploadView {
    /// Its id.
    pub uuid: Uuid,
    /// How long the object will be.
    pub size: u64,
    /// How much of it is there.
    pub received: u64,
    /// When the upload is given up if nothing more comes.
    pub expires_at: Timestamp,
    /// The object it has become.
    pub object: Option<Uuid>,
}

impl From<ResumableRow> for UploadView {
    fn from(row: ResumableRow) -> Self {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Self {
            uuid: row.uuid,
            size: count(row.size),
            received: count(row.received),
            expires_at: row.expires_at,
            object: row.object,
        }
    }
}

/// Begins an upload.
///
/// # Errors
/// `Conflict` about the object that is at this path already; `TooLarge`; as for an upload at once.
pub async fn begin(app: &App, ctx: &Ctx, new: NewUpload) -> Result<UploadView> {
    let size = i64::try_from(new.content.length).unwrap_or(i64::MAX);
    if new.content.length > app.settings().max_object_bytes {
        return Err(Error::new(
            Kind::TooLarge,
            "The object is larger than this server takes",
        ));
    }
    let description = Description {
        file_name: new.file_name.clone(),
        mime_type: new.content.mime_type,
        metadata: new.content.metadata,
        tags: new.content.tags,
    };
    let description = serde_json::to_string(&description)
        .map_err(|error| Error::new(Kind::Internal, "The upload cannot be kept").because(error))?;
    let op = Begin {
        ctx: ctx.clone(),
        now: app.now(),
        file_name: new.file_name,
        row: ResumableRow {
            id: 0,
            uuid: app.entropy().uuid(),
            bucket: new.bucket,
            owner: ctx.caller.actor(),
            description,
            size,
            received: 0,
            object: None,
            expires_at: lease_end(app),
        },
    };
    let object = || format!("bucket:{}", new.bucket);
    app.decide(ctx, "upload.begin", object, op).await.map(UploadView::from)
}

#[derive(Clone)]
struct Begin {
    ctx: Ctx,
    now: Timestamp,
    file_name: String,
    row: ResumableRow,
}

impl Op for Begin {
    type Out = ResumableRow;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<ResumableRow> {
        let _proof: Authorised<CodeCreate> = gate::allow(s, &self.ctx, On::Bucket, self.row.bucket, self.now).await?;
        let bucket = buckets::find(s, self.row.bucket).await?.ok_or_else(Error::denied)?;
        let (path, _) = path_of(&bucket, &self.file_name)?;
        if let Some(located) = files::find_by_path(s, bucket.id, &path).await? {
            return Err(conflict(located.object.uuid));
        }
        resumable::insert(s, &self.row, self.now).await?;
        let object = format!("bucket:{}", self.row.bucket);
        let after = serde_json::json!({ "upload": self.row.uuid, "path": path, "size": self.row.size });
        audit::changed(s, &self.ctx, self.now, "upload.begin", object, Some(after)).await?;
        Ok(self.row)
    }
}

/// How far one of the caller's uploads is.
pub async fn find(app: &App, ctx: &Ctx, upload: Uuid) -> Result<UploadView> {
    let op = Find(ctx.clone(), upload, app.now());
    let object = || format!("upload:{upload}");
    app.decide(ctx, "upload.find", object, op).await.map(UploadView::from)
}

#[derive(Clone)]
struct Find(Ctx, Uuid, Timestamp);

impl Op for Find {
    type Out = ResumableRow;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<ResumableRow> {
        own(s, &self.0, self.1, self.2).await
    }
}
