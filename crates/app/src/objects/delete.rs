//! Deleting an object or a version, and restoring by deleting a delete marker (objects contract 4.4.1).

use access::{Authorised, CodeDelete};
use blob::Blobs;
use domain::{Kind, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    files::{self, Located, NewVersion, VersionRow, VersionSelector},
};
use uuid::Uuid;

use super::{DEFAULT_MIME_TYPE, is_managed, no_version, transfer::key};
use crate::{
    App, Ctx, Error, Result, audit,
    gate::{self, On},
    jobs::effects,
};

/// What a deletion did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// A delete marker was added, or the version removed was one.
    pub delete_marker: bool,
    /// The marker that was added, or the version that was removed.
    pub s3_version_id: Option<String>,
    /// The store's id of the request, or ours.
    pub request_id: String,
}

/// Deletes an object: a marker hides it where there are versions; one version, for good, when one is selected. When none
/// is left the object is gone with its grants.
///
/// # Errors
/// `NotFound` for a version the object does not have; nothing is deleted then.
pub async fn delete(app: &App, ctx: &Ctx, object: Uuid, selector: VersionSelector) -> Result<Deleted> {
    let on_object = || format!("object:{object}");
    let find = Find {
        ctx: ctx.clone(),
        now: app.now(),
        object,
        selector: selector.clone(),
    };
    let located = app.decide(ctx, "object.delete", on_object, find).await?;
    let version = located.version.as_ref();
    // A version of a store without versions is the object.
    let whole = selector == VersionSelector::Latest || version.is_some_and(|version| version.native_id.is_none());
    let mut answer = Deleted {
        delete_marker: false,
        s3_version_id: None,
        request_id: ctx.request_id.clone(),
    };
    let op = if is_managed(&located) {
        if whole {
            Write::Mark { native_id: None }
        } else {
            Write::RemoveVersion
        }
    } else {
        let blobs = app.storages().of(&located.bucket)?;
        let native = if whole {
            None
        } else {
            version.and_then(|version| version.native_id.as_deref())
        };
        let deleted = blobs.delete(&key(&located.object.path)?, native).await?;
        answer.request_id = deleted.request.request_id.unwrap_or(answer.request_id);
        match (whole, deleted.version_id) {
            (false, _) => Write::RemoveVersion,
            (true, Some(marker)) => Write::Mark {
                native_id: Some(marker),
            },
            (true, None) => unmarked(version, &*blobs, &located.object.path).await?,
        }
    };
    let write = Delete {
        ctx: ctx.clone(),
        now: app.now(),
        object,
        selector: if whole { VersionSelector::Latest } else { selector },
        marker: app.entropy().uuid(),
        write: op,
    };
    let (delete_marker, s3_version_id) = app.decide(ctx, "object.delete", on_object, write).await?;
    Ok(Deleted {
        delete_marker,
        s3_version_id,
        ..answer
    })
}

/// The store deleted without naming a marker. It keeps no versions then, or it does not stack markers (some do not) and the
/// one that hides the object already is the answer.
async fn unmarked(latest: Option<&VersionRow>, blobs: &dyn Blobs, path: &str) -> Result<Write> {
    if latest.is_some_and(|version| version.delete_marker) {
        return Ok(Write::Nothing);
    }
    if latest.is_none_or(|version| version.native_id.is_none()) {
        return Ok(Write::RemoveObject);
    }
    let Some(native) = blobs.native() else {
        return Ok(Write::RemoveObject);
    };
    let page = native.list_versions(path, None).await?;
    let mut own = page.entries.into_iter().filter(|entry| entry.key == path).peekable();
    if own.peek().is_none() {
        return Ok(Write::RemoveObject);
    }
    match own.find(|entry| entry.delete_marker) {
        Some(marker) => Ok(Write::Mark {
            native_id: marker.version_id,
        }),
        None => Err(Error::new(Kind::BadGateway, "The storage did not delete the object")),
    }
}

#[derive(Clone)]
struct Find {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    selector: VersionSelector,
}

impl Op for Find {
    type Out = Located;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Located> {
        let _proof: Authorised<CodeDelete> = gate::allow(s, &self.ctx, On::Object, self.object, self.now).await?;
        let located = files::find(s, self.object, &self.selector)
            .await?
            .ok_or_else(Error::denied)?;
        if located.version.is_none() && self.selector != VersionSelector::Latest {
            return Err(no_version());
        }
        Ok(located)
    }
}

#[derive(Clone)]
enum Write {
    /// Add a delete marker: the store's, or our own.
    Mark { native_id: Option<String> },
    /// Remove the selected version.
    RemoveVersion,
    /// Remove the object.
    RemoveObject,
    /// The object is hidden by a marker already.
    Nothing,
}

#[derive(Clone)]
struct Delete {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    selector: VersionSelector,
    marker: Uuid,
    write: Write,
}

impl Op for Delete {
    type Out = (bool, Option<String>);
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        // Asked again: the answer may have changed while the store was asked.
        let proof: Authorised<CodeDelete> = gate::allow(s, &self.ctx, On::Object, self.object, self.now).await?;
        let located = files::find(s, self.object, &self.selector)
            .await?
            .ok_or_else(Error::denied)?;
        let object = format!("object:{}", self.object);
        let by = self.ctx.caller.stamp();
        let outcome = match self.write {
            Write::Mark { native_id } => {
                let native_id = native_id.unwrap_or_else(|| self.marker.to_string());
                let marker = NewVersion {
                    uuid: self.marker,
                    storage_key: None,
                    native_id: Some(native_id.clone()),
                    size: 0,
                    mime_type: DEFAULT_MIME_TYPE.to_owned(),
                    etag: None,
                    sha256: None,
                    delete_marker: true,
                    last_modified_at: Some(self.now),
                };
                files::add_version(s, proof.item(), &marker, by, self.now).await?;
                (true, Some(native_id))
            }
            Write::Nothing => (true, located.version.and_then(|version| version.native_id)),
            Write::RemoveObject => {
                files::delete(s, proof.item()).await?;
                (false, None)
            }
            Write::RemoveVersion => {
                let version = located.version.as_ref().ok_or_else(no_version)?;
                if is_managed(&located) {
                    let keys: Vec<String> = version.storage_key.iter().cloned().collect();
                    effects::delete_bytes(s, &keys, self.now).await?;
                }
                if !files::delete_version(s, proof.item(), version).await? {
                    files::delete(s, proof.item()).await?;
                }
                (version.delete_marker, version.native_id.clone())
            }
        };
        let after = json!({ "version": outcome.1, "marker": outcome.0 });
        audit::changed(s, &self.ctx, self.now, "object.delete", object, Some(after)).await?;
        Ok(outcome)
    }
}
