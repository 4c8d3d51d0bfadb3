//! Changing the tags of a version; no new version is made (objects contract 4.7.1).

use access::{Authorised, CodeUpdate};
use domain::{Kind, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    files::{self, Located, Pairs, VersionRow, VersionSelector},
    labels::Label,
};
use uuid::Uuid;

use super::{
    is_managed,
    labels::{self, LabelChange},
    no_content, no_version,
    transfer::{all_tags, key},
};
use crate::{
    App, Ctx, Error, Result, audit,
    gate::{self, On},
};

/// Changes the tags of the latest or the selected version. The tag that names the object stays.
///
/// # Errors
/// `Conflict` for more than nine tags; `NotFound` for a version the object does not have, and for a delete marker.
pub async fn change_tags(
    app: &App,
    ctx: &Ctx,
    object: Uuid,
    selector: VersionSelector,
    change: LabelChange,
) -> Result<()> {
    let on_object = || format!("object:{object}");
    let find = Find {
        ctx: ctx.clone(),
        now: app.now(),
        object,
        selector: selector.clone(),
        change: change.clone(),
    };
    let Some(located) = app.decide(ctx, "object.tag", on_object, find).await? else {
        return Ok(());
    };
    let blobs = app.storages().of(&located.bucket)?;
    let native = blobs
        .native()
        .ok_or_else(|| Error::new(Kind::Internal, "The storage has no versions of its own"))?;
    let key = key(&located.object.path)?;
    let version = match &selector {
        // The latest is what the store says: others may have written there since.
        VersionSelector::Latest => blobs.head(&key, None).await?.version_id,
        VersionSelector::Native(id) => Some(id.clone()),
        VersionSelector::Version(_) => located.version.and_then(|version| version.native_id),
    };
    let before = labels::own_tags(native.tags(&key, version.as_deref()).await?);
    let after = change.apply(before);
    labels::check_tags(&after)?;
    let tags = all_tags(&after, object);
    native.put_tags(&key, version.as_deref(), &tags).await?;
    let record = Record {
        ctx: ctx.clone(),
        now: app.now(),
        object,
        native: version,
        tags,
    };
    app.store().run(record, &ctx.meter).await
}

/// Finds the version and, in the server's own storage, changes its tags: nothing is left to do then.
#[derive(Clone)]
struct Find {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    selector: VersionSelector,
    change: LabelChange,
}

impl Op for Find {
    type Out = Option<Located>;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Option<Located>> {
        let _proof: Authorised<CodeUpdate> = gate::allow(s, &self.ctx, On::Object, self.object, self.now).await?;
        let located = files::find(s, self.object, &self.selector)
            .await?
            .ok_or_else(Error::denied)?;
        let managed = is_managed(&located);
        match (&located.version, &self.selector) {
            (Some(version), _) if version.delete_marker => return Err(no_content()),
            (None, VersionSelector::Native(_)) if !managed => {}
            (None, _) => return Err(no_version()),
            (Some(version), _) if managed => {
                let before = labels::own_tags(files::tags(s, version.id).await?);
                let after = self.change.apply(before);
                labels::check_tags(&after)?;
                let tags = all_tags(&after, self.object);
                write(s, &self.ctx, self.now, self.object, version, &tags).await?;
                return Ok(None);
            }
            (Some(_), _) => {}
        }
        Ok(Some(located))
    }
}

/// Writes down what a registered store has taken. Nothing is decided any more: it is done.
#[derive(Clone)]
struct Record {
    ctx: Ctx,
    now: Timestamp,
    object: Uuid,
    native: Option<String>,
    tags: Pairs,
}

impl Op for Record {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        let selector = self.native.map_or(VersionSelector::Latest, VersionSelector::Native);
        let Some(located) = files::find(s, self.object, &selector).await? else {
            return Err(Error::denied());
        };
        let version = match located.version {
            Some(version) if !version.delete_marker => version,
            // A version that a synchronisation has yet to find: the newest we know stands for it.
            _ => files::newest_content(s, located.object.id)
                .await?
                .ok_or_else(no_version)?,
        };
        write(s, &self.ctx, self.now, self.object, &version, &self.tags).await
    }
}

async fn write<S: Session>(
    s: &mut S,
    ctx: &Ctx,
    now: Timestamp,
    object: Uuid,
    version: &VersionRow,
    tags: &Pairs,
) -> Result<()> {
    store::labels::replace(s, version.id, Label::Tags, tags).await?;
    let after = json!({ "version": version.uuid, "tags": tags });
    Ok(audit::changed(s, ctx, now, "object.tag", format!("object:{object}"), Some(after)).await?)
}
