//! Searching objects (objects contract 4.3.1): filters, order, a page of them and their exact number, in two statements
//! whatever the data.
//!
//! A search starts from what is small. Objects that are named, or that carry a pair, are looked up one by one. Otherwise
//! buckets are walked in the order that is asked for, as far as the page goes: those that were asked for, and of these, in
//! a restricted search, those that the caller may read as a whole. What the caller was given in other buckets is looked up
//! from the grants. Nothing is fetched and then filtered.

mod page;
mod total;

use domain::{ItemId, Timestamp};
use uuid::Uuid;

use crate::{
    Row, Session, StoreError, Value,
    buckets::is_below_public,
    files::{self, ObjectRow},
    labels::PairFilter,
    query::Query,
    viewer::{self, Viewer},
};

/// Whether the object `f` was made public itself, and its bucket not private since.
macro_rules! public_itself {
    () => {
        "(f.public AND f.public_generation = (SELECT w.private_generation FROM bucket w WHERE w.item_id = f.parent_id))"
    };
}

/// Whether the object `f` is public: by itself, by its bucket, or by one above that.
macro_rules! public {
    ($engine:ident) => {
        concat!(
            "(",
            public_itself!(),
            "
    OR EXISTS (SELECT 1 FROM item w WHERE w.id = f.parent_id AND w.public)
    OR EXISTS (SELECT 1 FROM bucket b WHERE b.item_id = f.parent_id AND ",
            is_below_public!($engine),
            "))"
        )
    };
}

const PUBLIC_ITSELF: &str = public_itself!();
const PUBLIC_SQLITE: &str = public!(sqlite);
const PUBLIC_POSTGRES: &str = public!(postgres);

/// What a search is ordered by; equal ones by age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// When the object was created here.
    #[default]
    Age,
    /// Public id.
    Id,
    /// Full key.
    Path,
    /// File name.
    Name,
    /// Whether anyone may read it.
    Public,
    /// The active flag.
    Active,
    /// Who created it.
    CreatedBy,
    /// Who changed it last; nobody comes after everybody.
    UpdatedBy,
    /// When it was changed last; never comes after every time.
    UpdatedAt,
    /// Public id of the bucket.
    Bucket,
}

impl Sort {
    /// Expressions on the object `f` of the bucket `b`; each decides where those before are equal.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Age => &[],
            Self::Id => &["f.uuid"],
            Self::Path => &["f.path"],
            Self::Name => &["f.name"],
            Self::Public => &[PUBLIC_ITSELF],
            Self::Active => &["f.active"],
            Self::CreatedBy => &["f.created_by"],
            Self::UpdatedBy => &["f.updated_by IS NULL", "f.updated_by"],
            // As the index has it.
            Self::UpdatedAt => &["coalesce(f.updated_at, 9223372036854775807)"],
            Self::Bucket => &["b.uuid"],
        }
    }
}

/// A part of what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many objects.
    pub limit: i64,
    /// How many come before.
    pub offset: i64,
}

/// Which objects; everything given must match. What is about a version must hold on one and the same version.
#[derive(Clone, Debug, Default)]
pub struct ObjectSearch {
    /// Any of these; empty means all.
    pub objects: Vec<Uuid>,
    /// In any of these buckets; empty means all.
    pub buckets: Vec<Uuid>,
    /// Part of the file name, without regard to case; `%` and `_` are wildcards.
    pub name: Option<String>,
    /// Part of the full key, as with the name.
    pub path: Option<String>,
    /// Part of a version's content type, as with the name.
    pub mime_type: Option<String>,
    /// The public flag.
    pub public: Option<bool>,
    /// The active flag.
    pub active: Option<bool>,
    /// A version that is a delete marker, or content.
    pub delete_marker: Option<bool>,
    /// A version that is the latest, or not.
    pub latest: Option<bool>,
    /// A version with all these tags, exactly; an empty value stands for any.
    pub tags: PairFilter,
    /// A version with all these metadata, exactly.
    pub metadata: PairFilter,
    /// Only what this caller may read.
    pub restrict: Option<Viewer>,
    /// Only what is in one of these buckets.
    pub within: Option<Vec<i64>>,
    /// The order.
    pub sort: Sort,
    /// The other way round.
    pub descending: bool,
    /// A part; none means everything.
    pub page: Option<Page>,
}

impl ObjectSearch {
    /// Whether the counters of a bucket know how many of its objects match.
    fn is_counted(&self) -> bool {
        self.is_about_state()
            && self.objects.is_empty()
            && self.active.is_none()
            && self.public.is_none()
            && self.name.is_none()
            && self.path.is_none()
    }

    /// Whether nothing is asked of versions but what the latest one is.
    fn is_about_state(&self) -> bool {
        self.mime_type.is_none()
            && self.tags.is_empty()
            && self.metadata.is_empty()
            && (self.latest == Some(true) || (self.latest.is_none() && self.delete_marker.is_none()))
    }
}

/// One object that was found.
#[derive(Clone, Debug)]
pub struct FoundObject {
    /// The object.
    pub object: ObjectRow,
    /// Its bucket.
    pub bucket: Uuid,
    /// Whether it has a version at all.
    pub has_version: bool,
    /// When its latest version was stored, or recorded; none where no version is the latest.
    pub last_modified_at: Option<Timestamp>,
}

/// The objects of a page, and how many there are on all.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// All that match, exactly.
    pub total: i64,
    /// Those of the page.
    pub objects: Vec<FoundObject>,
}

/// Where the objects of a search come from.
#[derive(Debug)]
enum Source {
    /// Objects named by the search, or that carry a pair it asks for: each is looked at.
    Candidates,
    /// Every object of every bucket.
    Everything,
    /// All objects of these buckets; and, in a restricted search, what the caller was given outside of them.
    Walk {
        buckets: Vec<i64>,
        /// Buckets that were asked for and that the caller may not read as a whole; none when all others count.
        others: Option<Vec<i64>>,
    },
}

/// Searches objects.
pub async fn objects<S: Session>(s: &mut S, search: &ObjectSearch) -> Result<Found, StoreError> {
    let source = source(s, search).await?;
    run(s, search, &source).await
}

/// As [`objects`], in buckets whose keys are known: those that a restricted search may read as a whole, where it may read
/// others too.
pub async fn in_buckets<S: Session>(s: &mut S, search: &ObjectSearch, buckets: &[i64]) -> Result<Found, StoreError> {
    let source = Source::Walk {
        buckets: buckets.to_vec(),
        others: None,
    };
    run(s, search, &source).await
}

async fn run<S: Session>(s: &mut S, search: &ObjectSearch, source: &Source) -> Result<Found, StoreError> {
    let query = page::statement(search, source);
    let (statement, values) = query.build();
    let rows: Vec<(i64, Option<FoundObject>)> = s.fetch(&statement, &values, read).await?;
    let total = rows.first().map_or(0, |row| row.0);
    let objects: Vec<FoundObject> = rows.into_iter().filter_map(|row| row.1).collect();
    let total = match search.page {
        Some(_) => total,
        None => i64::try_from(objects.len()).unwrap_or(i64::MAX),
    };
    Ok(Found { total, objects })
}

fn read(row: &Row<'_>) -> Result<(i64, Option<FoundObject>), StoreError> {
    let total = row.get(0)?;
    if row.get::<Option<ItemId>>(1)?.is_none() {
        return Ok((total, None));
    }
    let found = FoundObject {
        object: files::object(row, 1)?,
        bucket: row.get(12)?,
        has_version: row.get::<Option<bool>>(13)?.is_some(),
        last_modified_at: row.get(14)?,
    };
    Ok((total, Some(found)))
}

/// Decides where to start: one statement, or none.
async fn source<S: Session>(s: &mut S, search: &ObjectSearch) -> Result<Source, StoreError> {
    if !search.objects.is_empty() || !search.tags.is_empty() || !search.metadata.is_empty() {
        return Ok(Source::Candidates);
    }
    let Some(viewer) = search.restrict else {
        if search.buckets.is_empty() && search.within.is_none() {
            return Ok(Source::Everything);
        }
        let mut query = Query::new(
            "SEARCH_BUCKETS",
            "SELECT i.id FROM item i JOIN bucket k ON k.item_id = i.id WHERE TRUE",
        );
        which_buckets(&mut query, search);
        query.then(" ORDER BY i.id");
        let (statement, values) = query.build();
        let buckets = s.fetch(&statement, &values, |row| row.get(0)).await?;
        return Ok(Source::Walk { buckets, others: None });
    };
    let mut query = viewer.begin("SEARCH_ROOTS");
    query.then(" SELECT i.id, CAST(CASE WHEN r.item_id IS NULL THEN 0 ELSE 1 END AS BIGINT) FROM ");
    if search.buckets.is_empty() {
        query.then(&format!("({}) r JOIN item i ON i.id = r.item_id", viewer::ROOTS));
    } else {
        query.then(&format!(
            "item i JOIN bucket k ON k.item_id = i.id LEFT JOIN ({}) r ON r.item_id = i.id",
            viewer::ROOTS
        ));
    }
    query.then(" WHERE i.recycled_at IS NULL");
    which_buckets(&mut query, search);
    query.then(" ORDER BY i.id");
    let (statement, values) = query.build();
    let found: Vec<(i64, i64)> = s
        .fetch(&statement, &values, |row| Ok((row.get(0)?, row.get(1)?)))
        .await?;
    let of = |whole: bool| {
        let mine = found.iter().filter(|(_, readable)| (*readable == 1) == whole);
        mine.map(|(id, _)| *id).collect::<Vec<_>>()
    };
    Ok(Source::Walk {
        buckets: of(true),
        others: (!search.buckets.is_empty()).then(|| of(false)),
    })
}

fn which_buckets<'a>(query: &mut Query<'a>, search: &'a ObjectSearch) {
    query.and_uuids(
        "i.uuid IN (SELECT unhex(value) FROM json_each({}))",
        "i.uuid = ANY({})",
        &search.buckets,
    );
    query.and_within(
        "i.id IN (SELECT value FROM json_each({}))",
        "i.id = ANY({})",
        search.within.as_deref(),
    );
}

/// The same of an object's bucket.
fn which_parents<'a>(query: &mut Query<'a>, search: &'a ObjectSearch) {
    query.and_uuids(
        "b.uuid IN (SELECT unhex(value) FROM json_each({}))",
        "b.uuid = ANY({})",
        &search.buckets,
    );
    query.and_within(
        "b.id IN (SELECT value FROM json_each({}))",
        "b.id = ANY({})",
        search.within.as_deref(),
    );
}

/// Adds what the search asks of the object `f`.
fn matches<'a>(query: &mut Query<'a>, search: &'a ObjectSearch) {
    if let Some(public) = search.public {
        let no = if public { "" } else { "NOT " };
        query.with(
            &format!(" AND {no}{PUBLIC_SQLITE}"),
            &format!(" AND {no}{PUBLIC_POSTGRES}"),
            &[],
        );
    }
    if let Some(active) = search.active {
        query.then(if active { " AND f.active" } else { " AND NOT f.active" });
    }
    for (column, text) in [("f.name", &search.name), ("f.path", &search.path)] {
        contains(query, column, text.as_ref());
    }
    if search.latest == Some(true) {
        query.then(match search.delete_marker {
            Some(true) => " AND f.hidden = TRUE",
            Some(false) => " AND f.hidden = FALSE",
            None => " AND f.hidden IS NOT NULL",
        });
    }
    if search.is_about_state() {
        return;
    }
    query.then(" AND EXISTS (SELECT 1 FROM version v WHERE v.item_id = f.id");
    match search.latest {
        Some(true) => query.then(" AND v.is_latest"),
        Some(false) => query.then(" AND NOT v.is_latest"),
        None => {}
    }
    match search.delete_marker {
        Some(true) => query.then(" AND v.delete_marker"),
        Some(false) => query.then(" AND NOT v.delete_marker"),
        None => {}
    }
    contains(query, "v.mime_type", search.mime_type.as_ref());
    for (table, pairs) in [("metadata", &search.metadata), ("tag", &search.tags)] {
        carries(query, table, pairs);
    }
    query.then(")");
}

/// The version `v` carries all these pairs.
fn carries<'a>(query: &mut Query<'a>, table: &str, pairs: &'a PairFilter) {
    if pairs.is_empty() {
        return;
    }
    query.with(
        &format!(
            " AND NOT EXISTS (SELECT 1 FROM json_each({{0}}) n WHERE NOT EXISTS (SELECT 1 FROM {table} w
    WHERE w.version_id = v.id AND w.key = n.value AND ({{1}} ->> n.key = '' OR w.value = {{1}} ->> n.key)))"
        ),
        &format!(
            " AND NOT EXISTS (SELECT 1 FROM unnest({{0}}::text[], {{1}}::text[]) n (key, wanted)
    WHERE NOT EXISTS (SELECT 1 FROM {table} w
        WHERE w.version_id = v.id AND w.key = n.key AND (n.wanted = '' OR w.value = n.wanted)))"
        ),
        &[Value::Texts(&pairs.keys), Value::Texts(&pairs.values)],
    );
}

fn contains<'a>(query: &mut Query<'a>, column: &str, text: Option<&'a String>) {
    if let Some(text) = text {
        query.with(
            &format!(" AND {column} LIKE '%'||{{0}}||'%'"),
            &format!(" AND {column} ILIKE '%'||{{0}}||'%' ESCAPE ''"),
            &[Value::Text(text)],
        );
    }
}
