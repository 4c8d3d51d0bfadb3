//! `GET /permission/{bucket,object}` and `GET /permission/idp/{bucket,object}` (sections 4.9.1 and 4.10).

use app::permissions::{self, Listed, PermissionSearch};
use axum::http::StatusCode;
use http_kit::{Answer, Call};
use serde::Serialize;

use super::Kind;
use crate::{
    problem::Failure,
    rows::{Item, ItemId, PermissionRow},
    validate::{Fields, Reader, rules},
};

#[derive(Debug, Serialize)]
struct Group {
    #[serde(flatten)]
    item: ItemId,
    permissions: Vec<PermissionRow>,
}

/// All rows that match, grouped by what they are about. With `objectPerms` or `bucketPerms`, also what the one person
/// or provider asked for reaches through the other kind of row, with an empty group.
pub(crate) async fn handle(call: Call, kind: Kind) -> Result<Answer, Failure> {
    let mut reader = Reader::default();
    let search = reader.query(&call, |query| fields(query, kind))?;
    let search = reader.finish(|| Some(search))?;
    let (app, context) = call.admit()?;
    let found = permissions::search(app, context, search).await?;
    let groups = found.into_iter().map(|(id, views)| Group {
        item: ItemId::new(kind.item, id),
        permissions: views
            .into_iter()
            .map(|view| PermissionRow::new(kind.item, view))
            .collect(),
    });
    Ok(Answer::json(StatusCode::OK, &groups.collect::<Vec<_>>()))
}

fn fields(query: &mut Fields<'_>, kind: Kind) -> PermissionSearch {
    let (of, related) = match kind.item {
        Item::Bucket => (Listed::Buckets, "objectPerms"),
        Item::Object => (Listed::Objects, "bucketPerms"),
    };
    // Section 4.9.1: every spelling but the word `false` asks for exactly one person, even one that means no.
    let for_one = query.raw(related).is_some_and(|value| value.as_str() != Some("false"));
    PermissionSearch {
        of,
        buckets: query.many("bucketId", rules::uuid4),
        objects: match kind.item {
            Item::Bucket => Vec::new(),
            Item::Object => query.many("objectId", rules::uuid4),
        },
        filter: if for_one {
            query.permissions_of_one(kind)
        } else {
            query.permissions(kind)
        },
        related: query.boolean(related).unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use app::permissions::Principals;

    use super::*;
    use crate::validate::query::parse;

    const ONE: &str = "2d7f3e23-4643-47dc-b4b8-451c0844251e";
    const TWO: &str = "ac246e31-c807-496c-bc93-cd8bc2f1b2b4";

    fn read(query: &str, kind: Kind) -> Result<PermissionSearch, String> {
        let mut reader = Reader::default();
        let search = reader.parsed_query(&parse(query).unwrap(), |query| fields(query, kind));
        if reader.faults().is_empty() {
            Ok(search)
        } else {
            Err(reader.faults().detail())
        }
    }

    #[test]
    fn what_is_reached_indirectly_is_asked_for_one_person() {
        let one = read(
            &format!("objectPerms=true&userId={ONE}&permCode=READ,CREATE"),
            Kind::BUCKET_USER,
        )
        .unwrap();
        assert!(one.related);
        assert_eq!(one.filter.codes.len(), 2);
        assert!(matches!(one.filter.principals, Principals::People(people) if people.len() == 1));
        for query in [
            "objectPerms=true".to_owned(),
            "objectPerms=no".to_owned(),
            format!("objectPerms=true&userId={ONE}&userId={TWO}"),
            format!("objectPerms=true&userId={ONE},{TWO}"),
            format!("objectPerms=true&userId[]={ONE}"),
        ] {
            let fault = read(&query, Kind::BUCKET_USER).unwrap_err();
            assert!(fault.starts_with("\"userId\" "), "{query}: {fault}");
        }
        assert!(!read("objectPerms=false", Kind::BUCKET_USER).unwrap().related);
    }

    #[test]
    fn each_kind_has_its_own_keys() {
        for (query, kind) in [
            ("objectId=x", Kind::BUCKET_USER),
            ("bucketPerms=true", Kind::BUCKET_USER),
            ("objectPerms=true", Kind::OBJECT_USER),
            ("idp=x", Kind::OBJECT_USER),
            ("userId=x", Kind::OBJECT_IDP),
        ] {
            assert!(read(query, kind).unwrap_err().contains("is not allowed"), "{query}");
        }
    }

    #[test]
    fn the_old_name_of_a_provider_is_understood_everywhere() {
        let search = read("idp=azureidir,bceid&idp[]=idir", Kind::OBJECT_IDP).unwrap();
        assert!(matches!(search.filter.principals, Principals::IdentityProviders(names) if names == ["idir", "bceid"]));
    }
}
