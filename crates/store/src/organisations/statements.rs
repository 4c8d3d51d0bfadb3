//! The statements of this aggregate.

use crate::catalogue::sql;

sql! {
    /// subjects, folded addresses. An active person first.
    PERSON_LIKE: {
        sqlite: "
SELECT p.id, p.uuid, p.issuer, i.name, p.subject, p.username, p.email, p.email_verified,
    p.full_name, p.active, p.platform_administrator, a.person_id
FROM person p LEFT JOIN identity_provider i ON i.id = p.identity_provider LEFT JOIN account a ON a.person_id = p.id
WHERE p.subject IN (SELECT value FROM json_each($1)) OR p.email_folded IN (SELECT value FROM json_each($2))
ORDER BY p.active DESC, p.id",
        postgres: "
SELECT p.id, p.uuid, p.issuer, i.name, p.subject, p.username, p.email, p.email_verified,
    p.full_name, p.active, p.platform_administrator, a.person_id
FROM person p LEFT JOIN identity_provider i ON i.id = p.identity_provider LEFT JOIN account a ON a.person_id = p.id
WHERE p.subject = ANY($1) OR p.email_folded = ANY($2)
ORDER BY p.active DESC, p.id",
    };

    PERSON_SET_IDENTITY: "
UPDATE person SET issuer = $1, identity_provider = $2, subject = $3, updated_by = $4, updated_at = $5 WHERE id = $6";

    PERSON_SET_PROFILE: "
UPDATE person SET username = $1, email = $2, email_folded = $3, email_verified = $4, full_name = $5, first_name = $6,
    last_name = $7, updated_by = $8, updated_at = $9
WHERE id = $10";

    PERSON_SET_FLAGS: "
UPDATE person SET active = $1, platform_administrator = $2, updated_by = $3, updated_at = $4 WHERE id = $5";

    ACCOUNT_ADDRESSES: {
        sqlite: "SELECT email_folded FROM account WHERE email_folded IN (SELECT value FROM json_each($1))",
        postgres: "SELECT email_folded FROM account WHERE email_folded = ANY($1)",
    };

    ACCOUNT_READDRESS: "UPDATE account SET email_folded = $1 WHERE person_id = $2";

    ORGANISATION_BY_SHORT_NAME: "
SELECT id, uuid, short_name, name, category, description, accepted_user_policy, on_boarding_message, crm_id,
    invitation_sender_name, invitation_message, collaboration_creation_allowed, services_restricted,
    service_connection_requires_approval, created_at
FROM organisation WHERE short_name = $1";

    ORGANISATION_LIST: {
        sqlite: "
SELECT id, uuid, short_name, name, category, description, accepted_user_policy, on_boarding_message, crm_id,
    invitation_sender_name, invitation_message, collaboration_creation_allowed, services_restricted,
    service_connection_requires_approval, created_at
FROM organisation WHERE short_name IN (SELECT value FROM json_each($1))",
        postgres: "
SELECT id, uuid, short_name, name, category, description, accepted_user_policy, on_boarding_message, crm_id,
    invitation_sender_name, invitation_message, collaboration_creation_allowed, services_restricted,
    service_connection_requires_approval, created_at
FROM organisation WHERE short_name = ANY($1)",
    };

    ORGANISATION_BY_ID: "
SELECT id, uuid, short_name, name, category, description, accepted_user_policy, on_boarding_message, crm_id,
    invitation_sender_name, invitation_message, collaboration_creation_allowed, services_restricted,
    service_connection_requires_approval, created_at
FROM organisation WHERE id = $1";

    ORGANISATION_MEMBER_COUNT: "SELECT count(*) FROM organisation_membership WHERE organisation_id = $1";

    /// organisation, units: how many managers are bound to these units and to no others.
    ORGANISATION_MANAGER_COUNT: {
        sqlite: "
SELECT count(*) FROM organisation_membership m WHERE m.organisation_id = $1 AND m.scoped
    AND EXISTS (SELECT 1 FROM organisation_membership_unit u
        WHERE u.organisation_id = m.organisation_id AND u.person_id = m.person_id)
    AND NOT EXISTS (SELECT 1 FROM organisation_membership_unit u
        WHERE u.organisation_id = m.organisation_id AND u.person_id = m.person_id
            AND u.unit_id NOT IN (SELECT value FROM json_each($2)))",
        postgres: "
SELECT count(*) FROM organisation_membership m WHERE m.organisation_id = $1 AND m.scoped
    AND EXISTS (SELECT 1 FROM organisation_membership_unit u
        WHERE u.organisation_id = m.organisation_id AND u.person_id = m.person_id)
    AND NOT EXISTS (SELECT 1 FROM organisation_membership_unit u
        WHERE u.organisation_id = m.organisation_id AND u.person_id = m.person_id AND u.unit_id <> ALL($2))",
    };

    /// Organisations are numbered from 1001 on: a small number that slipped into a request names none.
    ORGANISATION_INSERT: {
        sqlite: "
INSERT INTO organisation (id, uuid, short_name, name, category, description, accepted_user_policy, on_boarding_message,
    crm_id, invitation_sender_name, invitation_message, collaboration_creation_allowed, services_restricted,
    service_connection_requires_approval, created_by, created_at)
VALUES ((SELECT max(coalesce(max(id), 0), 1000) + 1 FROM organisation), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
    $12, $13, $14, $15)
RETURNING id",
        postgres: "
INSERT INTO organisation (uuid, short_name, name, category, description, accepted_user_policy, on_boarding_message,
    crm_id, invitation_sender_name, invitation_message, collaboration_creation_allowed, services_restricted,
    service_connection_requires_approval, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
RETURNING id",
    };

    ORGANISATION_UPDATE: "
UPDATE organisation SET name = $1, category = $2, description = $3, accepted_user_policy = $4, on_boarding_message = $5,
    crm_id = $6, invitation_sender_name = $7, invitation_message = $8, collaboration_creation_allowed = $9,
    services_restricted = $10, service_connection_requires_approval = $11
WHERE id = $12";

    UNIT_LIST: {
        sqlite: "
SELECT id, organisation_id, name, created_at FROM unit
WHERE organisation_id IN (SELECT value FROM json_each($1)) ORDER BY organisation_id, name",
        postgres: "
SELECT id, organisation_id, name, created_at FROM unit WHERE organisation_id = ANY($1) ORDER BY organisation_id, name",
    };

    UNIT_INSERT: {
        sqlite: "
INSERT INTO unit (organisation_id, created_at, name)
SELECT $1, $2, n.value FROM json_each($3) n ORDER BY n.key
RETURNING id, organisation_id, name, created_at",
        postgres: "
INSERT INTO unit (organisation_id, created_at, name)
SELECT $1::bigint, $2::bigint, u FROM unnest($3::text[]) WITH ORDINALITY t (u, n) ORDER BY n
RETURNING id, organisation_id, name, created_at",
    };

    UNIT_RENAME: "UPDATE unit SET name = $1 WHERE id = $2";

    /// The scopes of tokens and managers and the units of collaborations follow by the schema.
    UNIT_DELETE: "DELETE FROM unit WHERE id = $1";

    /// One row for each member and unit.
    ORGANISATION_MEMBER_LIST: {
        sqlite: "
SELECT m.organisation_id, m.person_id, m.role, m.scoped, p.uuid, coalesce(p.full_name, p.username), u.unit_id
FROM organisation_membership m JOIN person p ON p.id = m.person_id
LEFT JOIN organisation_membership_unit u ON u.organisation_id = m.organisation_id AND u.person_id = m.person_id
WHERE m.organisation_id IN (SELECT value FROM json_each($1))
ORDER BY m.organisation_id, m.person_id, u.unit_id",
        postgres: "
SELECT m.organisation_id, m.person_id, m.role, m.scoped, p.uuid, coalesce(p.full_name, p.username), u.unit_id
FROM organisation_membership m JOIN person p ON p.id = m.person_id
LEFT JOIN organisation_membership_unit u ON u.organisation_id = m.organisation_id AND u.person_id = m.person_id
WHERE m.organisation_id = ANY($1)
ORDER BY m.organisation_id, m.person_id, u.unit_id",
    };

    /// Organisation, time; then roles, whether they are bound to units, and people, in parallel lists.
    ORGANISATION_MEMBER_PUT: {
        sqlite: "
INSERT INTO organisation_membership (organisation_id, created_at, person_id, role, scoped)
SELECT $1, $2, n.value, $3 ->> n.key, $4 ->> n.key FROM json_each($5) n WHERE TRUE
ON CONFLICT (organisation_id, person_id) DO UPDATE SET role = excluded.role, scoped = excluded.scoped",
        postgres: "
INSERT INTO organisation_membership (organisation_id, created_at, person_id, role, scoped)
SELECT $1::bigint, $2::bigint, p, r, s <> 0 FROM unnest($3::text[], $4::bigint[], $5::bigint[]) t (r, s, p)
ON CONFLICT (organisation_id, person_id) DO UPDATE SET role = excluded.role, scoped = excluded.scoped",
    };

    ORGANISATION_MEMBER_DELETE: {
        sqlite: "
DELETE FROM organisation_membership WHERE organisation_id = $1 AND person_id IN (SELECT value FROM json_each($2))",
        postgres: "DELETE FROM organisation_membership WHERE organisation_id = $1 AND person_id = ANY($2)",
    };

    ORGANISATION_MEMBER_UNIT_CLEAR: {
        sqlite: "
DELETE FROM organisation_membership_unit
WHERE organisation_id = $1 AND person_id IN (SELECT value FROM json_each($2))",
        postgres: "DELETE FROM organisation_membership_unit WHERE organisation_id = $1 AND person_id = ANY($2)",
    };

    /// Organisation; then units and people in parallel lists.
    ORGANISATION_MEMBER_UNIT_INSERT: {
        sqlite: "
INSERT INTO organisation_membership_unit (organisation_id, person_id, unit_id)
SELECT $1, n.value, $2 ->> n.key FROM json_each($3) n",
        postgres: "
INSERT INTO organisation_membership_unit (organisation_id, person_id, unit_id)
SELECT $1::bigint, p, u FROM unnest($2::bigint[], $3::bigint[]) t (u, p)",
    };

    /// One row for each token and unit.
    TOKEN_LIST: {
        sqlite: "
SELECT t.id, t.uuid, t.organisation_id, t.scoped, t.description, t.created_at, t.expires_at, t.last_used_at, t.created_by,
    u.unit_id
FROM token t LEFT JOIN token_unit u ON u.token_id = t.id
WHERE t.organisation_id IN (SELECT value FROM json_each($1)) ORDER BY t.id, u.unit_id",
        postgres: "
SELECT t.id, t.uuid, t.organisation_id, t.scoped, t.description, t.created_at, t.expires_at, t.last_used_at, t.created_by,
    u.unit_id
FROM token t LEFT JOIN token_unit u ON u.token_id = t.id
WHERE t.organisation_id = ANY($1) ORDER BY t.id, u.unit_id",
    };

    /// A token with its organisation and its units, for one request.
    TOKEN_CALLER: "
SELECT t.id, t.uuid, t.organisation_id, t.scoped, t.expires_at, t.last_used_at, o.uuid, o.short_name, o.name,
    (SELECT string_agg(CAST(u.unit_id AS TEXT), ',') FROM token_unit u WHERE u.token_id = t.id)
FROM token t JOIN organisation o ON o.id = t.organisation_id WHERE t.secret_hash = $1";

    TOKEN_BY_UUID: "
SELECT t.id, t.uuid, t.organisation_id, t.scoped, t.description, t.created_at, t.expires_at, t.last_used_at, t.created_by,
    u.unit_id
FROM token t LEFT JOIN token_unit u ON u.token_id = t.id
WHERE t.uuid = $1 ORDER BY u.unit_id";

    TOKEN_INSERT: "
INSERT INTO token (uuid, organisation_id, secret_hash, scoped, description, created_by, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING id";

    TOKEN_UNIT_INSERT: {
        sqlite: "INSERT INTO token_unit (token_id, unit_id) SELECT $1, n.value FROM json_each($2) n",
        postgres: "INSERT INTO token_unit (token_id, unit_id) SELECT $1::bigint, u FROM unnest($2::bigint[]) t (u)",
    };

    TOKEN_TOUCH: "
UPDATE token SET last_used_at = $1 WHERE id = $2 AND (last_used_at IS NULL OR last_used_at <= $3)";

    TOKEN_DELETE: {
        sqlite: "DELETE FROM token WHERE id IN (SELECT value FROM json_each($1))",
        postgres: "DELETE FROM token WHERE id = ANY($1)",
    };

    /// Organisations, short names.
    COLLABORATION_LIST: {
        sqlite: "
SELECT id, uuid, organisation_id, short_name, name, description, website_url, support_email, disable_join_requests,
    disclose_member_information, disclose_email_information
FROM collaboration
WHERE organisation_id IN (SELECT value FROM json_each($1)) AND short_name IN (SELECT value FROM json_each($2))",
        postgres: "
SELECT id, uuid, organisation_id, short_name, name, description, website_url, support_email, disable_join_requests,
    disclose_member_information, disclose_email_information
FROM collaboration
WHERE organisation_id = ANY($1) AND short_name = ANY($2)",
    };

    COLLABORATION_INSERT: "
INSERT INTO collaboration (uuid, organisation_id, short_name, name, name_folded, description, expires_at, website_url,
    support_email, disable_join_requests, disclose_member_information, disclose_email_information, created_by,
    created_at, last_activity_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
RETURNING id";

    COLLABORATION_UPDATE: "
UPDATE collaboration SET name = $1, name_folded = $2, description = $3, website_url = $4, support_email = $5,
    disable_join_requests = $6, disclose_member_information = $7, disclose_email_information = $8, updated_at = $9
WHERE id = $10";

    COLLABORATION_UNIT_LIST: {
        sqlite: "
SELECT collaboration_id, unit_id FROM collaboration_unit
WHERE collaboration_id IN (SELECT value FROM json_each($1)) ORDER BY collaboration_id, unit_id",
        postgres: "
SELECT collaboration_id, unit_id FROM collaboration_unit WHERE collaboration_id = ANY($1)
ORDER BY collaboration_id, unit_id",
    };

    COLLABORATION_UNIT_INSERT: {
        sqlite: "INSERT INTO collaboration_unit (collaboration_id, unit_id) SELECT $1, n.value FROM json_each($2) n",
        postgres: "
INSERT INTO collaboration_unit (collaboration_id, unit_id) SELECT $1::bigint, u FROM unnest($2::bigint[]) t (u)",
    };

    COLLABORATION_UNIT_DELETE: {
        sqlite: "
DELETE FROM collaboration_unit WHERE collaboration_id = $1 AND unit_id IN (SELECT value FROM json_each($2))",
        postgres: "DELETE FROM collaboration_unit WHERE collaboration_id = $1 AND unit_id = ANY($2)",
    };

    /// The collaborations that have a unit: one row for each of them and each of its units.
    COLLABORATION_OF_UNIT: "
SELECT c.id, c.uuid, c.name, other.unit_id
FROM collaboration_unit held JOIN collaboration c ON c.id = held.collaboration_id
JOIN collaboration_unit other ON other.collaboration_id = c.id
WHERE held.unit_id = $1 ORDER BY c.id, other.unit_id";

    COLLABORATION_MEMBER_LIST: {
        sqlite: "
SELECT m.collaboration_id, m.person_id, m.role, p.uuid, coalesce(p.full_name, p.username)
FROM collaboration_membership m JOIN person p ON p.id = m.person_id
WHERE m.collaboration_id IN (SELECT value FROM json_each($1)) ORDER BY m.collaboration_id, m.person_id",
        postgres: "
SELECT m.collaboration_id, m.person_id, m.role, p.uuid, coalesce(p.full_name, p.username)
FROM collaboration_membership m JOIN person p ON p.id = m.person_id
WHERE m.collaboration_id = ANY($1) ORDER BY m.collaboration_id, m.person_id",
    };

    /// Collaboration, time; then roles and people in parallel lists.
    COLLABORATION_MEMBER_PUT: {
        sqlite: "
INSERT INTO collaboration_membership (collaboration_id, created_at, person_id, role)
SELECT $1, $2, n.value, $3 ->> n.key FROM json_each($4) n WHERE TRUE
ON CONFLICT (collaboration_id, person_id) DO UPDATE SET role = excluded.role",
        postgres: "
INSERT INTO collaboration_membership (collaboration_id, created_at, person_id, role)
SELECT $1::bigint, $2::bigint, p, r FROM unnest($3::text[], $4::bigint[]) t (r, p)
ON CONFLICT (collaboration_id, person_id) DO UPDATE SET role = excluded.role",
    };

    /// Who leaves a collaboration leaves its groups, by the schema.
    COLLABORATION_MEMBER_DELETE: {
        sqlite: "
DELETE FROM collaboration_membership WHERE collaboration_id = $1 AND person_id IN (SELECT value FROM json_each($2))",
        postgres: "DELETE FROM collaboration_membership WHERE collaboration_id = $1 AND person_id = ANY($2)",
    };

    GROUP_LIST: {
        sqlite: "
SELECT id, uuid, collaboration_id, short_name, name, description, auto_provision_members FROM collaboration_group
WHERE collaboration_id IN (SELECT value FROM json_each($1)) ORDER BY id",
        postgres: "
SELECT id, uuid, collaboration_id, short_name, name, description, auto_provision_members FROM collaboration_group
WHERE collaboration_id = ANY($1) ORDER BY id",
    };

    GROUP_INSERT: "
INSERT INTO collaboration_group (uuid, collaboration_id, short_name, name, description, auto_provision_members,
    created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id";

    GROUP_UPDATE: "
UPDATE collaboration_group SET name = $1, description = $2, auto_provision_members = $3 WHERE id = $4";

    GROUP_MEMBER_LIST: {
        sqlite: "
SELECT group_id, person_id FROM group_membership
WHERE collaboration_id IN (SELECT value FROM json_each($1)) ORDER BY group_id, person_id",
        postgres: "
SELECT group_id, person_id FROM group_membership WHERE collaboration_id = ANY($1) ORDER BY group_id, person_id",
    };

    GROUP_MEMBER_INSERT: {
        sqlite: "
INSERT INTO group_membership (group_id, collaboration_id, created_at, person_id)
SELECT $1, $2, $3, n.value FROM json_each($4) n",
        postgres: "
INSERT INTO group_membership (group_id, collaboration_id, created_at, person_id)
SELECT $1::bigint, $2::bigint, $3::bigint, p FROM unnest($4::bigint[]) t (p)",
    };

    GROUP_MEMBER_DELETE: {
        sqlite: "DELETE FROM group_membership WHERE group_id = $1 AND person_id IN (SELECT value FROM json_each($2))",
        postgres: "DELETE FROM group_membership WHERE group_id = $1 AND person_id = ANY($2)",
    };

    INVITATION_LIST: {
        sqlite: "
SELECT id, uuid, collaboration_id, email, email_folded, status, expires_at FROM invitation
WHERE collaboration_id IN (SELECT value FROM json_each($1)) ORDER BY id",
        postgres: "
SELECT id, uuid, collaboration_id, email, email_folded, status, expires_at FROM invitation
WHERE collaboration_id = ANY($1) ORDER BY id",
    };

    INVITATION_INSERT: "
INSERT INTO invitation (uuid, collaboration_id, secret_hash, email, email_folded, role, status, sender_name, message,
    accepted_by, created_by, created_at, expires_at, personal)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
RETURNING id";

    /// The membership that an accepted invitation led to knows it.
    INVITATION_ACCEPTED: "
UPDATE collaboration_membership SET invitation_id = $1 WHERE collaboration_id = $2 AND person_id = $3";

    INVITATION_GROUP_INSERT: {
        sqlite: "INSERT INTO invitation_group (invitation_id, group_id) SELECT $1, n.value FROM json_each($2) n",
        postgres: "
INSERT INTO invitation_group (invitation_id, group_id) SELECT $1::bigint, g FROM unnest($2::bigint[]) t (g)",
    };
}
