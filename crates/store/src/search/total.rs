//! How many objects match in all: from counters where they know, else by counting what the search looks at.

use super::{ObjectSearch, Source, matches, page};
use crate::{Value, query::Query, viewer};

/// Objects with limits of their own, as the index of them has it.
const LIMITED: &str = "i.kind = 1 AND (i.disabled_at IS NOT NULL OR i.recycled_at IS NOT NULL
    OR i.opens_at IS NOT NULL OR i.closes_at IS NOT NULL OR i.classification_id IS NOT NULL OR NOT i.inherits)";

/// Adds the expression.
pub(super) fn expression<'a>(query: &mut Query<'a>, search: &'a ObjectSearch, source: &'a Source, looked_up: bool) {
    match source {
        Source::Candidates => return query.then("(SELECT count(*) FROM found)"),
        Source::Everything if search.is_counted() => counters(query, search, None),
        Source::Everything => {
            query.then("(SELECT count(*) FROM item f JOIN bucket k ON k.item_id = f.parent_id WHERE f.kind = 1");
            matches(query, search);
            query.then(")");
        }
        Source::Walk { buckets, .. } if search.is_counted() => {
            counters(query, search, Some(buckets));
            if search.restrict.is_some() {
                query.then("\n    - ");
                exceptions(query, search, buckets);
            }
        }
        Source::Walk { buckets, .. } => page::count_walked(query, search, buckets),
    }
    if looked_up {
        query.then("\n    + (SELECT count(*) FROM found)");
    }
}

/// What the counters say.
fn counters<'a>(query: &mut Query<'a>, search: &ObjectSearch, buckets: Option<&'a [i64]>) {
    query.then("(SELECT CAST(coalesce(sum(objects), 0) AS BIGINT) FROM object_count WHERE TRUE");
    query.and_within(
        "bucket_id IN (SELECT value FROM json_each({}))",
        "bucket_id = ANY({})",
        buckets,
    );
    if search.latest == Some(true) {
        query.then(match search.delete_marker {
            Some(true) => " AND state = 1",
            Some(false) => " AND state = 0",
            None => " AND state <> 2",
        });
    }
    query.then(")");
}

/// Objects in buckets that the caller may read as a whole, which they may not read all the same: among those that are set
/// apart, of which there are few.
fn exceptions<'a>(query: &mut Query<'a>, search: &'a ObjectSearch, buckets: &'a [i64]) {
    query.with(
        &format!(
            "(SELECT count(*) FROM (
        SELECT i.id FROM item i WHERE i.parent_id IN (SELECT value FROM json_each({{0}})) AND {LIMITED}
        UNION
        SELECT g.item_id FROM caller c CROSS JOIN access_grant g
        WHERE g.principal_kind = c.kind AND g.principal_id = c.id AND g.kind = 1
    ) apart CROSS JOIN item f CROSS JOIN item b
    WHERE f.id = apart.id AND f.kind = 1 AND f.parent_id IN (SELECT value FROM json_each({{0}})) AND b.id = f.parent_id"
        ),
        &format!(
            "(SELECT count(*) FROM (
        SELECT i.id FROM item i WHERE i.parent_id = ANY({{0}}) AND {LIMITED}
        UNION
        SELECT g.item_id FROM caller c CROSS JOIN LATERAL (SELECT item_id FROM access_grant
            WHERE principal_kind = c.kind AND principal_id = c.id AND kind = 1 OFFSET 0) g
    ) apart CROSS JOIN LATERAL (SELECT * FROM item i WHERE i.id = apart.id AND i.kind = 1 OFFSET 0) f
        CROSS JOIN LATERAL (SELECT * FROM item i WHERE i.id = f.parent_id OFFSET 0) b
    WHERE f.parent_id = ANY({{0}})"
        ),
        &[Value::Ints(buckets)],
    );
    matches(query, search);
    query.with(
        &format!(" AND ({}) IS NOT TRUE)", viewer::READABLE_SQLITE),
        &format!(" AND ({}) IS NOT TRUE)", viewer::READABLE_POSTGRES),
        &[],
    );
}
