//! The statements of this aggregate. Lists inside a row are texts: numbers with commas, names with U+001F between them
//! (a control character, which no name has).

use crate::catalogue::sql;

/// A collaboration `c` with its organisation `o`, its counts, units and labels.
macro_rules! collaboration_row {
    () => {
        "
SELECT c.id, c.uuid, c.organisation_id, o.short_name, c.short_name, c.name, c.description, c.expires_at, c.expired_at,
    c.suspended_at, c.last_activity_at, c.website_url, c.support_email, c.disable_join_requests,
    c.disclose_member_information, c.disclose_email_information, c.created_by, c.created_at, c.updated_by, c.updated_at,
    (SELECT count(*) FROM collaboration_membership m WHERE m.collaboration_id = c.id),
    (SELECT count(*) FROM invitation i WHERE i.collaboration_id = c.id),
    EXISTS (SELECT 1 FROM collaboration_logo l WHERE l.collaboration_id = c.id),
    (SELECT string_agg(CAST(u.unit_id AS TEXT), ',') FROM collaboration_unit u WHERE u.collaboration_id = c.id),
    (SELECT string_agg(n.name, '\u{1f}' ORDER BY n.name) FROM collaboration_unit u JOIN unit n ON n.id = u.unit_id
        WHERE u.collaboration_id = c.id),
    (SELECT string_agg(v.value, '\u{1f}' ORDER BY v.id) FROM collaboration_label k JOIN label v ON v.id = k.label_id
        WHERE k.collaboration_id = c.id)
FROM collaboration c JOIN organisation o ON o.id = c.organisation_id"
    };
}

/// The text that a list of collaborations starts with.
pub(super) const LIST: &str = concat!(collaboration_row!(), " WHERE TRUE");

/// A membership `m` of a person `p`, with the groups they are in.
macro_rules! member_row {
    () => {
        "
SELECT m.collaboration_id, m.id, m.person_id, m.role, m.expires_at, m.expired_at, m.invitation_id, m.created_by,
    m.created_at, m.updated_by, p.uuid, p.subject, p.username, p.email, p.full_name, p.first_name, p.last_name, p.active,
    p.created_at, p.updated_at,
    (SELECT string_agg(CAST(g.group_id AS TEXT), ',') FROM group_membership g
        WHERE g.collaboration_id = m.collaboration_id AND g.person_id = m.person_id)
FROM collaboration_membership m JOIN person p ON p.id = m.person_id"
    };
}

/// A group `g`, in the columns of a part.
macro_rules! group_row {
    () => {
        "
SELECT CAST(0 AS BIGINT), g.collaboration_id, g.id, g.uuid, g.short_name, g.name, g.description, CAST(NULL AS TEXT),
    CAST(CASE WHEN g.auto_provision_members THEN 1 ELSE 0 END AS BIGINT), g.service_group_id, g.created_by, g.created_at, g.updated_by,
    g.updated_at
FROM collaboration_group g"
    };
}

/// A service `s` that a collaboration `k` is connected to, in the columns of a part.
macro_rules! service_row {
    () => {
        "
SELECT 1, k.collaboration_id, s.id, s.uuid, s.abbreviation, s.name, s.description, s.entity_id,
    CASE WHEN s.access_allowed_for_all THEN 1 ELSE 0 END + CASE WHEN s.automatic_connection_allowed THEN 2 ELSE 0 END
        + CASE WHEN s.allow_restricted_organisations THEN 4 ELSE 0 END
        + CASE WHEN s.override_access_allowed_all_connections THEN 8 ELSE 0 END
        + CASE WHEN s.non_member_users_access_allowed THEN 16 ELSE 0 END + CASE WHEN s.scim_enabled THEN 32 ELSE 0 END
        + CASE WHEN s.scim_client_enabled THEN 64 ELSE 0 END + CASE WHEN s.token_enabled THEN 128 ELSE 0 END
        + CASE WHEN s.ldap_enabled THEN 256 ELSE 0 END,
    s.token_validity_days, s.details, s.created_at, s.scim_url, CAST(NULL AS BIGINT)
FROM collaboration_service k JOIN service s ON s.id = k.service_id"
    };
}

sql! {
    CO_BY_ID: (concat!(collaboration_row!(), " WHERE c.id = $1"));

    CO_BY_UUID: (concat!(collaboration_row!(), " WHERE c.uuid = $1"));

    /// organisation, public id or null, short name or null.
    CO_IN_ORGANISATION: (concat!(collaboration_row!(), "
WHERE c.organisation_id = $1 AND (c.uuid = $2 OR c.short_name = $3)"));

    CO_BY_GROUP: (concat!(collaboration_row!(), "
WHERE c.id = (SELECT collaboration_id FROM collaboration_group WHERE uuid = $1)"));

    /// organisation, folded name, short names: what of that is taken.
    CO_TAKEN: {
        sqlite: "
SELECT name_folded, short_name FROM collaboration
WHERE organisation_id = $1 AND (name_folded = $2 OR short_name IN (SELECT value FROM json_each($3)))",
        postgres: "
SELECT name_folded, short_name FROM collaboration
WHERE organisation_id = $1 AND (name_folded = $2 OR short_name = ANY($3))",
    };

    CO_MEMBERS: {
        sqlite: concat!(member_row!(), "
WHERE m.collaboration_id IN (SELECT value FROM json_each($1)) ORDER BY m.collaboration_id, m.id"),
        postgres: concat!(member_row!(), "
WHERE m.collaboration_id = ANY($1) ORDER BY m.collaboration_id, m.id"),
    };

    /// collaboration, uid: the subject of an identity, or the public id of somebody who has none yet.
    CO_MEMBER: (concat!(member_row!(), "
WHERE m.collaboration_id = $1 AND (p.subject = $2 OR (p.subject IS NULL AND p.uuid = $3)) ORDER BY m.id"));

    CO_PARTS: {
        sqlite: concat!(group_row!(), " WHERE g.collaboration_id IN (SELECT value FROM json_each($1)) UNION ALL",
            service_row!(), " WHERE k.collaboration_id IN (SELECT value FROM json_each($1)) ORDER BY 1, 2, 3"),
        postgres: concat!(group_row!(), " WHERE g.collaboration_id = ANY($1) UNION ALL", service_row!(),
            " WHERE k.collaboration_id = ANY($1) ORDER BY 1, 2, 3"),
    };

    CO_GROUP: (concat!(group_row!(), " WHERE g.uuid = $1"));

    /// The members of a group by uid.
    CO_GROUP_MEMBER: "
SELECT h.person_id FROM group_membership h JOIN person p ON p.id = h.person_id
WHERE h.group_id = $1 AND (p.subject = $2 OR (p.subject IS NULL AND p.uuid = $3))";

    PERSON_BY_UID: "
SELECT id, uuid, active, subject, email FROM person
WHERE subject = $1 OR (subject IS NULL AND uuid = $2) ORDER BY active DESC, id";

    CO_IS_MEMBER: "
SELECT count(*) FROM collaboration_membership WHERE collaboration_id = $1 AND person_id = $2";

    PERSON_UID: "SELECT subject, uuid FROM person WHERE id = $1";

    CO_DELETE: "DELETE FROM collaboration WHERE id = $1";

    /// Labels that nothing carries any more go, unless they are given to new collaborations. Organisation.
    LABEL_SWEEP: "
DELETE FROM label WHERE organisation_id = $1 AND NOT is_default
    AND NOT EXISTS (SELECT 1 FROM collaboration_label k WHERE k.label_id = label.id)";

    CO_TOUCH: "UPDATE collaboration SET last_activity_at = $1 WHERE id = $2";

    CO_LOGO_PUT: "
INSERT INTO collaboration_logo (collaboration_id, media_type, content) VALUES ($1, $2, $3)
ON CONFLICT (collaboration_id) DO UPDATE SET media_type = excluded.media_type, content = excluded.content";

    CO_LOGO: "
SELECT l.media_type, l.content FROM collaboration_logo l JOIN collaboration c ON c.id = l.collaboration_id
WHERE c.uuid = $1";

    CO_MEMBER_ROLE: "UPDATE collaboration_membership SET role = $1, updated_by = $2 WHERE id = $3";

    CO_MEMBER_DELETE: "DELETE FROM collaboration_membership WHERE id = $1";

    CO_MEMBER_INSERT: "
INSERT INTO collaboration_membership (collaboration_id, person_id, role, expires_at, invitation_id, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id";

    CO_GROUP_INSERT: "
INSERT INTO collaboration_group (uuid, collaboration_id, short_name, name, description, auto_provision_members,
    service_group_id, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id";

    CO_GROUP_UPDATE: "
UPDATE collaboration_group SET name = $1, description = $2, auto_provision_members = $3, updated_by = $4,
    updated_at = $5
WHERE id = $6";

    CO_GROUP_DELETE: "DELETE FROM collaboration_group WHERE id = $1";

    /// time, groups.
    CO_GROUP_JOIN_ALL: {
        sqlite: "
INSERT INTO group_membership (group_id, collaboration_id, person_id, created_at)
SELECT g.id, g.collaboration_id, m.person_id, $1
FROM collaboration_group g JOIN collaboration_membership m ON m.collaboration_id = g.collaboration_id
WHERE g.id IN (SELECT value FROM json_each($2))
ON CONFLICT (group_id, person_id) DO NOTHING",
        postgres: "
INSERT INTO group_membership (group_id, collaboration_id, person_id, created_at)
SELECT g.id, g.collaboration_id, m.person_id, $1::bigint
FROM collaboration_group g JOIN collaboration_membership m ON m.collaboration_id = g.collaboration_id
WHERE g.id = ANY($2)
ON CONFLICT (group_id, person_id) DO NOTHING",
    };

    CO_GROUP_JOIN_INVITED: {
        sqlite: "
INSERT INTO invitation_group (invitation_id, group_id)
SELECT i.id, g.id FROM collaboration_group g JOIN invitation i ON i.collaboration_id = g.collaboration_id
WHERE g.id IN (SELECT value FROM json_each($1)) AND i.status = 'open'
ON CONFLICT (invitation_id, group_id) DO NOTHING",
        postgres: "
INSERT INTO invitation_group (invitation_id, group_id)
SELECT i.id, g.id FROM collaboration_group g JOIN invitation i ON i.collaboration_id = g.collaboration_id
WHERE g.id = ANY($1) AND i.status = 'open'
ON CONFLICT (invitation_id, group_id) DO NOTHING",
    };

    /// collaboration, author, time; then ids, short names, names, descriptions (empty: none), whether everybody is put in,
    /// and the groups of a service they are copies of, in parallel lists.
    CO_GROUP_COPY: {
        sqlite: "
INSERT INTO collaboration_group (collaboration_id, created_by, created_at, uuid, short_name, name, description,
    auto_provision_members, service_group_id)
SELECT $1, $2, $3, unhex($4 ->> n.key), $5 ->> n.key, $6 ->> n.key, nullif($7 ->> n.key, ''), $8 ->> n.key, n.value
FROM json_each($9) n WHERE TRUE ORDER BY n.key
RETURNING id, auto_provision_members",
        postgres: "
INSERT INTO collaboration_group (collaboration_id, created_by, created_at, uuid, short_name, name, description,
    auto_provision_members, service_group_id)
SELECT $1::bigint, $2::text, $3::bigint, u, s, m, nullif(d, ''), a <> 0, g
FROM unnest($4::uuid[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[]) WITH ORDINALITY
    t (u, s, m, d, a, g, n)
ORDER BY n
RETURNING id, auto_provision_members",
    };

    /// collaboration, person, time, invitation or null: the groups that take everybody, and those of the invitation.
    CO_MEMBER_JOIN_GROUPS: "
INSERT INTO group_membership (group_id, collaboration_id, person_id, created_at)
SELECT g.id, g.collaboration_id, CAST($1 AS BIGINT), CAST($2 AS BIGINT) FROM collaboration_group g
WHERE g.collaboration_id = $3 AND (g.auto_provision_members
    OR EXISTS (SELECT 1 FROM invitation_group k WHERE k.group_id = g.id AND k.invitation_id = $4))
ON CONFLICT (group_id, person_id) DO NOTHING";

    CO_GROUP_MEMBER_INSERT: "
INSERT INTO group_membership (group_id, collaboration_id, person_id, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (group_id, person_id) DO NOTHING";

    CO_GROUP_MEMBER_DELETE: "DELETE FROM group_membership WHERE group_id = $1 AND person_id = $2";
}
