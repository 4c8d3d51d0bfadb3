-- Organisations, collaborations and invitations as the organisations API shows them; services, labels and logos.

ALTER TABLE organisation ADD COLUMN accepted_user_policy TEXT;
ALTER TABLE organisation ADD COLUMN on_boarding_message TEXT;
ALTER TABLE organisation ADD COLUMN crm_id TEXT;
ALTER TABLE organisation ADD COLUMN invitation_sender_name TEXT;
ALTER TABLE organisation ADD COLUMN invitation_message TEXT;
ALTER TABLE organisation ADD COLUMN collaboration_creation_allowed INTEGER NOT NULL DEFAULT FALSE;
ALTER TABLE organisation ADD COLUMN services_restricted INTEGER NOT NULL DEFAULT FALSE;
ALTER TABLE organisation ADD COLUMN service_connection_requires_approval INTEGER NOT NULL DEFAULT FALSE;

-- A collaboration is suspended, expired or active; the moments say since when. `name_folded` is the name as it is
-- compared: one of a kind in the organisation. Authors are words: `ext_api`, `system` (when absent), or a subject.
ALTER TABLE collaboration ADD COLUMN name_folded TEXT;
ALTER TABLE collaboration ADD COLUMN suspended_at INTEGER;
ALTER TABLE collaboration ADD COLUMN expired_at INTEGER;
ALTER TABLE collaboration ADD COLUMN warned_at INTEGER;
ALTER TABLE collaboration ADD COLUMN last_activity_at INTEGER;
ALTER TABLE collaboration ADD COLUMN website_url TEXT;
ALTER TABLE collaboration ADD COLUMN support_email TEXT;
ALTER TABLE collaboration ADD COLUMN disable_join_requests INTEGER NOT NULL DEFAULT FALSE;
ALTER TABLE collaboration ADD COLUMN disclose_member_information INTEGER NOT NULL DEFAULT FALSE;
ALTER TABLE collaboration ADD COLUMN disclose_email_information INTEGER NOT NULL DEFAULT FALSE;
ALTER TABLE collaboration ADD COLUMN created_by TEXT;
ALTER TABLE collaboration ADD COLUMN updated_by TEXT;
ALTER TABLE collaboration ADD COLUMN updated_at INTEGER;
UPDATE collaboration SET name_folded = lower(name);
CREATE UNIQUE INDEX collaboration_name ON collaboration (organisation_id, name_folded);
CREATE INDEX collaboration_expires ON collaboration (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE collaboration_logo (
    collaboration_id INTEGER NOT NULL PRIMARY KEY REFERENCES collaboration (id) ON DELETE CASCADE,
    media_type TEXT NOT NULL,
    content BLOB NOT NULL
) STRICT;

-- `personal`: made by a person, not through the API; it is gone once it is answered.
ALTER TABLE invitation ADD COLUMN personal INTEGER NOT NULL DEFAULT FALSE;
ALTER TABLE invitation ADD COLUMN membership_expires_at INTEGER;
ALTER TABLE invitation ADD COLUMN reminded_at INTEGER;
CREATE INDEX invitation_expires ON invitation (status, expires_at);

-- Memberships get a number, and know the invitation they came from.
CREATE TABLE collaboration_membership_new (
    collaboration_id INTEGER NOT NULL REFERENCES collaboration (id) ON DELETE CASCADE,
    person_id INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    expires_at INTEGER,
    expired_at INTEGER,
    warned_at INTEGER,
    invitation_id INTEGER REFERENCES invitation (id) ON DELETE SET NULL,
    created_by TEXT,
    created_at INTEGER NOT NULL,
    updated_by TEXT,
    id INTEGER PRIMARY KEY,
    CONSTRAINT collaboration_membership_key UNIQUE (collaboration_id, person_id)
) STRICT;
CREATE TABLE group_membership_new (
    group_id INTEGER NOT NULL,
    collaboration_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, person_id),
    FOREIGN KEY (group_id, collaboration_id) REFERENCES collaboration_group (id, collaboration_id) ON DELETE CASCADE,
    FOREIGN KEY (collaboration_id, person_id)
        REFERENCES collaboration_membership_new (collaboration_id, person_id) ON DELETE CASCADE
) STRICT;
INSERT INTO collaboration_membership_new (collaboration_id, person_id, role, expires_at, created_at)
SELECT collaboration_id, person_id, role, expires_at, created_at FROM collaboration_membership
ORDER BY created_at, collaboration_id, person_id;
INSERT INTO group_membership_new (group_id, collaboration_id, person_id, created_at)
SELECT group_id, collaboration_id, person_id, created_at FROM group_membership;
DROP TABLE group_membership;
DROP TABLE collaboration_membership;
ALTER TABLE collaboration_membership_new RENAME TO collaboration_membership;
ALTER TABLE group_membership_new RENAME TO group_membership;
CREATE INDEX collaboration_membership_person ON collaboration_membership (person_id);
CREATE INDEX collaboration_membership_invitation ON collaboration_membership (invitation_id);
CREATE INDEX collaboration_membership_expires ON collaboration_membership (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX group_membership_person ON group_membership (person_id);
CREATE INDEX group_membership_collaboration ON group_membership (collaboration_id, person_id);

-- Labels of collaborations. A default one is given to every new collaboration, or, when it is scoped, to those that share
-- one of its units. `scoped` is fixed when the label is made: once its last unit ends it is given to none, never to all.
CREATE TABLE label (
    id INTEGER PRIMARY KEY,
    organisation_id INTEGER NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    value TEXT NOT NULL,
    is_default INTEGER NOT NULL DEFAULT FALSE,
    scoped INTEGER NOT NULL DEFAULT FALSE,
    created_at INTEGER NOT NULL,
    CONSTRAINT label_value UNIQUE (organisation_id, value)
) STRICT;

CREATE TABLE label_unit (
    label_id INTEGER NOT NULL REFERENCES label (id) ON DELETE CASCADE,
    unit_id INTEGER NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    PRIMARY KEY (label_id, unit_id)
) STRICT;
CREATE INDEX label_unit_unit ON label_unit (unit_id);

CREATE TABLE collaboration_label (
    collaboration_id INTEGER NOT NULL REFERENCES collaboration (id) ON DELETE CASCADE,
    label_id INTEGER NOT NULL REFERENCES label (id) ON DELETE CASCADE,
    PRIMARY KEY (collaboration_id, label_id)
) STRICT;
CREATE INDEX collaboration_label_label ON collaboration_label (label_id);

-- Services that collaborations connect to. `details` is what is only shown (JSON): addresses, policies, contacts.
CREATE TABLE service (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    entity_id TEXT NOT NULL,
    abbreviation TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    details TEXT NOT NULL,
    access_allowed_for_all INTEGER NOT NULL DEFAULT FALSE,
    automatic_connection_allowed INTEGER NOT NULL DEFAULT FALSE,
    allow_restricted_organisations INTEGER NOT NULL DEFAULT FALSE,
    override_access_allowed_all_connections INTEGER NOT NULL DEFAULT FALSE,
    non_member_users_access_allowed INTEGER NOT NULL DEFAULT FALSE,
    scim_enabled INTEGER NOT NULL DEFAULT FALSE,
    scim_client_enabled INTEGER NOT NULL DEFAULT FALSE,
    token_enabled INTEGER NOT NULL DEFAULT FALSE,
    ldap_enabled INTEGER NOT NULL DEFAULT FALSE,
    token_validity_days INTEGER,
    scim_url TEXT,
    scim_bearer_token BLOB,
    created_at INTEGER NOT NULL,
    CONSTRAINT service_uuid UNIQUE (uuid),
    CONSTRAINT service_entity_id UNIQUE (entity_id),
    CONSTRAINT service_abbreviation UNIQUE (abbreviation)
) STRICT;

-- Organisations that may connect a service, or are connected without being asked (`automatic`).
CREATE TABLE service_organisation (
    service_id INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    organisation_id INTEGER NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    automatic INTEGER NOT NULL DEFAULT FALSE,
    PRIMARY KEY (service_id, organisation_id)
) STRICT;
CREATE INDEX service_organisation_organisation ON service_organisation (organisation_id);

CREATE TABLE service_membership (
    service_id INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    person_id INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('admin', 'manager')),
    PRIMARY KEY (service_id, person_id)
) STRICT;
CREATE INDEX service_membership_person ON service_membership (person_id);

-- Groups that a service brings into every collaboration it is connected to.
CREATE TABLE service_group (
    id INTEGER PRIMARY KEY,
    service_id INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    short_name TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    auto_provision_members INTEGER NOT NULL DEFAULT FALSE,
    CONSTRAINT service_group_short_name UNIQUE (service_id, short_name)
) STRICT;

CREATE TABLE collaboration_service (
    collaboration_id INTEGER NOT NULL REFERENCES collaboration (id) ON DELETE CASCADE,
    service_id INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    connected_at INTEGER NOT NULL,
    PRIMARY KEY (collaboration_id, service_id)
) STRICT;
CREATE INDEX collaboration_service_service ON collaboration_service (service_id);

CREATE TABLE service_connection_request (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    collaboration_id INTEGER NOT NULL REFERENCES collaboration (id) ON DELETE CASCADE,
    service_id INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    requester_id INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    status TEXT NOT NULL CHECK (status IN ('open', 'approved', 'denied')),
    pending_organisation_approval INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    decided_at INTEGER,
    CONSTRAINT service_connection_request_uuid UNIQUE (uuid)
) STRICT;
CREATE UNIQUE INDEX service_connection_request_open ON service_connection_request (collaboration_id, service_id)
    WHERE status = 'open';
CREATE INDEX service_connection_request_collaboration ON service_connection_request (collaboration_id);
CREATE INDEX service_connection_request_service ON service_connection_request (service_id);
CREATE INDEX service_connection_request_requester ON service_connection_request (requester_id);

-- What services call this server with: SCIM, introspection of user tokens.
CREATE TABLE service_token (
    id INTEGER PRIMARY KEY,
    service_id INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('scim', 'introspection')),
    secret_hash BLOB NOT NULL,
    description TEXT,
    created_at INTEGER NOT NULL,
    CONSTRAINT service_token_secret UNIQUE (secret_hash)
) STRICT;
CREATE INDEX service_token_service ON service_token (service_id);

-- What people give to a service to act for them.
CREATE TABLE user_token (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    person_id INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    service_id INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    secret_hash BLOB NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    CONSTRAINT user_token_uuid UNIQUE (uuid),
    CONSTRAINT user_token_secret UNIQUE (secret_hash)
) STRICT;
CREATE INDEX user_token_person ON user_token (person_id);
CREATE INDEX user_token_service ON user_token (service_id);

-- A copy of a service's group knows which it is a copy of.
ALTER TABLE collaboration_group ADD COLUMN service_group_id INTEGER REFERENCES service_group (id) ON DELETE SET NULL;
ALTER TABLE collaboration_group ADD COLUMN created_by TEXT;
ALTER TABLE collaboration_group ADD COLUMN updated_by TEXT;
ALTER TABLE collaboration_group ADD COLUMN updated_at INTEGER;
CREATE INDEX collaboration_group_service_group ON collaboration_group (service_group_id);

CREATE INDEX audit_collaboration ON audit (collaboration_id, id);
