//! Writing what was found: many objects in one transaction, with a fixed number of statements.

use std::collections::HashMap;

use domain::{ItemId, Timestamp, VersionId};
use serde_json::json;
use store::{
    Access, Op, Session,
    files::{NewVersion, Pairs},
    stamps,
    synced::{self, Described, VersionPair},
};
use uuid::Uuid;

use super::worker::Fence;
use crate::{Ctx, Error, Result, audit};

/// A version that S3 has.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) known: Option<VersionId>,
    pub(super) latest: bool,
    /// Its content, or what is said about it, is not what was known.
    pub(super) fresh: bool,
    pub(super) row: NewVersion,
    pub(super) metadata: Pairs,
    pub(super) tags: Pairs,
    pub(super) tags_changed: bool,
}

/// An object as S3 has it.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) known: Option<ItemId>,
    pub(super) uuid: Uuid,
    pub(super) path: String,
    /// The id in its tags.
    pub(super) brings: Option<Uuid>,
    /// Oldest first, never empty.
    pub(super) kept: Vec<Kept>,
    /// Versions that S3 does not have.
    pub(super) removed: Vec<i64>,
    /// What its flag changes to.
    pub(super) flag: Option<bool>,
}

/// Makes the database say what was found. It may run twice, and it may run after another worker did the same.
#[derive(Clone)]
pub(super) struct Write {
    pub(super) ctx: Ctx,
    pub(super) now: Timestamp,
    /// Whose job it is; an adoption is nobody's.
    pub(super) fence: Option<Fence>,
    pub(super) bucket: (ItemId, Uuid),
    /// Objects that are gone.
    pub(super) gone: Vec<i64>,
    pub(super) objects: Vec<Object>,
}

impl Op for Write {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        if let Some(fence) = &self.fence {
            fence.pass(s).await?;
        }
        if !self.gone.is_empty() {
            self.forget(s).await?;
        }
        if !self.objects.is_empty() {
            self.keep(s).await?;
        }
        Ok(())
    }
}

impl Write {
    async fn forget<S: Session>(&self, s: &mut S) -> Result<()> {
        for (uuid, path) in synced::delete_objects(s, &self.gone, self.now).await? {
            let after = json!({ "bucket": self.bucket.1, "path": path, "found": false });
            audit::changed(
                s,
                &self.ctx,
                self.now,
                "object.delete",
                format!("object:{uuid}"),
                Some(after),
            )
            .await?;
        }
        Ok(())
    }

    async fn keep<S: Session>(&self, s: &mut S) -> Result<()> {
        let items = self.items(s).await?;
        // An object that somebody else made meanwhile is looked at the next time.
        let present: Vec<(ItemId, &Object)> = self
            .objects
            .iter()
            .filter_map(|object| Some((*items.get(object.path.as_str())?, object)))
            .collect();
        let ids: Vec<i64> = present.iter().map(|(id, _)| id.0).collect();
        let all = || {
            present
                .iter()
                .flat_map(|(id, object)| object.kept.iter().map(move |kept| (*id, kept)))
        };
        let removed: Vec<i64> = present
            .iter()
            .flat_map(|(_, object)| object.removed.iter().copied())
            .collect();
        if !removed.is_empty() {
            synced::delete_versions(s, &removed).await?;
        }
        let new: Vec<(ItemId, &NewVersion)> = all()
            .filter(|(_, kept)| kept.known.is_none())
            .map(|(id, kept)| (id, &kept.row))
            .collect();
        let inserted: HashMap<Uuid, VersionId> = if new.is_empty() {
            HashMap::new()
        } else {
            let inserted = synced::insert_versions(s, &new, stamps::SYSTEM, self.now).await?;
            inserted.into_iter().map(|(id, uuid)| (uuid, id)).collect()
        };
        let id_of = |kept: &Kept| kept.known.or_else(|| inserted.get(&kept.row.uuid).copied());
        let changed: Vec<(VersionId, &NewVersion)> = all()
            .filter(|(_, kept)| kept.fresh)
            .filter_map(|(_, kept)| Some((kept.known?, &kept.row)))
            .collect();
        if !changed.is_empty() {
            synced::update_versions(s, &changed).await?;
        }
        let latest = present.iter().filter_map(|(_, object)| {
            let newest = object.kept.iter().find(|kept| kept.latest).or(object.kept.last());
            newest.and_then(id_of).map(|id| id.0)
        });
        synced::set_latest(s, &ids, &latest.collect::<Vec<_>>()).await?;
        for (what, is_new) in [
            (Described::Metadata, (|kept| kept.fresh) as fn(&Kept) -> bool),
            (Described::Tags, |kept| kept.tags_changed),
        ] {
            let (mut versions, mut rows): (Vec<i64>, Vec<VersionPair>) = (Vec::new(), Vec::new());
            for (_, kept) in all().filter(|(_, kept)| is_new(kept)) {
                let Some(id) = id_of(kept) else { continue };
                let pairs = if what == Described::Metadata {
                    &kept.metadata
                } else {
                    &kept.tags
                };
                versions.push(id.0);
                rows.extend(pairs.iter().map(|(key, value)| (id, key.clone(), value.clone())));
            }
            if !versions.is_empty() {
                synced::describe(s, what, &versions, &rows).await?;
            }
        }
        synced::synced(s, &ids, self.now).await?;
        for flag in [true, false] {
            let flagged = present.iter().filter(|(_, object)| object.flag == Some(flag));
            let flagged: Vec<i64> = flagged.map(|(id, _)| id.0).collect();
            if !flagged.is_empty() {
                synced::set_public(s, &flagged, flag).await?;
            }
        }
        self.note(s, &present, (new.len(), changed.len(), removed.len())).await
    }

    /// The keys of all objects by path; new ones are created.
    async fn items<S: Session>(&self, s: &mut S) -> Result<HashMap<&str, ItemId>> {
        let known = self
            .objects
            .iter()
            .filter_map(|object| Some((object.path.as_str(), object.known?)));
        let mut items: HashMap<&str, ItemId> = known.collect();
        let new: Vec<&Object> = self.objects.iter().filter(|object| object.known.is_none()).collect();
        if new.is_empty() {
            return Ok(items);
        }
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let rows: Vec<_> = new
            .iter()
            .map(|object| (object.uuid, name(&object.path), object.path.clone()))
            .collect();
        let inserted = synced::insert_objects(s, self.bucket.0, &rows, stamps::SYSTEM, self.now).await?;
        let inserted: HashMap<String, ItemId> = inserted.into_iter().map(|(id, path)| (path, id)).collect();
        for object in new {
            if let Some(id) = inserted.get(&object.path) {
                items.insert(&object.path, *id);
            }
        }
        Ok(items)
    }

    /// One line in the audit record for all that changed.
    async fn note<S: Session>(
        &self,
        s: &mut S,
        present: &[(ItemId, &Object)],
        (new, changed, removed): (usize, usize, usize),
    ) -> Result<()> {
        let adopted: Vec<_> = present
            .iter()
            .filter(|(_, object)| object.known.is_none())
            .map(|(_, object)| object.uuid)
            .collect();
        let flags = present.iter().filter(|(_, object)| object.flag.is_some()).count();
        if new + changed + removed + flags == 0 {
            return Ok(());
        }
        let after = json!({
            "adopted": adopted, "versions": new, "versions_changed": changed, "versions_removed": removed, "flags": flags,
        });
        let object = format!("bucket:{}", self.bucket.1);
        Ok(audit::changed(s, &self.ctx, self.now, "bucket.synced", object, Some(after)).await?)
    }
}
