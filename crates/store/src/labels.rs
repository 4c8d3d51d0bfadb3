//! Metadata and tags: pairs of key and value on versions.
//!
//! There is no dictionary of pairs beside the versions that could fall behind them: the distinct ones are read off an
//! index by leaps, from each pair to the next, so that a list of them costs as much as it is long.

use domain::VersionId;
use uuid::Uuid;

use crate::{
    Row, Session, StoreError, Value,
    catalogue::sql,
    files::Pairs,
    query::Query,
    viewer::{self, Viewer},
};

/// The two kinds of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// `x-amz-meta-…`.
    Metadata,
    /// Tags, the one that names the object included.
    Tags,
}

impl Label {
    const fn table(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Tags => "tag",
        }
    }
}

/// The first pair of a table, and from each pair the next; the text for SQLite and the one for PostgreSQL.
macro_rules! leaps {
    ($table:literal) => {
        (
            concat!(
                "
leap (key, start) AS (
    SELECT * FROM (SELECT key, substr(value, 1, 255) FROM ",
                $table,
                " ORDER BY key, substr(value, 1, 255) LIMIT 1)
    UNION ALL
    SELECT n.key, substr(n.value, 1, 255) FROM leap CROSS JOIN ",
                $table,
                " n WHERE n.rowid = (
        SELECT m.rowid FROM ",
                $table,
                " m WHERE (m.key, substr(m.value, 1, 255)) > (leap.key, leap.start)
        ORDER BY m.key, substr(m.value, 1, 255) LIMIT 1)
)"
            ),
            concat!(
                "
leap (key, start) AS (
    (SELECT key, substr(value, 1, 255) FROM ",
                $table,
                " ORDER BY key, substr(value, 1, 255) LIMIT 1)
    UNION ALL
    SELECT n.key, n.start FROM leap CROSS JOIN LATERAL (
        SELECT m.key, substr(m.value, 1, 255) AS start FROM ",
                $table,
                " m WHERE (m.key, substr(m.value, 1, 255)) > (leap.key, leap.start)
        ORDER BY m.key, substr(m.value, 1, 255) LIMIT 1) n
)"
            ),
        )
    };
}

sql! {
    METADATA_REMOVE: "DELETE FROM metadata WHERE version_id = $1";
    TAGS_REMOVE: "DELETE FROM tag WHERE version_id = $1";
}

/// Makes the pairs of a version these.
pub async fn replace<S: Session>(
    s: &mut S,
    version: VersionId,
    label: Label,
    pairs: &[(String, String)],
) -> Result<(), StoreError> {
    match label {
        Label::Metadata => {
            s.execute(&METADATA_REMOVE, &[version.into()]).await?;
            crate::files::describe(s, version, pairs, &[]).await
        }
        Label::Tags => {
            s.execute(&TAGS_REMOVE, &[version.into()]).await?;
            crate::files::describe(s, version, &[], pairs).await
        }
    }
}

/// Which pairs are listed: those whose key and value contain the key and value of any of these, without regard to case.
/// An empty value is in every value; no pairs at all mean everything. `%` and `_` are wildcards.
#[derive(Clone, Debug, Default)]
pub struct PairFilter {
    pub(crate) keys: Vec<String>,
    pub(crate) values: Vec<String>,
}

impl PairFilter {
    /// A filter for these pairs.
    pub fn new(pairs: &[(String, String)]) -> Self {
        let (keys, values) = pairs.iter().cloned().unzip();
        Self { keys, values }
    }

    /// The same by keys alone.
    #[must_use]
    pub fn by_keys(mut self) -> Self {
        self.values.iter_mut().for_each(String::clear);
        self
    }

    /// Whether it names no pair.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Adds the condition on the pair of columns `key` and `value`.
    fn narrow<'a>(&'a self, query: &mut Query<'a>, key: &str, value: &str) {
        if self.keys.is_empty() {
            return;
        }
        query.with(
            &format!(
                " AND EXISTS (SELECT 1 FROM json_each({{0}}) n WHERE {key} LIKE '%'||n.value||'%'
    AND ({{1}} ->> n.key = '' OR {value} LIKE '%'||({{1}} ->> n.key)||'%'))"
            ),
            &format!(
                " AND EXISTS (SELECT 1 FROM unnest({{0}}::text[], {{1}}::text[]) n (k, v)
    WHERE {key} ILIKE '%'||n.k||'%' ESCAPE '' AND (n.v = '' OR {value} ILIKE '%'||n.v||'%' ESCAPE ''))"
            ),
            &[Value::Texts(&self.keys), Value::Texts(&self.values)],
        );
    }
}

fn begin<'a>(name: &'static str, restrict: Option<Viewer>) -> Query<'a> {
    match restrict {
        Some(viewer) => {
            let mut query = viewer.begin(name);
            query.then(" ");
            query
        }
        None => Query::new(name, ""),
    }
}

/// Objects whose pairs are listed; everything given must match.
#[derive(Clone, Debug, Default)]
pub struct ObjectLabels {
    /// Any of these objects; empty means all.
    pub objects: Vec<Uuid>,
    /// In any of these buckets; empty means all.
    pub buckets: Vec<Uuid>,
    /// Which pairs.
    pub pairs: PairFilter,
    /// Only objects that this caller may read.
    pub restrict: Option<Viewer>,
    /// Only what is in one of these buckets.
    pub within: Option<Vec<i64>>,
}

/// The pairs of objects: those of their newest version that is content. Every object is listed, with or without pairs.
pub async fn of_objects<S: Session>(
    s: &mut S,
    label: Label,
    of: &ObjectLabels,
) -> Result<Vec<(Uuid, Pairs)>, StoreError> {
    let mut query = begin("LABELS_OF_OBJECTS", of.restrict);
    let table = label.table();
    query.then(&format!(
        "SELECT f.uuid, l.key, l.value FROM item f JOIN item b ON b.id = f.parent_id JOIN bucket k ON k.item_id = b.id
LEFT JOIN version v ON v.id = (SELECT max(n.id) FROM version n WHERE n.item_id = f.id AND NOT n.delete_marker)
LEFT JOIN {table} l ON l.version_id = v.id"
    ));
    of.pairs.narrow(&mut query, "l.key", "l.value");
    query.then(" WHERE f.kind = 1");
    which_objects(&mut query, &of.objects, &of.buckets);
    and_within(&mut query, of.within.as_deref());
    if of.restrict.is_some() {
        if of.objects.is_empty() {
            from_roots(&mut query);
        }
        viewer::and_readable(&mut query);
    }
    query.then(" ORDER BY f.id, l.key");
    let (statement, values) = query.build();
    let rows: Vec<(Uuid, Option<(String, String)>)> = s
        .fetch(&statement, &values, |row| Ok((row.get(0)?, pair(row, 1)?)))
        .await?;
    let mut objects: Vec<(Uuid, Pairs)> = Vec::new();
    for (uuid, pair) in rows {
        if objects.last().is_none_or(|last| last.0 != uuid) {
            objects.push((uuid, Pairs::new()));
        }
        if let (Some(last), Some(pair)) = (objects.last_mut(), pair) {
            last.1.push(pair);
        }
    }
    Ok(objects)
}

fn which_objects<'a>(query: &mut Query<'a>, objects: &'a [Uuid], buckets: &'a [Uuid]) {
    query.and_uuids(
        "f.uuid IN (SELECT unhex(value) FROM json_each({}))",
        "f.uuid = ANY({})",
        objects,
    );
    query.and_uuids(
        "f.parent_id IN (SELECT id FROM item WHERE uuid IN (SELECT unhex(value) FROM json_each({})))",
        "f.parent_id IN (SELECT id FROM item WHERE uuid = ANY({}))",
        buckets,
    );
}

fn and_within<'a>(query: &mut Query<'a>, within: Option<&'a [i64]>) {
    query.and_within(
        "f.parent_id IN (SELECT value FROM json_each({}))",
        "f.parent_id = ANY({})",
        within,
    );
}

/// Starts from what the caller holds grants on, not from all objects.
fn from_roots(query: &mut Query<'_>) {
    query.then(&format!(
        " AND f.id IN (SELECT o.id FROM item o WHERE o.parent_id IN ({}) AND o.kind = 1 UNION {})",
        viewer::ROOTS,
        viewer::DIRECT
    ));
}

/// The pair at these columns, if there is one.
fn pair(row: &Row<'_>, first: usize) -> Result<Option<(String, String)>, StoreError> {
    Ok(match row.get::<Option<String>>(first)? {
        Some(key) => Some((key, row.get(first + 1)?)),
        None => None,
    })
}

/// Versions whose pairs are listed; everything given must match.
#[derive(Clone, Debug, Default)]
pub struct VersionLabels {
    /// Any of these versions; empty means all.
    pub versions: Vec<Uuid>,
    /// Any of these by the store's own id; empty means all.
    pub natives: Vec<String>,
    /// Which pairs.
    pub pairs: PairFilter,
    /// Only versions of objects that this caller may read.
    pub restrict: Option<Viewer>,
    /// Only what is in one of these buckets.
    pub within: Option<Vec<i64>>,
}

/// A version with its pairs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledVersion {
    /// Public id.
    pub uuid: Uuid,
    /// The store's own id.
    pub native_id: Option<String>,
    /// The pairs, by key.
    pub pairs: Pairs,
}

/// The pairs of versions, newest first. Every version is listed, with or without pairs.
pub async fn of_versions<S: Session>(
    s: &mut S,
    label: Label,
    of: &VersionLabels,
) -> Result<Vec<LabelledVersion>, StoreError> {
    let mut query = begin("LABELS_OF_VERSIONS", of.restrict);
    let table = label.table();
    query.then(&format!(
        "SELECT v.uuid, v.native_id, l.key, l.value FROM version v JOIN item f ON f.id = v.item_id
JOIN item b ON b.id = f.parent_id JOIN bucket k ON k.item_id = b.id LEFT JOIN {table} l ON l.version_id = v.id"
    ));
    of.pairs.narrow(&mut query, "l.key", "l.value");
    query.then(" WHERE f.kind = 1");
    query.and_uuids(
        "v.uuid IN (SELECT unhex(value) FROM json_each({}))",
        "v.uuid = ANY({})",
        &of.versions,
    );
    query.and_texts(
        "v.native_id IN (SELECT value FROM json_each({}))",
        "v.native_id = ANY({})",
        &of.natives,
    );
    and_within(&mut query, of.within.as_deref());
    if of.restrict.is_some() {
        if of.versions.is_empty() && of.natives.is_empty() {
            from_roots(&mut query);
        }
        viewer::and_readable(&mut query);
    }
    query.then(" ORDER BY v.id DESC, l.key");
    let (statement, values) = query.build();
    let rows: Vec<(LabelledVersion, Option<(String, String)>)> = s
        .fetch(&statement, &values, |row| {
            let version = LabelledVersion {
                uuid: row.get(0)?,
                native_id: row.get(1)?,
                pairs: Pairs::new(),
            };
            Ok((version, pair(row, 2)?))
        })
        .await?;
    let mut versions: Vec<LabelledVersion> = Vec::new();
    for (version, pair) in rows {
        if versions.last().is_none_or(|last| last.uuid != version.uuid) {
            versions.push(version);
        }
        if let (Some(last), Some(pair)) = (versions.last_mut(), pair) {
            last.pairs.push(pair);
        }
    }
    Ok(versions)
}

/// All distinct pairs that versions carry, by key and value (objects contract 4.6.4, 4.7.3); in some buckets only, where a
/// caller reaches no others.
pub async fn known<S: Session>(
    s: &mut S,
    label: Label,
    filter: &PairFilter,
    within: Option<&[i64]>,
) -> Result<Pairs, StoreError> {
    let mut query = match within {
        None => everywhere(label),
        Some(_) => Query::new(
            "LABELS_KNOWN_WITHIN",
            "SELECT p.key, p.value FROM (SELECT DISTINCT l.key, l.value FROM ",
        ),
    };
    if within.is_some() {
        query.then("item f JOIN version v ON v.item_id = f.id JOIN ");
        query.then(label.table());
        query.then(" l ON l.version_id = v.id WHERE f.kind = 1");
        and_within(&mut query, within);
        query.then(") p WHERE TRUE");
    }
    filter.narrow(&mut query, "p.key", "p.value");
    query.then(" ORDER BY p.key, p.value");
    let (statement, values) = query.build();
    s.fetch(&statement, &values, |row| Ok((row.get(0)?, row.get(1)?))).await
}

/// The pairs of all versions, by leaps.
fn everywhere<'a>(label: Label) -> Query<'a> {
    let (sqlite, postgres) = match label {
        Label::Metadata => leaps!("metadata"),
        Label::Tags => leaps!("tag"),
    };
    let mut query = Query::new("LABELS_KNOWN", "WITH RECURSIVE");
    query.with(sqlite, postgres, &[]);
    query.then(
        "
SELECT p.key, p.value FROM (
    SELECT key, start AS value FROM leap WHERE length(start) < 255
    UNION ALL
    SELECT DISTINCT leap.key, m.value FROM leap JOIN ",
    );
    query.then(label.table());
    query.then(
        " m ON m.key = leap.key AND substr(m.value, 1, 255) = leap.start
    WHERE length(leap.start) = 255
) p WHERE TRUE",
    );
    query
}
