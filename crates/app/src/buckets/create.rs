//! Registering a bucket, and a child of one (objects contract 4.1.1, 4.1.8, 3.4).

use access::{Authorised, CodeCreate, PermissionCode, Principal};
use domain::{ItemId, Kind, Timestamp};
use serde_json::json;
use store::{
    Access, Op, Session,
    buckets::{self, BucketRow, NewStorage},
    grants::{self, NewGrant},
};
use uuid::Uuid;

use super::{BucketView, MAX_KEY, Mount, exists, normalise_key, not_found};
use crate::{
    About, App, Ctx, Error, Result, audit,
    gate::{self, On},
    ids::Ids,
    service_accounts::may_register,
};

/// A bucket to register.
#[derive(Clone, Debug)]
pub struct NewBucket {
    /// Display name.
    pub name: String,
    /// Where it lies; none for the server's own storage.
    pub mount: Option<Mount>,
    /// Prefix of its keys. Absent: the whole S3 bucket, or a place of its own in the server's storage.
    pub key: Option<String>,
    /// Stored and filterable; true when absent.
    pub active: Option<bool>,
    /// What the person who registers it gets; everything when absent, nothing when empty.
    pub codes: Option<Vec<PermissionCode>>,
}

/// Registers a bucket. One that is registered already with the same credentials is shared with the caller instead.
///
/// # Errors
/// `Denied` when the credentials do not open the bucket; `Conflict` when it is registered with others.
pub async fn create(app: &App, ctx: &Ctx, new: NewBucket) -> Result<BucketView> {
    may_register(app, &ctx.caller, new.mount.as_ref())?;
    let uuid = app.entropy().uuid();
    let mut codes = new.codes.unwrap_or_else(|| PermissionCode::ALL.to_vec());
    codes.dedup();
    let (endpoint, s3_bucket, region, storage) = match &new.mount {
        None => {
            let default = app.storages().default();
            (default.endpoint.clone(), default.bucket.clone(), None, None)
        }
        Some(mount) => {
            app.storages().check(mount).await?;
            let endpoint = mount.endpoint.trim_end_matches('/').to_owned();
            let sealed = app.storages().seal(mount, app.entropy())?;
            (endpoint, mount.bucket.clone(), mount.region.clone(), Some(sealed))
        }
    };
    let key = match (&new.key, &new.mount) {
        (Some(key), _) => normalise_key(key),
        (None, Some(_)) => "/".to_owned(),
        (None, None) => uuid.to_string(),
    };
    let place = (s3_bucket.clone(), endpoint.clone(), key.clone());
    let op = Create {
        ctx: ctx.clone(),
        now: app.now(),
        bucket: buckets::NewBucket {
            uuid,
            name: new.name,
            active: new.active.unwrap_or(true),
            endpoint,
            region,
            s3_bucket,
            key,
            storage,
        },
        grants: own_grants(app, ctx, &codes),
    };
    let object = || format!("bucket:{uuid}");
    match app.decide(ctx, "bucket.create", object, op).await {
        Err(error) if error.kind == Kind::Conflict => {
            let Some(mount) = new.mount else { return Err(exists()) };
            join(app, ctx, place, &mount, &codes).await
        }
        outcome => outcome.map(BucketView::from),
    }
}

/// The caller's grants on what they create; none when no person asks (objects contract 3.4).
pub(crate) fn own_grants(app: &App, ctx: &Ctx, codes: &[PermissionCode]) -> Vec<NewGrant> {
    ctx.caller.person_id().map_or_else(Vec::new, |person| {
        let grant = |code: &PermissionCode| NewGrant {
            uuid: app.entropy().uuid(),
            principal: Principal::Person(person),
            code: *code,
        };
        codes.iter().map(grant).collect()
    })
}

/// The place is taken: whoever knows the credentials of the bucket there gets their codes on it.
async fn join(
    app: &App,
    ctx: &Ctx,
    place: (String, String, String),
    mount: &Mount,
    codes: &[PermissionCode],
) -> Result<BucketView> {
    let bucket = app
        .store()
        .run(FindMount(place), &ctx.meter)
        .await?
        .ok_or_else(exists)?;
    if !same_credentials(app, &bucket, mount)? {
        return Err(exists().about(About::Bucket(bucket.uuid)));
    }
    let uuid = bucket.uuid;
    let op = Share {
        ctx: ctx.clone(),
        now: app.now(),
        bucket: uuid,
        grants: own_grants(app, ctx, codes),
    };
    app.decide(ctx, "bucket.join", || format!("bucket:{uuid}"), op)
        .await
        .map(BucketView::from)
}

fn same_credentials(app: &App, bucket: &BucketRow, mount: &Mount) -> Result<bool> {
    let Some(sealed) = &bucket.storage else {
        return Ok(false);
    };
    let (access_key_id, secret) = app.storages().open(sealed)?;
    Ok(identity::secret::same_text(&mount.access_key_id, &access_key_id)
        & identity::secret::same_text(mount.secret_access_key.reveal(), secret.reveal()))
}

#[derive(Clone)]
struct Create {
    ctx: Ctx,
    now: Timestamp,
    bucket: buckets::NewBucket,
    grants: Vec<NewGrant>,
}

impl Op for Create {
    type Out = BucketRow;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<BucketRow> {
        gate::active(s, &self.ctx).await?;
        let id = buckets::insert(s, &self.bucket, self.ctx.caller.stamp(), self.now).await?;
        grants::insert(s, id, &self.grants, self.ctx.caller.stamp(), self.now).await?;
        created(s, &self.ctx, self.now, &self.bucket).await
    }
}

async fn created<S: Session>(s: &mut S, ctx: &Ctx, now: Timestamp, bucket: &buckets::NewBucket) -> Result<BucketRow> {
    let after = json!({ "endpoint": bucket.endpoint, "bucket": bucket.s3_bucket, "key": bucket.key });
    audit::changed(
        s,
        ctx,
        now,
        "bucket.create",
        format!("bucket:{}", bucket.uuid),
        Some(after),
    )
    .await?;
    buckets::find(s, bucket.uuid).await?.ok_or_else(|| not_found(ctx))
}

#[derive(Clone)]
struct FindMount((String, String, String));

impl Op for FindMount {
    type Out = Option<BucketRow>;
    type Error = Error;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let (s3_bucket, endpoint, key) = &self.0;
        Ok(buckets::find_mount(s, s3_bucket, endpoint, key).await?)
    }
}

#[derive(Clone)]
struct Share {
    ctx: Ctx,
    now: Timestamp,
    bucket: Uuid,
    grants: Vec<NewGrant>,
}

impl Op for Share {
    type Out = BucketRow;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<BucketRow> {
        gate::active(s, &self.ctx).await?;
        // It may have been deleted since it was found: then the place is free, and the caller may ask again.
        let bucket = buckets::find(s, self.bucket).await?.ok_or_else(exists)?;
        grants::insert(s, bucket.id, &self.grants, self.ctx.caller.stamp(), self.now).await?;
        let codes: Vec<_> = self.grants.iter().map(|grant| grant.code.as_str()).collect();
        let object = format!("bucket:{}", self.bucket);
        let after = json!({ "codes": codes });
        audit::changed(s, &self.ctx, self.now, "bucket.join", object, Some(after)).await?;
        Ok(bucket)
    }
}

/// A bucket to create below another one.
#[derive(Clone, Debug)]
pub struct NewChild {
    /// Display name.
    pub name: String,
    /// Where, below the parent; may have several segments.
    pub sub_key: String,
}

/// Creates a bucket below another one, in the same store with the same credentials. It starts with the parent's grants,
/// active flag and nothing else. A child that exists already is shared: the caller gets there what they hold on the parent.
///
/// # Errors
/// `Invalid` about the key when it becomes too long; `Denied` when the child exists with other credentials.
pub async fn create_child(app: &App, ctx: &Ctx, parent: Uuid, new: NewChild) -> Result<BucketView> {
    let object = || format!("bucket:{parent}");
    let parent = app
        .decide(
            ctx,
            "bucket.create_child",
            object,
            Parent(ctx.clone(), parent, app.now()),
        )
        .await?;
    let sub_key = normalise_key(&new.sub_key);
    let key = match (parent.row.key.as_str(), sub_key.as_str()) {
        (_, "/") => return Err(Error::new(Kind::Invalid, "\"subKey\" has no name in it")),
        ("/", sub) => sub.to_owned(),
        (above, sub) => format!("{above}/{sub}"),
    };
    if key.len() > MAX_KEY {
        let text = "The key of the new bucket would be longer than 255 bytes";
        return Err(Error::new(Kind::Invalid, text).about(About::Key(key)));
    }
    let storage = match &parent.row.storage {
        None => None,
        Some(sealed) => {
            let (access_key_id, secret_access_key) = app.storages().open(sealed)?;
            let mount = Mount {
                endpoint: parent.row.endpoint.clone(),
                bucket: parent.row.s3_bucket.clone(),
                access_key_id,
                secret_access_key,
                region: parent.row.region.clone(),
            };
            app.storages().check(&mount).await?;
            Some((app.storages().seal(&mount, app.entropy())?, mount))
        }
    };
    let place = (parent.row.s3_bucket.clone(), parent.row.endpoint.clone(), key.clone());
    if let Some(existing) = app.store().run(FindMount(place), &ctx.meter).await? {
        let same = match &storage {
            None => existing.storage.is_none(),
            Some((_, mount)) => same_credentials(app, &existing, mount)?,
        };
        if !same {
            return Err(Error::new(Kind::Denied, "A bucket exists there with other credentials"));
        }
        let grants = own_grants(app, ctx, &parent.held);
        let uuid = existing.uuid;
        let op = Share {
            ctx: ctx.clone(),
            now: app.now(),
            bucket: uuid,
            grants,
        };
        return app
            .decide(ctx, "bucket.join", || format!("bucket:{uuid}"), op)
            .await
            .map(BucketView::from);
    }
    let uuid = app.entropy().uuid();
    let op = CreateChild {
        ctx: ctx.clone(),
        now: app.now(),
        parent: parent.row.uuid,
        bucket: buckets::NewBucket {
            uuid,
            name: new.name,
            active: parent.row.active,
            endpoint: parent.row.endpoint,
            region: parent.row.region,
            s3_bucket: parent.row.s3_bucket,
            key,
            storage: storage.map(|(sealed, _): (NewStorage, Mount)| sealed),
        },
        grants: Ids::new(app.entropy()),
    };
    app.decide(ctx, "bucket.create_child", || format!("bucket:{uuid}"), op)
        .await
        .map(BucketView::from)
}

struct ParentFacts {
    row: BucketRow,
    held: Vec<PermissionCode>,
}

#[derive(Clone)]
struct Parent(Ctx, Uuid, Timestamp);

impl Op for Parent {
    type Out = ParentFacts;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<ParentFacts> {
        let Self(ctx, uuid, now) = self;
        let proof: Authorised<CodeCreate> = gate::allow(s, &ctx, On::Bucket, uuid, now).await?;
        let row = buckets::find(s, uuid).await?.ok_or_else(|| not_found(&ctx))?;
        let held = match ctx.caller.person_id() {
            None => Vec::new(),
            Some(person) => held(s, person, proof.item()).await?,
        };
        Ok(ParentFacts { row, held })
    }
}

async fn held<S: Session>(s: &mut S, person: domain::PersonId, item: ItemId) -> Result<Vec<PermissionCode>> {
    let rows = grants::holdings(s, Principal::Person(person), &[item.0]).await?;
    Ok(rows.into_iter().map(|(_, code)| code).collect())
}

#[derive(Clone)]
struct CreateChild {
    ctx: Ctx,
    now: Timestamp,
    parent: Uuid,
    bucket: buckets::NewBucket,
    grants: Ids,
}

impl Op for CreateChild {
    type Out = BucketRow;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(mut self, s: &mut S) -> Result<BucketRow> {
        // Asked again: the answer may have changed while the store was asked.
        let proof: Authorised<CodeCreate> = gate::allow(s, &self.ctx, On::Bucket, self.parent, self.now).await?;
        let id = buckets::insert(s, &self.bucket, self.ctx.caller.stamp(), self.now).await?;
        let count = grants::count(s, proof.item()).await?;
        let ids = self.grants.take(usize::try_from(count).unwrap_or(0));
        grants::copy(s, proof.item(), id, &ids, self.ctx.caller.stamp(), self.now).await?;
        created(s, &self.ctx, self.now, &self.bucket).await
    }
}
