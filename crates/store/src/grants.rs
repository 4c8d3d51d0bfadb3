//! Grants as rows: insert, list, search, revoke.

use access::{PermissionCode, Principal};
use domain::{ItemId, Timestamp};
use uuid::Uuid;

use crate::{
    Restriction, Row, Session, StoreError, Value, catalogue::sql, query::Query, session::data, stamps::Stamps,
};

/// The columns of [`GrantRow`], from `access_grant g`, `item i`, `person p` and `identity_provider d`.
macro_rules! grant_columns {
    () => {
        "g.uuid, i.uuid, g.code, g.created_by, g.created_at, g.updated_by, g.updated_at, g.principal_kind, p.uuid, d.name"
    };
}

/// The principals whose grants a listing shows.
const JOINS: &str = "
LEFT JOIN person p ON g.principal_kind = 1 AND p.id = g.principal_id
LEFT JOIN identity_provider d ON g.principal_kind = 5 AND d.id = g.principal_id";

sql! {
    /// Author, time; then one row per list position: items, ids, principals, codes and actions in parallel lists. What
    /// exists already is left alone and not returned.
    GRANT_INSERT: {
        sqlite: "
INSERT INTO access_grant (created_by, created_at, item_id, kind, uuid, principal_kind, principal_id, code, actions)
SELECT $1, $2, $3 ->> n.key, 0, unhex($4 ->> n.key), $5 ->> n.key, $6 ->> n.key, $7 ->> n.key, $8 ->> n.key
FROM json_each($4) n WHERE TRUE ORDER BY n.key
ON CONFLICT (item_id, principal_kind, principal_id, kind, code) DO NOTHING
RETURNING uuid",
        postgres: "
INSERT INTO access_grant (created_by, created_at, item_id, kind, uuid, principal_kind, principal_id, code, actions)
SELECT $1::uuid, $2::bigint, i, 0, u, pk, pi, c, a
FROM unnest($3::bigint[], $4::uuid[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[])
    WITH ORDINALITY t (i, u, pk, pi, c, a, n)
ORDER BY n
ON CONFLICT (item_id, principal_kind, principal_id, kind, code) DO NOTHING
RETURNING uuid",
    };

    /// Copies every grant of one item to another (objects contract 3.4: a child bucket starts with its parent's).
    GRANT_COPY: {
        sqlite: "
INSERT INTO access_grant (item_id, created_by, created_at, uuid, principal_kind, principal_id, kind, code, actions,
    opens_at, closes_at)
SELECT $1, $2, $3, unhex($4 ->> (g.place - 1)), g.principal_kind, g.principal_id, g.kind, g.code, g.actions, g.opens_at,
    g.closes_at
FROM (SELECT access_grant.*, row_number() OVER (ORDER BY id) AS place FROM access_grant WHERE item_id = $5) g",
        postgres: "
INSERT INTO access_grant (item_id, created_by, created_at, uuid, principal_kind, principal_id, kind, code, actions,
    opens_at, closes_at)
SELECT $1::bigint, $2::uuid, $3::bigint, ($4::uuid[])[g.place], g.principal_kind, g.principal_id, g.kind, g.code,
    g.actions, g.opens_at, g.closes_at
FROM (SELECT access_grant.*, row_number() OVER (ORDER BY id) AS place FROM access_grant WHERE item_id = $5) g",
    };

    GRANT_COUNT: "SELECT count(*) FROM access_grant WHERE item_id = $1";

    /// Which of these items have at least one grant of a principal.
    GRANT_HOLDINGS: {
        sqlite: "
SELECT item_id, code FROM access_grant
WHERE principal_kind = $1 AND principal_id = $2 AND kind = 0 AND item_id IN (SELECT value FROM json_each($3))
ORDER BY item_id, code",
        postgres: "
SELECT item_id, code FROM access_grant
WHERE principal_kind = $1 AND principal_id = $2 AND kind = 0 AND item_id = ANY($3)
ORDER BY item_id, code",
    };

    GRANT_DELETE_ROWS: {
        sqlite: "DELETE FROM access_grant WHERE uuid IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "DELETE FROM access_grant WHERE uuid = ANY($1)",
    };
}

/// The number a permission code is stored as.
pub const fn code_number(code: PermissionCode) -> i64 {
    match code {
        PermissionCode::Create => 1,
        PermissionCode::Read => 2,
        PermissionCode::Update => 3,
        PermissionCode::Delete => 4,
        PermissionCode::Manage => 5,
    }
}

fn code(number: i64) -> Option<PermissionCode> {
    PermissionCode::ALL
        .into_iter()
        .find(|code| code_number(*code) == number)
}

/// Who a listed grant is for, by public name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PrincipalRef {
    /// A person by public id.
    Person(Uuid),
    /// An identity provider by name.
    IdentityProvider(String),
}

/// A grant of one permission code.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// Public id of the row.
    pub uuid: Uuid,
    /// Public id of the item.
    pub item: Uuid,
    /// Who holds it.
    pub principal: PrincipalRef,
    /// Which code.
    pub code: PermissionCode,
    /// Stamps.
    pub stamps: Stamps,
}

fn read(row: &Row<'_>) -> Result<GrantRow, StoreError> {
    let number: i64 = row.get(2)?;
    let (person, provider): (Option<Uuid>, Option<String>) = (row.get(8)?, row.get(9)?);
    Ok(GrantRow {
        uuid: row.get(0)?,
        item: row.get(1)?,
        code: code(number).ok_or_else(|| data(2, &format!("code {number}")))?,
        stamps: Stamps::read(row, 3)?,
        principal: match (person, provider) {
            (Some(uuid), _) => PrincipalRef::Person(uuid),
            (None, Some(name)) => PrincipalRef::IdentityProvider(name),
            (None, None) => return Err(data(8, &"a grant to nobody")),
        },
    })
}

/// A code for a principal.
#[derive(Clone, Copy, Debug)]
pub struct NewGrant {
    /// Public id of the row.
    pub uuid: Uuid,
    /// Who gets it.
    pub principal: Principal,
    /// Which code.
    pub code: PermissionCode,
}

/// Inserts grants of codes on an item in one statement; answers the ids of those that are new.
pub async fn insert<S: Session>(
    s: &mut S,
    item: ItemId,
    grants: &[NewGrant],
    by: Uuid,
    now: Timestamp,
) -> Result<Vec<Uuid>, StoreError> {
    let items = vec![item.0; grants.len()];
    insert_on(s, &items, grants, by, now).await
}

/// The same on several items: each grant on the item at its place in the list.
pub async fn insert_on<S: Session>(
    s: &mut S,
    items: &[i64],
    grants: &[NewGrant],
    by: Uuid,
    now: Timestamp,
) -> Result<Vec<Uuid>, StoreError> {
    if grants.is_empty() {
        return Ok(Vec::new());
    }
    let uuids: Vec<Uuid> = grants.iter().map(|grant| grant.uuid).collect();
    let (kinds, ids): (Vec<i64>, Vec<i64>) = grants.iter().map(|grant| grant.principal.to_row()).unzip();
    let codes: Vec<i64> = grants.iter().map(|grant| code_number(grant.code)).collect();
    let actions: Vec<i64> = grants
        .iter()
        .map(|grant| i64::from(grant.code.actions().bits()))
        .collect();
    let values = [
        by.into(),
        now.into(),
        Value::Ints(items),
        Value::Uuids(&uuids),
        Value::Ints(&kinds),
        Value::Ints(&ids),
        Value::Ints(&codes),
        Value::Ints(&actions),
    ];
    s.fetch(&GRANT_INSERT, &values, |row| row.get(0)).await
}

/// How many grants an item carries.
pub async fn count<S: Session>(s: &mut S, item: ItemId) -> Result<i64, StoreError> {
    s.one(&GRANT_COUNT, &[item.into()], |row| row.get(0)).await
}

/// Copies the grants of `from` to `to`; `uuids` are the ids of the copies, at least as many as there are grants.
pub async fn copy<S: Session>(
    s: &mut S,
    from: ItemId,
    to: ItemId,
    uuids: &[Uuid],
    by: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [to.into(), by.into(), now.into(), Value::Uuids(uuids), from.into()];
    s.execute(&GRANT_COPY, &values).await.map(drop)
}

/// The codes a principal holds directly on each of these items.
pub async fn holdings<S: Session>(
    s: &mut S,
    principal: Principal,
    items: &[i64],
) -> Result<Vec<(ItemId, PermissionCode)>, StoreError> {
    let (kind, id) = principal.to_row();
    let rows = s
        .fetch(&GRANT_HOLDINGS, &[kind.into(), id.into(), Value::Ints(items)], |row| {
            let number: i64 = row.get(1)?;
            Ok((
                row.get(0)?,
                code(number).ok_or_else(|| data(1, &format!("code {number}")))?,
            ))
        })
        .await?;
    Ok(rows)
}

/// Which principals a listing is about; an empty list means all of that kind.
#[derive(Clone, Debug)]
pub enum Principals {
    /// People by public id.
    People(Vec<Uuid>),
    /// Identity providers by name.
    IdentityProviders(Vec<String>),
}

/// Which grants of an item.
#[derive(Clone, Debug)]
pub struct GrantFilter {
    /// Whose.
    pub principals: Principals,
    /// Any of these codes; empty means all.
    pub codes: Vec<PermissionCode>,
}

fn filtered<'a>(query: &mut Query<'a>, principals: &'a Principals, codes: &'a [i64]) {
    match principals {
        Principals::People(uuids) => {
            query.and("g.principal_kind = {}", 1);
            query.and_uuids(
                "p.uuid IN (SELECT unhex(value) FROM json_each({}))",
                "p.uuid = ANY({})",
                uuids,
            );
        }
        Principals::IdentityProviders(names) => {
            query.and("g.principal_kind = {}", 5);
            query.and_texts("d.name IN (SELECT value FROM json_each({}))", "d.name = ANY({})", names);
        }
    }
    if !codes.is_empty() {
        query.and_split(
            "g.code IN (SELECT value FROM json_each({}))",
            "g.code = ANY({})",
            Value::Ints(codes),
        );
    }
}

fn numbers(codes: &[PermissionCode]) -> Vec<i64> {
    codes.iter().map(|code| code_number(*code)).collect()
}

fn listing(name: &'static str) -> Query<'static> {
    let mut query = Query::new(
        name,
        concat!(
            "SELECT ",
            grant_columns!(),
            " FROM access_grant g JOIN item i ON i.id = g.item_id"
        ),
    );
    query.then(JOINS);
    query.then(" WHERE g.kind = 0");
    query
}

/// The grants on these items that match.
pub async fn list<S: Session>(s: &mut S, items: &[i64], filter: &GrantFilter) -> Result<Vec<GrantRow>, StoreError> {
    let codes = numbers(&filter.codes);
    let mut query = listing("GRANT_LIST");
    query.and_split(
        "g.item_id IN (SELECT value FROM json_each({}))",
        "g.item_id = ANY({})",
        Value::Ints(items),
    );
    filtered(&mut query, &filter.principals, &codes);
    query.then(" ORDER BY g.id");
    let (statement, values) = query.build();
    s.fetch(&statement, &values, read).await
}

/// Deletes grants by their public ids.
pub async fn delete<S: Session>(s: &mut S, rows: &[Uuid]) -> Result<(), StoreError> {
    s.execute(&GRANT_DELETE_ROWS, &[Value::Uuids(rows)]).await.map(drop)
}

/// Which kind of item a search lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Buckets.
    Buckets,
    /// Objects.
    Objects,
}

/// A search over grants (objects contract 4.9.1).
#[derive(Clone, Debug)]
pub struct GrantSearch {
    /// Of buckets or of objects.
    pub of: Listed,
    /// In (or on) any of these buckets; empty means any.
    pub buckets: Vec<Uuid>,
    /// On any of these objects; empty means any.
    pub objects: Vec<Uuid>,
    /// Whose and which.
    pub filter: GrantFilter,
    /// What the caller may be shown. The contract lists the grants on things that people may not read: only the buckets
    /// of a restriction count.
    pub restriction: Restriction,
}

/// Searches grants on buckets or objects.
pub async fn search<S: Session>(s: &mut S, search: &GrantSearch) -> Result<Vec<GrantRow>, StoreError> {
    let within = search.restriction.buckets();
    let codes = numbers(&search.filter.codes);
    let mut query = listing("GRANT_SEARCH");
    match search.of {
        Listed::Buckets => {
            query.then(" AND EXISTS (SELECT 1 FROM bucket b WHERE b.item_id = i.id)");
            query.and_uuids(
                "i.uuid IN (SELECT unhex(value) FROM json_each({}))",
                "i.uuid = ANY({})",
                &search.buckets,
            );
            query.and_within(
                "i.id IN (SELECT value FROM json_each({}))",
                "i.id = ANY({})",
                within.as_deref(),
            );
        }
        Listed::Objects => {
            query.then(" AND i.kind = 1");
            query.and_within(
                "i.parent_id IN (SELECT value FROM json_each({}))",
                "i.parent_id = ANY({})",
                within.as_deref(),
            );
            query.and_uuids(
                "i.uuid IN (SELECT unhex(value) FROM json_each({}))",
                "i.uuid = ANY({})",
                &search.objects,
            );
            query.and_uuids(
                "i.parent_id IN (SELECT id FROM item WHERE uuid IN (SELECT unhex(value) FROM json_each({})))",
                "i.parent_id IN (SELECT id FROM item WHERE uuid = ANY({}))",
                &search.buckets,
            );
        }
    }
    filtered(&mut query, &search.filter.principals, &codes);
    query.then(" ORDER BY g.id");
    let (statement, values) = query.build();
    s.fetch(&statement, &values, read).await
}

/// Public ids related to the grants of a search: buckets that hold an object on which the principals hold a grant, or
/// objects of buckets on which they hold one (`objectPerms`, `bucketPerms`).
pub async fn related<S: Session>(s: &mut S, search: &GrantSearch) -> Result<Vec<Uuid>, StoreError> {
    let codes = numbers(&search.filter.codes);
    let within = search.restriction.buckets();
    let mut query = match search.of {
        Listed::Buckets => {
            let mut query = Query::new(
                "GRANT_RELATED_BUCKETS",
                "SELECT DISTINCT b.uuid FROM access_grant g JOIN item i ON i.id = g.item_id AND i.kind = 1
JOIN item b ON b.id = i.parent_id JOIN bucket k ON k.item_id = b.id",
            );
            query.then(JOINS);
            query.then(" WHERE g.kind = 0");
            query.and_uuids(
                "b.uuid IN (SELECT unhex(value) FROM json_each({}))",
                "b.uuid = ANY({})",
                &search.buckets,
            );
            query
        }
        Listed::Objects => {
            let mut query = Query::new(
                "GRANT_RELATED_OBJECTS",
                "SELECT DISTINCT i.uuid FROM access_grant g JOIN item b ON b.id = g.item_id JOIN bucket k ON k.item_id = b.id
JOIN item i ON i.parent_id = b.id AND i.kind = 1",
            );
            query.then(JOINS);
            query.then(" WHERE g.kind = 0");
            query.and_uuids(
                "b.uuid IN (SELECT unhex(value) FROM json_each({}))",
                "b.uuid = ANY({})",
                &search.buckets,
            );
            query.and_uuids(
                "i.uuid IN (SELECT unhex(value) FROM json_each({}))",
                "i.uuid = ANY({})",
                &search.objects,
            );
            query
        }
    };
    query.and_within(
        "b.id IN (SELECT value FROM json_each({}))",
        "b.id = ANY({})",
        within.as_deref(),
    );
    // The codes narrow which objects of a bucket count, not which buckets of an object (contract 4.9.1).
    let codes = if search.of == Listed::Objects {
        codes.as_slice()
    } else {
        &[]
    };
    filtered(&mut query, &search.filter.principals, codes);
    query.then(" ORDER BY 1");
    let (statement, values) = query.build();
    s.fetch(&statement, &values, |row| row.get(0)).await
}
