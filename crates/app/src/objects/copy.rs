//! Making an old version the newest by copying it (objects contract 4.5.2).

use access::{Authorised, CodeUpdate};
use blob::PutOptions;
use domain::{Kind, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    files::{self, Located, NewVersion, Pairs, VersionRow, VersionSelector},
};
use uuid::Uuid;

use super::{
    ID_TAG, VersionView, is_managed, no_content, no_version,
    transfer::{all_tags, key, managed_key},
};
use crate::{
    App, Ctx, Error, Result, audit,
    gate::{self, On},
    jobs::effects,
};

/// Copies a version, or the newest that is not a delete marker, on top of all others, with its type, metadata and tags.
///
/// # Errors
/// `NotFound` for a version the object does not have, or when it has no content at all.
pub async fn copy_version(app: &App, ctx: &Ctx, object: Uuid, version: Option<Uuid>) -> Result<VersionView> {
    let on_object = || format!("object:{object}");
    let now = app.now();
    let find = Source {
        ctx: ctx.clone(),
        now,
        object,
        version,
    };
    let source = app.decide(ctx, "object.copy", on_object, find).await?;
    let tags: Pairs = source.tags.iter().filter(|(key, _)| key != ID_TAG).cloned().collect();
    let managed = is_managed(&source.located);
    let new = app.entropy().uuid();
    let path = source.located.object.path.clone();
    let (from, to) = if managed {
        (
            source.version.storage_key.clone().ok_or_else(no_content)?,
            managed_key(new),
        )
    } else {
        (path.clone(), path)
    };
    let options = PutOptions {
        content_type: Some(source.version.mime_type.clone()),
        metadata: if managed { Vec::new() } else { source.metadata.clone() },
        tags: if managed { Vec::new() } else { all_tags(&tags, object) },
        ..PutOptions::default()
    };
    let blobs = app.storages().of(&source.located.bucket)?;
    let native = if managed {
        None
    } else {
        source.version.native_id.as_deref()
    };
    let copied = blobs.copy(&key(&from)?, native, &key(&to)?, &options).await?;
    let op = Copy {
        ctx: ctx.clone(),
        now: app.now(),
        object,
        new: NewVersion {
            uuid: new,
            storage_key: Some(to.clone()),
            native_id: if managed {
                Some(new.to_string())
            } else {
                copied.version_id
            },
            size: source.version.size,
            mime_type: source.version.mime_type,
            etag: copied.etag.or(source.version.etag),
            sha256: source.version.sha256,
            delete_marker: false,
            last_modified_at: Some(copied.last_modified.unwrap_or(now)),
        },
        metadata: source.metadata,
        tags,
    };
    let outcome = app.decide(ctx, "object.copy", on_object, op).await;
    // As with an upload: what may have been committed is not touched.
    if managed && matches!(&outcome, Err(error) if matches!(error.kind, Kind::Denied | Kind::NotFound | Kind::Conflict))
    {
        app.store()
            .run(effects::DeleteBytes(vec![to], app.now()), &ctx.meter)
            .await?;
    }
    outcome.map(|row| VersionView::new(row, object))
}

struct Copied {
    located: Located,
    version: VersionRow,
    metadata: Pairs,
    tags: Pairs,
}

#[derive(Clone)]
struct Source {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    version: Option<Uuid>,
}

impl Op for Source {
    type Out = Copied;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Copied> {
        let proof: Authorised<CodeUpdate> = gate::allow(s, &self.ctx, On::Object, self.object, self.now).await?;
        let selector = self.version.map_or(VersionSelector::Latest, VersionSelector::Version);
        let mut located = files::find(s, self.object, &selector)
            .await?
            .ok_or_else(Error::denied)?;
        let version = match (located.version.take(), self.version) {
            (Some(version), _) if !version.delete_marker => version,
            (Some(_), None) => {
                let rows = files::versions(s, proof.item()).await?;
                rows.into_iter().find(|row| !row.delete_marker).ok_or_else(no_content)?
            }
            (Some(_), Some(_)) => return Err(no_content()),
            (None, _) => return Err(no_version()),
        };
        let metadata = files::metadata(s, version.id).await?;
        let tags = files::tags(s, version.id).await?;
        Ok(Copied {
            located,
            version,
            metadata,
            tags,
        })
    }
}

#[derive(Clone)]
struct Copy {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    new: NewVersion,
    metadata: Pairs,
    tags: Pairs,
}

impl Op for Copy {
    type Out = VersionRow;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<VersionRow> {
        // Asked again: the answer may have changed while the store copied.
        let proof: Authorised<CodeUpdate> = gate::allow(s, &self.ctx, On::Object, self.object, self.now).await?;
        let by = self.ctx.caller.stamp();
        let before = files::find(s, self.object, &VersionSelector::Latest)
            .await?
            .ok_or_else(Error::denied)?;
        let version = match before.version {
            Some(version) if self.new.native_id.is_none() && version.native_id.is_none() => {
                files::overwrite_version(s, version.id, &self.new, by, self.now).await?;
                version.id
            }
            _ => files::add_version(s, proof.item(), &self.new, by, self.now).await?,
        };
        files::describe(s, version, &self.metadata, &all_tags(&self.tags, self.object)).await?;
        let object = format!("object:{}", self.object);
        let after = json!({ "version": self.new.uuid });
        audit::changed(s, &self.ctx, self.now, "object.copy", object, Some(after)).await?;
        let located = files::find(s, self.object, &VersionSelector::Latest)
            .await?
            .ok_or_else(Error::denied)?;
        located.version.ok_or_else(no_version)
    }
}
