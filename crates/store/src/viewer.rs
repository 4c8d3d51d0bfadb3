//! What somebody may read, in SQL: the rules of `access` for objects of buckets, so that lists are filtered where they are
//! made. A property test holds the two together (`tests/it/readable.rs`).
//!
//! Every statement that uses these texts has four parameters first: the person, whether rights that come to the person
//! count (their own, those of their groups and collaborations, and ownership), whether those of their identity provider
//! do, and now. What is public is not meant: a list of what somebody may read would be a list of everything public.

use domain::{PersonId, Timestamp};

use crate::{Value, query::Query};

/// Whose rights a list is restricted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The person.
    pub person: PersonId,
    /// Rights of the person, their groups and collaborations, and ownership.
    pub own: bool,
    /// Rights of the person's identity provider.
    pub identity_provider: bool,
    /// When.
    pub now: Timestamp,
}

/// The principals, and what they hold `Download` on.
const GRANTED: &str = "
caller (kind, id) AS MATERIALIZED (
    SELECT 1, CAST($1 AS BIGINT) WHERE $2
    UNION ALL
    SELECT 5, identity_provider FROM person WHERE id = $1 AND identity_provider IS NOT NULL AND $3
    UNION ALL
    SELECT 3, collaboration_id FROM collaboration_membership
    WHERE person_id = $1 AND (expires_at IS NULL OR expires_at > $4) AND $2
    UNION ALL
    SELECT 4, collaboration_id FROM collaboration_membership
    WHERE person_id = $1 AND role = 'admin' AND (expires_at IS NULL OR expires_at > $4) AND $2
    UNION ALL
    SELECT 2, held.group_id FROM group_membership held CROSS JOIN collaboration_membership member
    WHERE held.person_id = $1 AND member.collaboration_id = held.collaboration_id
        AND member.person_id = held.person_id AND (member.expires_at IS NULL OR member.expires_at > $4) AND $2
)";

/// Buckets whose objects are readable, apart from exceptions: by a grant or as their owner.
pub(crate) const ROOTS: &str = "
SELECT g.item_id FROM caller c CROSS JOIN access_grant g JOIN bucket k ON k.item_id = g.item_id
WHERE g.principal_kind = c.kind AND g.principal_id = c.id AND (g.actions & 4) <> 0
    AND (g.opens_at IS NULL OR g.opens_at <= $4) AND (g.closes_at IS NULL OR g.closes_at > $4)
UNION
SELECT o.id FROM item o JOIN bucket k ON k.item_id = o.id WHERE o.owner_id = $1 AND $2";

/// Items that carry a grant of their own which lets the caller read, or that are the caller's.
pub(crate) const DIRECT: &str = "
SELECT g.item_id FROM caller c CROSS JOIN access_grant g
WHERE g.principal_kind = c.kind AND g.principal_id = c.id AND (g.actions & 4) <> 0
    AND (g.opens_at IS NULL OR g.opens_at <= $4) AND (g.closes_at IS NULL OR g.closes_at > $4)
UNION
SELECT o.id FROM item o WHERE o.owner_id = $1 AND $2";

/// A grant on an item to one of the caller's principals, `c`, that is open now.
macro_rules! held {
    (sqlite $item:literal $which:literal) => {
        concat!(
            "CROSS JOIN access_grant g WHERE g.item_id = ",
            $item,
            " AND g.principal_kind = c.kind AND g.principal_id = c.id AND ",
            $which,
            " AND (g.opens_at IS NULL OR g.opens_at <= $4) AND (g.closes_at IS NULL OR g.closes_at > $4)"
        )
    };
    // `OFFSET 0` keeps the look-up inside: left to itself the planner reads all that a principal holds anywhere.
    (postgres $item:literal $which:literal) => {
        concat!(
            "CROSS JOIN LATERAL (SELECT 1 FROM access_grant g WHERE g.item_id = ",
            $item,
            " AND g.principal_kind = c.kind AND g.principal_id = c.id AND ",
            $which,
            " AND (g.opens_at IS NULL OR g.opens_at <= $4) AND (g.closes_at IS NULL OR g.closes_at > $4) OFFSET 0) held
WHERE TRUE"
        )
    };
}

/// Keeps PostgreSQL from reading all of what a condition looks up, once for all rows.
macro_rules! inside {
    (sqlite) => {
        ""
    };
    (postgres) => {
        " OFFSET 0"
    };
}

/// Whether the caller may read the object `f` of the bucket `b`: its own grants, else those of the bucket for principals
/// that have no explicit decision on the object.
macro_rules! readable {
    ($engine:ident) => {
        concat!(
            "
f.disabled_at IS NULL AND f.recycled_at IS NULL AND b.recycled_at IS NULL
AND (f.classification_id IS NULL OR EXISTS (
    SELECT 1 FROM clearance l WHERE l.person_id = $1 AND l.classification_id = f.classification_id))
AND (
    (f.owner_id = $1 AND $2) OR (f.inherits AND b.owner_id = $1 AND $2)
    OR (
        (f.opens_at IS NULL OR f.opens_at <= $4) AND (f.closes_at IS NULL OR f.closes_at > $4)
        AND (
            EXISTS (SELECT 1 FROM caller c ",
            held!($engine "f.id" "(g.actions & 4) <> 0"),
            ")
            OR (f.inherits AND EXISTS (SELECT 1 FROM caller c ",
            held!($engine "f.parent_id" "(g.actions & 4) <> 0"),
            "
                AND NOT EXISTS (SELECT 1 FROM access_grant s
                    WHERE s.item_id = f.id AND s.principal_kind = c.kind AND s.principal_id = c.id AND s.kind = 1
                        AND (s.opens_at IS NULL OR s.opens_at <= $4) AND (s.closes_at IS NULL OR s.closes_at > $4)",
            inside!($engine),
            ")))
        )
    )
)"
        )
    };
}

pub(crate) const READABLE_SQLITE: &str = readable!(sqlite);
pub(crate) const READABLE_POSTGRES: &str = readable!(postgres);

impl Viewer {
    fn values<'a>(self) -> [Value<'a>; 4] {
        [
            self.person.into(),
            self.own.into(),
            self.identity_provider.into(),
            self.now.into(),
        ]
    }

    /// Starts a statement: the four parameters and the caller's principals. More tables may follow, after a comma.
    pub(crate) fn begin<'a>(self, name: &'static str) -> Query<'a> {
        let mut query = Query::new(name, "WITH ");
        query.with(GRANTED, GRANTED, &self.values());
        query
    }
}

/// Adds the condition that the object `f` of the bucket `b` is readable.
pub(crate) fn and_readable(query: &mut Query<'_>) {
    query.with(
        &format!(" AND ({READABLE_SQLITE})"),
        &format!(" AND ({READABLE_POSTGRES})"),
        &[],
    );
}
