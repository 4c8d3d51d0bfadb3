//! Searching objects (objects contract 4.3.1, 4.3.2, 1.8, 1.12).

use std::collections::BTreeMap;

use access::{PermissionCode, Principal};
use domain::{ItemId, PersonId, Timestamp};
use store::{
    Access, Op, Session, grants,
    labels::PairFilter,
    search::{self, Found},
    viewer::Viewer,
};
use uuid::Uuid;

pub use store::search::{Page, Sort};

use super::ObjectView;
use crate::{App, Caller, Ctx, Error, Result, gate};

/// What a search asks for; everything given must match, and what is about a version on one and the same version.
#[derive(Clone, Debug, Default)]
pub struct ObjectFilter {
    /// Any of these objects; empty means all.
    pub objects: Vec<Uuid>,
    /// In any of these buckets; empty means all.
    pub buckets: Vec<Uuid>,
    /// Part of the file name.
    pub name: Option<String>,
    /// Part of the full key.
    pub path: Option<String>,
    /// Part of a version's content type.
    pub mime_type: Option<String>,
    /// The public flag.
    pub public: Option<bool>,
    /// The active flag.
    pub active: Option<bool>,
    /// A version that is a delete marker, or content.
    pub delete_marker: Option<bool>,
    /// A version that is the latest, or not.
    pub latest: Option<bool>,
    /// A version with all these tags; an empty value stands for any.
    pub tags: Vec<(String, String)>,
    /// A version with all these metadata.
    pub metadata: Vec<(String, String)>,
    /// Only what the caller may read by these.
    pub by: Option<ReadableBy>,
    /// Also the codes that the caller holds on each object.
    pub permissions: bool,
    /// The order.
    pub sort: Sort,
    /// The other way round.
    pub descending: bool,
    /// A part; none means everything.
    pub page: Option<Page>,
}

/// Through which rights a caller reads what a search lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadableBy {
    /// Their own, those of their groups and collaborations, and ownership.
    pub own: bool,
    /// Those of their identity provider.
    pub identity_provider: bool,
}

/// An object that was found.
#[derive(Clone, Debug)]
pub struct FoundView {
    /// The object.
    pub object: ObjectView,
    /// When its latest version was stored; now, if it has versions and none is the latest; none without any version.
    pub last_modified_at: Option<Timestamp>,
    /// The codes that the caller holds on the object itself, where they were asked for.
    pub permissions: Option<Vec<PermissionCode>>,
}

/// A page of what was found, and how many there are in all.
#[derive(Clone, Debug)]
pub struct FoundObjects {
    /// All that match.
    pub total: i64,
    /// Those of the page.
    pub objects: Vec<FoundView>,
}

/// Searches objects. Four statements at the most.
///
/// # Errors
/// `Denied` for somebody without credentials, unless they ask for what is public, name buckets or objects, and do not ask
/// for paths.
pub async fn search(app: &App, ctx: &Ctx, filter: ObjectFilter) -> Result<FoundObjects> {
    let named = !filter.buckets.is_empty() || !filter.objects.is_empty();
    if ctx.caller == Caller::Anonymous && (filter.public != Some(true) || !named || filter.path.is_some()) {
        return Err(Error::denied());
    }
    let now = app.now();
    let restrict = viewer(app, ctx, &filter, now);
    let holder = restrict.filter(|viewer| viewer.own).map(|viewer| viewer.person);
    let op = Search {
        ctx: ctx.clone(),
        permissions: filter.permissions.then_some(holder).flatten(),
        asked: search::ObjectSearch {
            objects: filter.objects,
            buckets: filter.buckets,
            name: filter.name,
            path: filter.path,
            mime_type: filter.mime_type,
            public: filter.public,
            active: filter.active,
            delete_marker: filter.delete_marker,
            latest: filter.latest,
            tags: PairFilter::new(&filter.tags),
            metadata: PairFilter::new(&filter.metadata),
            restrict,
            within: app.confinement(ctx).buckets(),
            sort: filter.sort,
            descending: filter.descending,
            page: filter.page,
        },
    };
    let (found, codes) = app.store().run(op, &ctx.meter).await?;
    let objects = found.objects.into_iter().map(|found| FoundView {
        last_modified_at: found.last_modified_at.or_else(|| found.has_version.then_some(now)),
        permissions: filter
            .permissions
            .then(|| codes.get(&found.object.id).cloned().unwrap_or_default()),
        object: ObjectView::new(found.object, found.bucket),
    });
    Ok(FoundObjects {
        total: found.total,
        objects: objects.collect(),
    })
}

/// Whose rights restrict a search (objects contract 4.3.1, rule 3): while the privacy mask is on everybody's own, and
/// otherwise where the caller asks for it. A search for what is public is not restricted.
fn viewer(app: &App, ctx: &Ctx, filter: &ObjectFilter, now: Timestamp) -> Option<Viewer> {
    if filter.public == Some(true) {
        return None;
    }
    let person = ctx.caller.person()?;
    let (masked, _) = app.restriction(ctx).limits(now);
    match filter.by {
        None => masked,
        Some(by) => Some(Viewer {
            person: person.id,
            own: by.own,
            identity_provider: by.identity_provider,
            now,
        }),
    }
}

#[derive(Clone)]
struct Search {
    ctx: Ctx,
    asked: search::ObjectSearch,
    /// Whose codes are listed.
    permissions: Option<PersonId>,
}

type Codes = BTreeMap<ItemId, Vec<PermissionCode>>;

impl Op for Search {
    type Out = (Found, Codes);
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        gate::active(s, &self.ctx).await?;
        let found = search::objects(s, &self.asked).await?;
        let mut codes = Codes::new();
        if let Some(person) = self.permissions {
            let items: Vec<i64> = found.objects.iter().map(|found| found.object.id.0).collect();
            for (item, code) in grants::holdings(s, Principal::Person(person), &items).await? {
                codes.entry(item).or_default().push(code);
            }
        }
        Ok((found, codes))
    }
}
