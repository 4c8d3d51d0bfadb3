//! `GET /object` (searchObjects, section 4.3).

use app::{
    Caller,
    objects::{self, FoundView, ObjectFilter, Page, ReadableBy, Sort},
};
use axum::http::{HeaderName, StatusCode};
use domain::Timestamp;
use http_kit::{Answer, Call};
use serde::Serialize;
use serde_json::json;

use crate::{
    permissions::code_name,
    problem::Failure,
    rows::ObjectRow,
    validate::{Complaint, Fields, Reader, pairs, rules},
};

const TOTAL: HeaderName = HeaderName::from_static("x-total-rows");

/// The longest path, and the longest name.
const LONGEST_PATH: usize = 1024;
/// The longest content type.
const LONGEST_TYPE: usize = 255;

const SORTS: [(&str, Sort); 9] = [
    ("id", Sort::Id),
    ("path", Sort::Path),
    ("public", Sort::Public),
    ("active", Sort::Active),
    ("createdBy", Sort::CreatedBy),
    ("updatedBy", Sort::UpdatedBy),
    ("updatedAt", Sort::UpdatedAt),
    ("bucketId", Sort::Bucket),
    ("name", Sort::Name),
];

/// What decides the direction.
const ORDERS: [(&str, bool); 2] = [("asc", false), ("desc", true)];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PermissionType {
    User,
    IdentityProvider,
}

const TYPES: [(&str, PermissionType); 2] = [
    ("user", PermissionType::User),
    ("idp", PermissionType::IdentityProvider),
];

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FoundRow {
    #[serde(flatten)]
    object: ObjectRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified_date: Option<String>,
}

impl From<FoundView> for FoundRow {
    fn from(view: FoundView) -> Self {
        Self {
            object: view.object.into(),
            permissions: view.permissions.map(|codes| codes.into_iter().map(code_name).collect()),
            last_modified_date: view.last_modified_at.map(Timestamp::iso_millis),
        }
    }
}

/// Objects that match, in order and in pages, with the number of all of them in `X-Total-Rows`.
pub(crate) async fn handle(call: Call) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let metadata = reader.metadata(call.headers());
    let filter = reader.query(&call, fields)?;
    let filter = reader.finish(|| Some(ObjectFilter { metadata, ..filter }))?;
    let (app, context) = call.admit()?;
    let found = objects::search(app, context, filter).await?;
    let total = found.total.to_string();
    let rows: Vec<FoundRow> = found.objects.into_iter().map(FoundRow::from).collect();
    let answer = if *call.caller() == Caller::Anonymous {
        Answer::json(StatusCode::OK, &redacted(&rows))
    } else {
        Answer::json(StatusCode::OK, &rows)
    };
    Ok(answer.with_text(TOTAL, &total))
}

/// Section 1.8: nobody in particular does not see where objects lie nor who made them.
fn redacted(rows: &[FoundRow]) -> Vec<serde_json::Value> {
    let hide = |row: &FoundRow| {
        let mut row = json!(row);
        for member in ["path", "createdBy", "updatedBy", "lastSyncedDate"] {
            if let Some(value) = row.get_mut(member).filter(|value| !value.is_null()) {
                *value = json!("REDACTED");
            }
        }
        row
    };
    rows.iter().map(hide).collect()
}

fn fields(query: &mut Fields<'_>) -> ObjectFilter {
    let types = query.many("hasPermissionType", rules::one_of(&TYPES));
    ObjectFilter {
        objects: query.many("objectId", rules::uuid4),
        buckets: query.many("bucketId", rules::uuid4),
        name: query.one("name", rules::text(LONGEST_PATH)),
        path: query.one("path", rules::text(LONGEST_PATH)),
        mime_type: query.one("mimeType", rules::text(LONGEST_TYPE)),
        public: query.boolean("public"),
        active: query.boolean("active"),
        delete_marker: query.boolean("deleteMarker"),
        latest: query.boolean("latest"),
        tags: pairs::tags(query),
        metadata: Vec::new(),
        by: (!types.is_empty()).then(|| ReadableBy {
            own: types.contains(&PermissionType::User),
            identity_provider: types.contains(&PermissionType::IdentityProvider),
        }),
        permissions: query.boolean("permissions").unwrap_or(false),
        page: page(query),
        sort: query.one("sort", rules::one_of(&SORTS)).unwrap_or_default(),
        descending: query.one("order", rules::one_of(&ORDERS)).unwrap_or(false),
    }
}

/// `page` and `limit`, which come together.
fn page(query: &mut Fields<'_>) -> Option<Page> {
    let page = query.integer("page", 1, i64::MAX);
    let limit = query.integer("limit", 1, i64::MAX);
    match (query.has("page"), query.has("limit")) {
        (true, false) => return query.missing("limit"),
        (false, true) => return query.missing("page"),
        _ => {}
    }
    let (page, limit) = (page?, limit?);
    let offset = (page - 1).checked_mul(limit);
    let Some(offset) = offset else {
        let complaint = Complaint::new("number.max", "is beyond every object");
        return query.refuse(vec!["page".into()], complaint, Some(json!(page)));
    };
    Some(Page { limit, offset })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::query::parse;

    fn read(query: &str) -> Result<ObjectFilter, String> {
        let mut reader = Reader::default();
        let filter = reader.parsed_query(&parse(query).unwrap(), fields);
        if reader.faults().is_empty() {
            Ok(filter)
        } else {
            Err(reader.faults().detail())
        }
    }

    #[test]
    fn pages_are_counted_from_one() {
        let page = |query| read(query).unwrap().page;
        assert_eq!(page(""), None);
        assert_eq!(page("page=1&limit=50"), Some(Page { limit: 50, offset: 0 }));
        assert_eq!(page("page=3&limit=50"), Some(Page { limit: 50, offset: 100 }));
        for (query, fault) in [
            ("page=1", "\"limit\" is required"),
            ("limit=1", "\"page\" is required"),
            ("page=0&limit=1", "\"page\" must be greater than or equal to 1"),
            ("page=1&limit=x", "\"limit\" must be a number"),
            ("page=9223372036854775807&limit=2", "\"page\" is beyond every object"),
        ] {
            assert_eq!(read(query).unwrap_err(), fault, "{query}");
        }
    }

    #[test]
    fn the_order_and_the_rights_are_words() {
        let filter = read("sort=updatedAt&order=desc&hasPermissionType[]=user").unwrap();
        assert_eq!((filter.sort, filter.descending), (Sort::UpdatedAt, true));
        assert_eq!(filter.by.map(|by| (by.own, by.identity_provider)), Some((true, false)));
        assert_eq!(read("").unwrap().by, None);
        assert!(
            read("hasPermissionType=user,idp")
                .unwrap()
                .by
                .is_some_and(|by| by.own && by.identity_provider)
        );
        for query in ["sort=size", "order=up", "hasPermissionType=all", "other=1", "name="] {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
