//! The versions of an object (objects contract 2.5, 4.5.1).

use access::{Authorised, CodeRead};
use domain::Timestamp;
use store::{
    Access, Op, Session,
    files::{self, VersionRow},
};
use uuid::Uuid;

use crate::{
    App, Ctx, Error, Result, Stamps,
    gate::{self, On},
};

/// A version as clients see it.
#[derive(Clone, Debug)]
pub struct VersionView {
    /// Public id.
    pub uuid: Uuid,
    /// The store's own id of it.
    pub s3_version_id: Option<String>,
    /// Its object.
    pub object: Uuid,
    /// Content type.
    pub mime_type: String,
    /// A deletion, not content.
    pub delete_marker: bool,
    /// Entity tag with its quotes.
    pub etag: Option<String>,
    /// The one that is read when none is named.
    pub is_latest: bool,
    /// When its bytes were stored.
    pub last_modified_at: Option<Timestamp>,
    /// Stamps.
    pub stamps: Stamps,
}

impl VersionView {
    pub(super) fn new(row: VersionRow, object: Uuid) -> Self {
        Self {
            uuid: row.uuid,
            s3_version_id: row.native_id,
            object,
            mime_type: row.mime_type,
            delete_marker: row.delete_marker,
            etag: row.etag,
            is_latest: row.is_latest,
            last_modified_at: row.last_modified_at,
            stamps: row.stamps,
        }
    }
}

/// All versions of an object, delete markers included, newest first.
pub async fn versions(app: &App, ctx: &Ctx, object: Uuid) -> Result<Vec<VersionView>> {
    let op = Versions(ctx.clone(), object, app.now());
    let rows = app
        .decide(ctx, "object.versions", || format!("object:{object}"), op)
        .await?;
    Ok(rows.into_iter().map(|row| VersionView::new(row, object)).collect())
}

#[derive(Clone)]
struct Versions(Ctx, Uuid, Timestamp);

impl Op for Versions {
    type Out = Vec<VersionRow>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let proof: Authorised<CodeRead> = gate::allow(s, &self.0, On::Object, self.1, self.2).await?;
        Ok(files::versions(s, proof.item()).await?)
    }
}
