//! A new version with the bytes of one that exists: copied on top of the others, or with other metadata (objects contract
//! 4.5.2, 4.6.1). In the server's own storage both versions refer to the same bytes; a registered S3 bucket makes a copy.

use access::{Authorised, CodeUpdate};
use blob::{Head, PutOptions};
use domain::{Kind, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    files::{self, Located, NewVersion, Pairs, VersionRow, VersionSelector},
};
use uuid::Uuid;

use super::{
    DEFAULT_MIME_TYPE, VersionView, is_managed,
    labels::{self, LabelChange},
    no_content, no_version,
    transfer::{all_tags, key, purge},
};
use crate::{
    App, Ctx, Error, Result, audit,
    gate::{self, On},
};

/// What is made anew.
#[derive(Clone, Debug)]
pub(super) enum Rewrite {
    /// The same version again; the newest that has content when none is selected.
    Copy,
    /// A version with other metadata.
    Metadata(LabelChange),
}

impl Rewrite {
    const fn action(&self) -> &'static str {
        match self {
            Self::Copy => "object.copy",
            Self::Metadata(_) => "object.metadata",
        }
    }

    fn metadata(&self, before: Pairs) -> Result<Pairs> {
        match self {
            Self::Copy => Ok(before),
            Self::Metadata(change) => {
                let after = change.apply(before);
                labels::check_metadata(&after)?;
                Ok(after)
            }
        }
    }
}

pub(super) async fn rewrite(
    app: &App,
    ctx: &Ctx,
    object: Uuid,
    selector: VersionSelector,
    what: Rewrite,
) -> Result<VersionView> {
    let op = Share {
        ctx: ctx.clone(),
        now: app.now(),
        object,
        selector: selector.clone(),
        what: what.clone(),
        version: app.entropy().uuid(),
    };
    let on_object = || format!("object:{object}");
    match app.decide(ctx, what.action(), on_object, op).await? {
        Shared::Done(row) => Ok(VersionView::new(*row, object)),
        Shared::Registered(located) => in_s3(app, ctx, *located, &selector, what).await,
    }
}

/// S3 copies the object onto itself, with the headers that it would otherwise forget.
async fn in_s3(
    app: &App,
    ctx: &Ctx,
    located: Located,
    selector: &VersionSelector,
    what: Rewrite,
) -> Result<VersionView> {
    let object = located.object.uuid;
    let blobs = app.storages().of(&located.bucket)?;
    let native = blobs
        .native()
        .ok_or_else(|| Error::new(Kind::Internal, "The storage has no versions of its own"))?;
    let key = key(&located.object.path)?;
    let selected = match (selector, &what) {
        (VersionSelector::Native(id), _) => Some(id.as_str()),
        (VersionSelector::Latest, Rewrite::Metadata(_)) => None,
        _ => located
            .version
            .as_ref()
            .and_then(|version| version.native_id.as_deref()),
    };
    let head = blobs.head(&key, selected).await?;
    // What is copied is what was looked at, even when another version arrives meanwhile.
    let source = head.version_id.as_deref().or(selected);
    let tags = labels::own_tags(native.tags(&key, source).await?);
    let metadata = what.metadata(head.metadata.clone())?;
    let options = PutOptions {
        length: head.size,
        content_type: head.content_type.clone(),
        content_disposition: head.content_disposition.clone(),
        content_encoding: head.content_encoding.clone(),
        cache_control: head.cache_control.clone(),
        metadata: metadata.clone(),
        tags: all_tags(&tags, object),
    };
    let copied = blobs.copy(&key, source, &key, &options).await?;
    let now = app.now();
    let commit = Commit {
        ctx: ctx.clone(),
        now,
        object,
        action: what.action(),
        new: NewVersion {
            uuid: app.entropy().uuid(),
            storage_key: Some(located.object.path.clone()),
            native_id: copied.version_id.clone(),
            etag: copied.etag.or_else(|| head.etag.clone()),
            last_modified_at: Some(copied.last_modified.unwrap_or(now)),
            ..described(&head, located.version.as_ref())
        },
        metadata,
        tags: options.tags,
    };
    let outcome = app
        .decide(ctx, what.action(), || format!("object:{object}"), commit)
        .await;
    // As with an upload: what may have been committed is not touched.
    if let (Err(error), Some(version)) = (&outcome, &copied.version_id)
        && matches!(error.kind, Kind::Denied | Kind::NotFound | Kind::Conflict)
        && let Err(error) = purge(&*blobs, &key, Some(version)).await
    {
        tracing::warn!(error = %error, "a refused copy stays in the storage");
    }
    outcome.map(|row| VersionView::new(row, object))
}

/// The bytes of a new version, as the store and our record of the source know them.
fn described(head: &Head, source: Option<&VersionRow>) -> NewVersion {
    let known = source.filter(|version| version.native_id == head.version_id || head.version_id.is_none());
    NewVersion {
        uuid: Uuid::nil(),
        storage_key: None,
        native_id: None,
        size: i64::try_from(head.size).unwrap_or(i64::MAX),
        mime_type: known
            .map(|version| version.mime_type.clone())
            .or_else(|| head.content_type.clone())
            .unwrap_or_else(|| DEFAULT_MIME_TYPE.to_owned()),
        etag: None,
        sha256: known.and_then(|version| version.sha256.clone()),
        delete_marker: false,
        last_modified_at: None,
    }
}

enum Shared {
    /// The new version.
    Done(Box<VersionRow>),
    /// Nothing was written: a registered bucket has to be asked first.
    Registered(Box<Located>),
}

/// Finds the source and, in the server's own storage, makes the new version.
#[derive(Clone)]
struct Share {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    selector: VersionSelector,
    what: Rewrite,
    version: Uuid,
}

impl Op for Share {
    type Out = Shared;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Shared> {
        let proof: Authorised<CodeUpdate> = gate::allow(s, &self.ctx, On::Object, self.object, self.now).await?;
        let mut located = files::find(s, self.object, &self.selector)
            .await?
            .ok_or_else(Error::denied)?;
        let mut source = located.version.take();
        if matches!(self.what, Rewrite::Copy) && self.selector == VersionSelector::Latest {
            source = files::newest_content(s, proof.item()).await?;
        }
        let unknown = match &self.selector {
            VersionSelector::Latest => no_content(),
            _ => no_version(),
        };
        if !is_managed(&located) {
            // A registered store is asked for versions that it alone knows.
            match &source {
                Some(version) if version.delete_marker => return Err(no_content()),
                None if !matches!(self.selector, VersionSelector::Native(_)) => return Err(unknown),
                _ => {}
            }
            located.version = source;
            return Ok(Shared::Registered(Box::new(located)));
        }
        let source = source.ok_or(unknown)?;
        if source.delete_marker {
            return Err(no_content());
        }
        let metadata = self.what.metadata(files::metadata(s, source.id).await?)?;
        let tags = labels::own_tags(files::tags(s, source.id).await?);
        let new = NewVersion {
            uuid: self.version,
            storage_key: source.storage_key,
            native_id: Some(self.version.to_string()),
            size: source.size,
            mime_type: source.mime_type,
            etag: source.etag,
            sha256: source.sha256,
            delete_marker: false,
            last_modified_at: Some(self.now),
        };
        let by = self.ctx.caller.stamp();
        let version = files::share_version(s, proof.item(), source.id, &new, by, self.now).await?;
        files::describe(s, version, &metadata, &all_tags(&tags, self.object)).await?;
        let row = made(s, &self.ctx, self.now, self.what.action(), self.object).await?;
        Ok(Shared::Done(Box::new(row)))
    }
}

/// Records what was made and reads it back.
async fn made<S: Session>(
    s: &mut S,
    ctx: &Ctx,
    now: Timestamp,
    action: &'static str,
    object: Uuid,
) -> Result<VersionRow> {
    let located = files::find(s, object, &VersionSelector::Latest)
        .await?
        .ok_or_else(Error::denied)?;
    let version = located.version.ok_or_else(no_version)?;
    let after = json!({ "version": version.uuid });
    audit::changed(s, ctx, now, action, format!("object:{object}"), Some(after)).await?;
    Ok(version)
}

#[derive(Clone)]
struct Commit {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    action: &'static str,
    new: NewVersion,
    metadata: Pairs,
    tags: Pairs,
}

impl Op for Commit {
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
        files::describe(s, version, &self.metadata, &self.tags).await?;
        made(s, &self.ctx, self.now, self.action, self.object).await
    }
}
