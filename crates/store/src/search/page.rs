//! The statement of a search: one row for each object of the page, each with the number of all; one row without an object
//! when the page has none.

use super::{ObjectSearch, Sort, Source, matches, total};
use crate::{Value, labels::PairFilter, query::Query, viewer};

/// An object that nothing sets apart from its bucket: no limits of its own and no explicit decision about anybody. The last
/// parenthesis is left open.
const UNLIMITED: &str = "f.disabled_at IS NULL AND f.recycled_at IS NULL AND f.opens_at IS NULL AND f.closes_at IS NULL
    AND f.classification_id IS NULL AND f.inherits
    AND NOT EXISTS (SELECT 1 FROM access_grant s WHERE s.item_id = f.id AND s.kind = 1";

/// An object with a grant of its own to the caller, or that is the caller's: what else has to hold.
const GIVEN: &str = " AND f.disabled_at IS NULL AND f.recycled_at IS NULL AND b.recycled_at IS NULL
    AND (f.classification_id IS NULL OR EXISTS (
        SELECT 1 FROM clearance l WHERE l.person_id = $1 AND l.classification_id = f.classification_id))
    AND ((f.owner_id = $1 AND $2)
        OR ((f.opens_at IS NULL OR f.opens_at <= $4) AND (f.closes_at IS NULL OR f.closes_at > $4)))";

impl ObjectSearch {
    /// The keys of the order as further columns.
    fn columns(&self) -> String {
        let key = |(place, key): (usize, &&str)| format!(", {key} AS k{place}");
        self.sort
            .keys()
            .iter()
            .enumerate()
            .map(key)
            .fold(String::new(), |all, next| all + &next)
    }

    /// The names of those columns.
    fn names(&self) -> String {
        (0..self.sort.keys().len()).fold(String::new(), |all, place| all + &format!(", k{place}"))
    }

    /// The order by the keys themselves, so that an index gives it.
    fn raw_order(&self) -> String {
        self.order(self.sort.keys().iter().map(|key| (*key).to_owned()), "f.id")
    }

    /// The order by the columns of a table.
    fn order_of(&self, table: &str) -> String {
        let keys = (0..self.sort.keys().len()).map(|place| format!("{table}k{place}"));
        self.order(keys, &format!("{table}id"))
    }

    fn order(&self, keys: impl Iterator<Item = String>, id: &str) -> String {
        let way = if self.descending { " DESC" } else { "" };
        let keys = keys.fold(String::new(), |all, key| all + &format!("{key}{way}, "));
        format!("\nORDER BY {keys}{id}{way}")
    }

    /// Whether a bucket's own row takes part in looking at its objects.
    fn needs_bucket(&self) -> bool {
        self.restrict.is_some() || self.sort == Sort::Bucket
    }
}

/// Puts the statement together.
pub(super) fn statement<'a>(search: &'a ObjectSearch, source: &'a Source) -> Query<'a> {
    let mut query = match search.restrict {
        Some(viewer) => {
            let mut query = viewer.begin("OBJECT_SEARCH");
            query.then(",\n");
            query
        }
        None => Query::new("OBJECT_SEARCH", "WITH "),
    };
    let looked_up = tables(&mut query, search, source);
    query.then("page AS (");
    page(&mut query, search, source, looked_up);
    query.then(")\nSELECT t.n, f.id, f.uuid, f.path, f.name, f.active, ");
    query.with(super::PUBLIC_SQLITE, super::PUBLIC_POSTGRES, &[]);
    query.then(
        ", f.last_synced_at, f.created_by, f.created_at, f.updated_by,
    f.updated_at, b.uuid, f.hidden, coalesce(l.last_modified_at, l.created_at)
FROM (SELECT ",
    );
    if search.page.is_some() {
        total::expression(&mut query, search, source, looked_up);
    } else {
        query.then("CAST(0 AS BIGINT)");
    }
    query.then(
        " AS n) t LEFT JOIN page p ON TRUE LEFT JOIN item f ON f.id = p.id LEFT JOIN item b ON b.id = f.parent_id
LEFT JOIN version l ON l.item_id = f.id AND l.is_latest",
    );
    query.then(&search.order_of("p."));
    query
}

fn page<'a>(query: &mut Query<'a>, search: &'a ObjectSearch, source: &'a Source, looked_up: bool) {
    let (columns, names) = (search.columns(), search.names());
    match source {
        Source::Candidates => {
            query.then(&format!("SELECT id{names} FROM found{}", search.order_of("")));
            limit(query, search);
        }
        Source::Everything => {
            query.then(&format!(
                "SELECT f.id{columns} FROM item f CROSS JOIN item b CROSS JOIN bucket k
    WHERE b.id = f.parent_id AND k.item_id = b.id AND f.kind = 1"
            ));
            matches(query, search);
            query.then(&search.raw_order());
            limit(query, search);
        }
        Source::Walk { buckets, .. } if looked_up => {
            query.then(&format!("SELECT id{names} FROM ("));
            walk(query, search, buckets, false);
            query.then(&format!(
                "\n    UNION ALL SELECT id{names} FROM found) every{}",
                search.order_of("")
            ));
            limit(query, search);
        }
        Source::Walk { buckets, .. } => walk(query, search, buckets, true),
    }
}

/// The tables `candidate` and `found`: objects that are looked up one by one, and which of them match. Whether there are
/// any.
fn tables<'a>(query: &mut Query<'a>, search: &'a ObjectSearch, source: &'a Source) -> bool {
    let given = match source {
        Source::Everything => return false,
        Source::Walk { others, .. } => {
            if search.restrict.is_none() || others.as_ref().is_some_and(Vec::is_empty) {
                return false;
            }
            true
        }
        Source::Candidates => false,
    };
    query.then("candidate (id) AS MATERIALIZED (");
    if given {
        query.then(viewer::DIRECT);
    } else if search.objects.is_empty() {
        labelled(query, search);
    } else {
        query.with(
            "SELECT id FROM item WHERE uuid IN (SELECT unhex(value) FROM json_each({0}))",
            "SELECT id FROM item WHERE uuid = ANY({0})",
            &[Value::Uuids(&search.objects)],
        );
    }
    let columns = search.columns();
    // Look-ups inside: of a long list of candidates the planners would rather make a join with all items.
    query.with(
        &format!(
            "),
found AS MATERIALIZED (
    SELECT f.id{columns} FROM candidate c CROSS JOIN item f CROSS JOIN item b CROSS JOIN bucket k
    WHERE f.id = c.id AND f.kind = 1 AND b.id = f.parent_id AND k.item_id = b.id"
        ),
        &format!(
            "),
found AS MATERIALIZED (
    SELECT f.id{columns} FROM candidate c
        CROSS JOIN LATERAL (SELECT * FROM item i WHERE i.id = c.id AND i.kind = 1 OFFSET 0) f
        CROSS JOIN LATERAL (SELECT * FROM item i WHERE i.id = f.parent_id OFFSET 0) b
        CROSS JOIN LATERAL (SELECT 1 FROM bucket i WHERE i.item_id = f.parent_id OFFSET 0) k
    WHERE TRUE"
        ),
        &[],
    );
    matches(query, search);
    if let Source::Walk { buckets, others } = source {
        match others {
            Some(others) => query.and_split(
                "f.parent_id IN (SELECT value FROM json_each({}))",
                "f.parent_id = ANY({})",
                Value::Ints(others),
            ),
            None => query.and_split(
                "f.parent_id NOT IN (SELECT value FROM json_each({}))",
                "f.parent_id <> ALL({})",
                Value::Ints(buckets),
            ),
        }
        query.then(GIVEN);
    } else {
        super::which_parents(query, search);
        if search.restrict.is_some() {
            viewer::and_readable(query);
        }
    }
    query.then("),\n");
    true
}

/// Objects with a version that carries the first pair asked for, one with a value if there is one.
fn labelled<'a>(query: &mut Query<'a>, search: &'a ObjectSearch) {
    let valued = |pairs: &PairFilter| pairs.values.iter().position(|value| !value.is_empty());
    let first = |pairs: &PairFilter| (!pairs.is_empty()).then_some(0);
    let (metadata, tags) = (&search.metadata, &search.tags);
    let choices = [
        ("metadata", metadata, valued(metadata)),
        ("tag", tags, valued(tags)),
        ("tag", tags, first(tags)),
        ("metadata", metadata, first(metadata)),
    ];
    let chosen = choices.into_iter().find_map(|(table, pairs, place)| {
        let place = place?;
        Some((table, pairs.keys.get(place)?, pairs.values.get(place)?))
    });
    let Some((table, key, value)) = chosen else {
        return query.then("SELECT id FROM item WHERE FALSE");
    };
    query.then(&format!(
        "SELECT DISTINCT v.item_id FROM {table} t JOIN version v ON v.id = t.version_id WHERE "
    ));
    if value.is_empty() {
        query.with("t.key = {0}", "t.key = {0}", &[Value::Text(key)]);
    } else {
        query.with(
            "t.key = {0} AND substr(t.value, 1, 255) = substr({1}, 1, 255)",
            "t.key = {0} AND substr(t.value, 1, 255) = substr({1}::text, 1, 255)",
            &[Value::Text(key), Value::Text(value)],
        );
    }
}

/// Objects of buckets in the order asked for: the page, or with `whole` unset as many as it may need. Of several buckets
/// each gives its first ones, read in the order of an index.
fn walk<'a>(query: &mut Query<'a>, search: &'a ObjectSearch, buckets: &'a [i64], whole: bool) {
    let (columns, names) = (search.columns(), search.names());
    let end = if whole { limit } else { up_to_the_end };
    if let [bucket] = buckets {
        query.then(&format!("SELECT id{names} FROM (SELECT f.id{columns} FROM "));
        of_bucket(query, search);
        query.with(
            " WHERE f.parent_id = {0}",
            " WHERE f.parent_id = {0}",
            &[Value::Int(*bucket)],
        );
        in_walk(query, search);
        query.then(&search.raw_order());
        end(query, search);
        return query.then(") one");
    }
    if search.page.is_none() {
        query.then(&format!("SELECT f.id{columns} FROM "));
        of_bucket(query, search);
        query.with(
            " WHERE f.parent_id IN (SELECT value FROM json_each({0}))",
            " WHERE f.parent_id = ANY({0})",
            &[Value::Ints(buckets)],
        );
        return in_walk(query, search);
    }
    let (first, outer) = (
        search.columns(),
        search.columns().replace("f.", "o.").replace("b.", "a."),
    );
    query.then(&format!("SELECT id{names} FROM (\n    "));
    query.with(
        &format!(
            "SELECT id{names} FROM (SELECT o.id{outer} FROM json_each({{0}}) r CROSS JOIN item o CROSS JOIN item a
    WHERE a.id = o.parent_id AND o.id IN (SELECT f.id FROM "
        ),
        &format!(
            "SELECT o.id{names} FROM unnest({{0}}::bigint[]) r (value) CROSS JOIN LATERAL (SELECT f.id{first} FROM "
        ),
        &[Value::Ints(buckets)],
    );
    of_bucket(query, search);
    query.then(" WHERE f.parent_id = r.value");
    in_walk(query, search);
    query.then(&search.raw_order());
    up_to_the_end(query, search);
    query.with(")) o", ") o", &[]);
    query.then(&search.order_of(""));
    end(query, search);
    query.then(") several");
}

/// The object, and its bucket where something is asked of it.
fn of_bucket(query: &mut Query<'_>, search: &ObjectSearch) {
    query.then(if search.needs_bucket() {
        "item f CROSS JOIN item b"
    } else {
        "item f"
    });
}

/// What is asked of an object in a bucket that may be read as a whole: what is set apart there is looked at closely.
fn in_walk<'a>(query: &mut Query<'a>, search: &'a ObjectSearch) {
    query.then(" AND f.kind = 1");
    if search.needs_bucket() {
        query.then(" AND b.id = f.parent_id");
    }
    matches(query, search);
    if search.restrict.is_some() {
        query.with(
            &format!(" AND (({UNLIMITED})) OR ({}))", viewer::READABLE_SQLITE),
            &format!(" AND (({UNLIMITED} OFFSET 0)) OR ({}))", viewer::READABLE_POSTGRES),
            &[],
        );
    }
}

/// Counts what [`walk`] walks.
pub(super) fn count_walked<'a>(query: &mut Query<'a>, search: &'a ObjectSearch, buckets: &'a [i64]) {
    query.then("(SELECT count(*) FROM ");
    of_bucket(query, search);
    query.with(
        " WHERE f.parent_id IN (SELECT value FROM json_each({0}))",
        " WHERE f.parent_id = ANY({0})",
        &[Value::Ints(buckets)],
    );
    in_walk(query, search);
    query.then(")");
}

fn limit(query: &mut Query<'_>, search: &ObjectSearch) {
    if let Some(page) = search.page {
        let text = " LIMIT {0} OFFSET {1}";
        query.with(text, text, &[Value::Int(page.limit), Value::Int(page.offset)]);
    }
}

fn up_to_the_end(query: &mut Query<'_>, search: &ObjectSearch) {
    if let Some(page) = search.page {
        let end = page.limit.saturating_add(page.offset);
        query.with(" LIMIT {0}", " LIMIT {0}", &[Value::Int(end)]);
    }
}
