//! The facts of an access decision, in one statement: the item, its ancestors, and the grants on them that the caller
//! holds. Its cost follows the depth of the tree and the number of the caller's principals; how many items there are, and
//! how many grants others hold on the way, does not matter.

use access::{Actions, Chain, Grant, GrantKind, ItemKind, Node, Principal, Subject, Window};
use domain::{ClassificationId, ItemId, PersonId, Timestamp};
use uuid::Uuid;

use crate::{Row, Session, StoreError, Value, buckets::is_below_public, catalogue::sql, session::data};

/// The principals that the caller ($2) holds, and when each of them ends. Time is no parameter: what is asked for does not
/// change by itself, so an answer may be kept (`crate::sqlite`).
macro_rules! caller {
    () => {
        "
caller (kind, id, expires_at) AS MATERIALIZED (
    SELECT 0, 0, CAST(NULL AS BIGINT)
    UNION ALL
    SELECT 1, CAST($2 AS BIGINT), NULL
    UNION ALL
    SELECT 5, identity_provider, NULL FROM person WHERE id = $2
    UNION ALL
    SELECT 3, collaboration_id, expires_at FROM collaboration_membership WHERE person_id = $2
    UNION ALL
    SELECT 4, collaboration_id, expires_at FROM collaboration_membership WHERE person_id = $2 AND role = 'admin'
    UNION ALL
    SELECT 2, held.group_id, member.expires_at FROM group_membership held CROSS JOIN collaboration_membership member
    WHERE held.person_id = $2 AND member.collaboration_id = held.collaboration_id
        AND member.person_id = held.person_id
)"
    };
}

/// Who the caller is: their clearances, and whether their account is active.
macro_rules! caller_rows {
    () => {
        "
UNION ALL
SELECT 0, 2, classification_id, 0, NULL, 0, NULL, NULL, NULL FROM clearance WHERE person_id = $2
UNION ALL
SELECT 0, 3, id, 0, NULL, CASE WHEN active THEN 1 ELSE 0 END, NULL, NULL, NULL FROM person WHERE id = $2
UNION ALL"
    };
}

/// The item and its ancestors, and the principals that the caller holds.
macro_rules! chain_and_caller {
    ($engine:ident) => {
        concat!(
            "
WITH RECURSIVE
chain (depth, id, parent_id, kind, owner_id, flags, opens_at, closes_at, classification_id) AS (
    SELECT CAST(0 AS BIGINT), id, parent_id, kind, owner_id,
        CASE WHEN disabled_at IS NULL THEN 0 ELSE 1 END + CASE WHEN recycled_at IS NULL THEN 0 ELSE 2 END
            + CASE WHEN public AND (kind = 2 OR public_generation = coalesce(
                (SELECT private_generation FROM bucket WHERE item_id = item.parent_id), 0)) THEN 4 ELSE 0 END
            + CASE WHEN inherits THEN 8 ELSE 0 END,
        opens_at, closes_at, classification_id
    FROM item WHERE uuid = $1
    UNION ALL
    SELECT chain.depth + 1, item.id, item.parent_id, item.kind, item.owner_id,
        CASE WHEN item.disabled_at IS NULL THEN 0 ELSE 1 END + CASE WHEN item.recycled_at IS NULL THEN 0 ELSE 2 END
            + CASE WHEN item.public THEN 4 ELSE 0 END + CASE WHEN item.inherits THEN 8 ELSE 0 END,
        item.opens_at, item.closes_at, item.classification_id
    FROM chain CROSS JOIN item WHERE item.id = chain.parent_id
),",
            caller!(),
            "
SELECT depth, CAST(0 AS BIGINT), id, kind, owner_id, flags, opens_at, closes_at, classification_id FROM chain",
            caller_rows!(),
            "
SELECT chain.depth, 4, chain.id, 0, NULL, 0, NULL, NULL, NULL FROM chain CROSS JOIN bucket b
WHERE b.item_id = chain.id AND ",
            is_below_public!($engine),
            "
UNION ALL
SELECT chain.depth, 1, held.principal_id, held.principal_kind, held.kind, held.actions, held.opens_at, held.closes_at,
    caller.expires_at
FROM chain CROSS JOIN caller "
        )
    };
}

/// Items that have nothing above them, and the principals that the caller holds.
macro_rules! roots_and_caller {
    ($engine:ident, $named:literal) => {
        concat!(
            "
WITH root (id, kind, owner_id, flags, opens_at, closes_at, classification_id) AS (
    SELECT id, kind, owner_id,
        CASE WHEN disabled_at IS NULL THEN 0 ELSE 1 END + CASE WHEN recycled_at IS NULL THEN 0 ELSE 2 END
            + CASE WHEN public THEN 4 ELSE 0 END,
        opens_at, closes_at, classification_id
    FROM item WHERE parent_id IS NULL AND ",
            $named,
            "
),",
            caller!(),
            "
SELECT root.id, CAST(0 AS BIGINT), root.id, kind, owner_id, flags, opens_at, closes_at, classification_id FROM root",
            caller_rows!(),
            "
SELECT root.id, 4, root.id, 0, NULL, 0, NULL, NULL, NULL FROM root CROSS JOIN bucket b
WHERE b.item_id = root.id AND ",
            is_below_public!($engine),
            "
UNION ALL
SELECT root.id, 1, held.principal_id, held.principal_kind, held.kind, held.actions, held.opens_at, held.closes_at,
    caller.expires_at
FROM root CROSS JOIN caller "
        )
    };
}

sql! {
    /// item uuid, person or null. Rows in no order: tag 0 a node, 1 a grant, 2 a clearance, 3 the caller, 4 a bucket
    /// that lies below a public one.
    ///
    /// Each grant is one seek by item and principal. Left to themselves the planners would rather read everything that
    /// a principal holds anywhere, or everything that others hold here. `CROSS JOIN` keeps SQLite to the order written;
    /// on PostgreSQL, where it does not, `OFFSET 0` keeps the look-up inside.
    ACCESS_FACTS: {
        sqlite: concat!(chain_and_caller!(sqlite), "CROSS JOIN access_grant held
WHERE held.item_id = chain.id AND held.principal_kind = caller.kind AND held.principal_id = caller.id"),
        postgres: concat!(chain_and_caller!(postgres), "CROSS JOIN LATERAL (
    SELECT * FROM access_grant
    WHERE item_id = chain.id AND principal_kind = caller.kind AND principal_id = caller.id OFFSET 0
) held"),
    };

    /// uuids, person or null: the facts about many roots at once. Rows as above, with the item in place of the depth.
    ACCESS_FACTS_OF_ROOTS: {
        sqlite: concat!(
            roots_and_caller!(sqlite, "uuid IN (SELECT unhex(value) FROM json_each($1))"),
            "CROSS JOIN access_grant held
WHERE held.item_id = root.id AND held.principal_kind = caller.kind AND held.principal_id = caller.id"
        ),
        postgres: concat!(
            roots_and_caller!(postgres, "uuid = ANY($1)"),
            "CROSS JOIN LATERAL (
    SELECT * FROM access_grant
    WHERE item_id = root.id AND principal_kind = caller.kind AND principal_id = caller.id OFFSET 0
) held"
        ),
    };
}

/// What the decision about one item needs to know.
#[derive(Debug)]
pub struct AccessFacts {
    /// The item, its ancestors, and on each the grants the caller holds.
    pub chain: Chain,
    /// The caller: the person with the principals that hold a grant here, or nobody in particular.
    pub subject: Subject,
    /// Whether the caller's account is active (true for callers without one).
    pub active: bool,
}

struct FactRow {
    /// How far above the item, or which root.
    place: i64,
    tag: i64,
    a: i64,
    b: i64,
    c: Option<i64>,
    flags: i64,
    window: Window,
    /// The classification of a node; when the caller stops being the principal of a grant.
    last: Option<i64>,
}

fn read(row: &Row<'_>) -> Result<FactRow, StoreError> {
    Ok(FactRow {
        place: row.get(0)?,
        tag: row.get(1)?,
        a: row.get(2)?,
        b: row.get(3)?,
        c: row.get(4)?,
        flags: row.get(5)?,
        window: Window {
            opens: row.get(6)?,
            closes: row.get(7)?,
        },
        last: row.get(8)?,
    })
}

/// Loads the facts about an item for a caller; nothing if there is no such item.
pub async fn load<S: Session>(
    session: &mut S,
    item: Uuid,
    person: Option<PersonId>,
    now: Timestamp,
) -> Result<Option<AccessFacts>, StoreError> {
    let rows = session
        .fetch(&ACCESS_FACTS, &[item.into(), person.into()], read)
        .await?;
    let (nodes, subject, active) = gather(rows, person, now)?;
    Ok(Chain::new(nodes).map(|chain| AccessFacts { chain, subject, active }))
}

/// Loads the facts about items that have nothing above them, such as buckets, in one statement, however many there are.
/// What does not exist is left out.
pub async fn load_roots<S: Session>(
    session: &mut S,
    items: &[Uuid],
    person: Option<PersonId>,
    now: Timestamp,
) -> Result<RootFacts, StoreError> {
    let values = [Value::Uuids(items), person.into()];
    let rows = session.fetch(&ACCESS_FACTS_OF_ROOTS, &values, read).await?;
    let (nodes, subject, active) = gather(rows, person, now)?;
    let chains = nodes.into_iter().filter_map(|node| Chain::new(vec![node])).collect();
    Ok(RootFacts {
        chains,
        subject,
        active,
    })
}

/// What the decisions about several roots need to know.
#[derive(Debug)]
pub struct RootFacts {
    /// Each root with the grants the caller holds on it.
    pub chains: Vec<Chain>,
    /// The caller, with the principals that hold a grant on any of them.
    pub subject: Subject,
    /// Whether the caller's account is active (true for callers without one).
    pub active: bool,
}

/// Nodes with their grants, in the order of their first column, and the caller.
fn gather(
    mut rows: Vec<FactRow>,
    person: Option<PersonId>,
    now: Timestamp,
) -> Result<(Vec<Node>, Subject, bool), StoreError> {
    rows.sort_unstable_by_key(|row| (row.place, row.tag));
    let mut nodes: Vec<Node> = Vec::new();
    let mut principals: Vec<Principal> = Vec::new();
    let (mut clearances, mut active) = (Vec::new(), true);
    for row in rows {
        match row.tag {
            0 => nodes.push(node(&row)?),
            1 if row.last.is_some_and(|expires_at| expires_at <= now.0) => {}
            1 => {
                let grant = grant(&row)?;
                if !principals.contains(&grant.principal) {
                    principals.push(grant.principal);
                }
                // Sorted by place and tag: a grant follows its node.
                let node = nodes.last_mut().ok_or_else(|| data(1, &"a grant before its item"))?;
                add(&mut node.grants, grant);
            }
            2 => clearances.push(ClassificationId(row.a)),
            4 => {
                let node = nodes.last_mut().ok_or_else(|| data(1, &"public before its item"))?;
                add(&mut node.grants, to_anyone());
            }
            _ => active = row.flags != 0,
        }
    }
    let subject = person.map_or_else(Subject::anonymous, |person| {
        Subject::person(person, principals, clearances)
    });
    Ok((nodes, subject, active))
}

fn node(row: &FactRow) -> Result<Node, StoreError> {
    let kind = match row.b {
        1 => ItemKind::File,
        2 => ItemKind::Folder,
        other => return Err(data(3, &format!("kind {other}"))),
    };
    let mut grants = Vec::new();
    if row.flags & 4 != 0 {
        grants.push(to_anyone());
    }
    Ok(Node {
        item: ItemId(row.a),
        kind,
        inherits: row.flags & 8 != 0,
        owner: row.c.map(PersonId),
        disabled: row.flags & 1 != 0,
        deleted: false,
        recycled: row.flags & 2 != 0,
        share_window: row.window,
        classification: row.last.map(ClassificationId),
        collaboration: None,
        units: Vec::new(),
        grants,
    })
}

/// What is public is a grant of READ to anyone (objects contract 3.2, steps 5 and 6).
fn to_anyone() -> Grant {
    Grant {
        principal: Principal::Anyone,
        actions: access::PermissionCode::Read.actions(),
        kind: GrantKind::Add,
        window: Window::ALWAYS,
    }
}

fn grant(row: &FactRow) -> Result<Grant, StoreError> {
    let principal =
        Principal::from_row(row.b, row.a).ok_or_else(|| data(3, &format!("principal {} {}", row.b, row.a)))?;
    let bits = u16::try_from(row.flags).map_err(|error| data(5, &error))?;
    Ok(Grant {
        principal,
        actions: Actions::from_bits_truncate(bits),
        kind: if row.c == Some(1) {
            GrantKind::Set
        } else {
            GrantKind::Add
        },
        window: row.window,
    })
}

/// The rows of one principal with the same window are one grant (one row is kept for each permission code).
fn add(grants: &mut Vec<Grant>, grant: Grant) {
    let same = |held: &&mut Grant| {
        held.kind == GrantKind::Add
            && grant.kind == GrantKind::Add
            && held.principal == grant.principal
            && held.window == grant.window
    };
    match grants.iter_mut().find(same) {
        Some(held) => held.actions |= grant.actions,
        None => grants.push(grant),
    }
}
