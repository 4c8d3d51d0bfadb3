-- People. A person is one record; the columns issuer, identity_provider and subject are the identity they first signed
-- in with (absent for somebody invited who has not signed in yet), `linked_identity` holds further ones.

CREATE TABLE identity_provider (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT TRUE,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_by BLOB,
    updated_at INTEGER,
    CONSTRAINT identity_provider_name UNIQUE (name)
) STRICT;

CREATE TABLE person (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    issuer TEXT,
    identity_provider INTEGER REFERENCES identity_provider (id),
    subject TEXT,
    username TEXT NOT NULL,
    email TEXT,
    email_folded TEXT,
    email_verified INTEGER NOT NULL DEFAULT FALSE,
    full_name TEXT,
    first_name TEXT,
    last_name TEXT,
    active INTEGER NOT NULL DEFAULT TRUE,
    platform_administrator INTEGER NOT NULL DEFAULT FALSE,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_by BLOB,
    updated_at INTEGER,
    CONSTRAINT person_uuid UNIQUE (uuid)
) STRICT;
CREATE UNIQUE INDEX person_identity ON person (issuer, subject, coalesce(identity_provider, 0));
CREATE INDEX person_email ON person (email_folded);
CREATE INDEX person_subject ON person (subject);

CREATE TABLE linked_identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    person_id INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT;
CREATE INDEX linked_identity_person ON linked_identity (person_id);

-- A local account: the password of a person who signs in at the built-in issuer.
CREATE TABLE account (
    person_id INTEGER NOT NULL PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
    email_folded TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    CONSTRAINT account_email UNIQUE (email_folded)
) STRICT;

-- Keys that the built-in issuer signs with, newest last; sealed by the server's key.
CREATE TABLE signing_key (
    id INTEGER PRIMARY KEY,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- A link that works once (the first administrator, later activation and reset). Only the hash of its secret is kept.
CREATE TABLE one_time_link (
    secret_hash BLOB NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT;

-- Organisations, their units, collaborations and groups.

CREATE TABLE organisation (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    short_name TEXT NOT NULL,
    name TEXT NOT NULL,
    category TEXT,
    description TEXT,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT organisation_uuid UNIQUE (uuid),
    CONSTRAINT organisation_short_name UNIQUE (short_name)
) STRICT;

CREATE TABLE unit (
    id INTEGER PRIMARY KEY,
    organisation_id INTEGER NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT unit_name UNIQUE (organisation_id, name)
) STRICT;

-- `scoped` is fixed when the role is given: a manager whose last unit ends manages nothing, never everything.
CREATE TABLE organisation_membership (
    organisation_id INTEGER NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    person_id INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('admin', 'manager', 'member')),
    scoped INTEGER NOT NULL DEFAULT FALSE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (organisation_id, person_id)
) STRICT;
CREATE INDEX organisation_membership_person ON organisation_membership (person_id);

CREATE TABLE organisation_membership_unit (
    organisation_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    unit_id INTEGER NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    PRIMARY KEY (organisation_id, person_id, unit_id),
    FOREIGN KEY (organisation_id, person_id)
        REFERENCES organisation_membership (organisation_id, person_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX organisation_membership_unit_unit ON organisation_membership_unit (unit_id);

CREATE TABLE collaboration (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    organisation_id INTEGER NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    short_name TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    CONSTRAINT collaboration_uuid UNIQUE (uuid),
    CONSTRAINT collaboration_short_name UNIQUE (organisation_id, short_name)
) STRICT;

CREATE TABLE collaboration_unit (
    collaboration_id INTEGER NOT NULL REFERENCES collaboration (id) ON DELETE CASCADE,
    unit_id INTEGER NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    PRIMARY KEY (collaboration_id, unit_id)
) STRICT;
CREATE INDEX collaboration_unit_unit ON collaboration_unit (unit_id);

CREATE TABLE collaboration_membership (
    collaboration_id INTEGER NOT NULL REFERENCES collaboration (id) ON DELETE CASCADE,
    person_id INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (collaboration_id, person_id)
) STRICT;
CREATE INDEX collaboration_membership_person ON collaboration_membership (person_id);

CREATE TABLE collaboration_group (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    collaboration_id INTEGER NOT NULL REFERENCES collaboration (id) ON DELETE CASCADE,
    short_name TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    auto_provision_members INTEGER NOT NULL DEFAULT FALSE,
    created_at INTEGER NOT NULL,
    CONSTRAINT collaboration_group_uuid UNIQUE (uuid),
    CONSTRAINT collaboration_group_short_name UNIQUE (collaboration_id, short_name),
    CONSTRAINT collaboration_group_key UNIQUE (id, collaboration_id)
) STRICT;

-- A member of a group is a member of its collaboration: losing the one loses the other.
CREATE TABLE group_membership (
    group_id INTEGER NOT NULL,
    collaboration_id INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, person_id),
    FOREIGN KEY (group_id, collaboration_id) REFERENCES collaboration_group (id, collaboration_id) ON DELETE CASCADE,
    FOREIGN KEY (collaboration_id, person_id)
        REFERENCES collaboration_membership (collaboration_id, person_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX group_membership_person ON group_membership (person_id);
CREATE INDEX group_membership_collaboration ON group_membership (collaboration_id, person_id);

-- API tokens of an organisation. `scoped` is fixed at creation: a scoped token without units reaches nothing.
CREATE TABLE token (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    organisation_id INTEGER NOT NULL REFERENCES organisation (id) ON DELETE CASCADE,
    secret_hash BLOB NOT NULL,
    scoped INTEGER NOT NULL,
    description TEXT,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    CONSTRAINT token_uuid UNIQUE (uuid),
    CONSTRAINT token_secret UNIQUE (secret_hash)
) STRICT;
CREATE INDEX token_organisation ON token (organisation_id);

CREATE TABLE token_unit (
    token_id INTEGER NOT NULL REFERENCES token (id) ON DELETE CASCADE,
    unit_id INTEGER NOT NULL REFERENCES unit (id) ON DELETE CASCADE,
    PRIMARY KEY (token_id, unit_id)
) STRICT;
CREATE INDEX token_unit_unit ON token_unit (unit_id);

CREATE TABLE invitation (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    collaboration_id INTEGER NOT NULL REFERENCES collaboration (id) ON DELETE CASCADE,
    secret_hash BLOB NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
    status TEXT NOT NULL CHECK (status IN ('open', 'accepted', 'declined', 'expired')),
    sender_name TEXT,
    message TEXT,
    accepted_by INTEGER REFERENCES person (id) ON DELETE SET NULL,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT invitation_uuid UNIQUE (uuid),
    CONSTRAINT invitation_secret UNIQUE (secret_hash)
) STRICT;
CREATE INDEX invitation_collaboration ON invitation (collaboration_id);
CREATE INDEX invitation_email ON invitation (email_folded);

CREATE TABLE invitation_group (
    invitation_id INTEGER NOT NULL REFERENCES invitation (id) ON DELETE CASCADE,
    group_id INTEGER NOT NULL REFERENCES collaboration_group (id) ON DELETE CASCADE,
    PRIMARY KEY (invitation_id, group_id)
) STRICT;
CREATE INDEX invitation_group_group ON invitation_group (group_id);

-- Where bytes lie. The default storage is configuration and has no row; a row is an S3 bucket registered by its owner.
-- Its credentials are sealed by the server's key.
CREATE TABLE storage (
    id INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    region TEXT,
    s3_bucket TEXT NOT NULL,
    access_key_id BLOB NOT NULL,
    secret_access_key BLOB NOT NULL,
    generation INTEGER NOT NULL DEFAULT 1
) STRICT;

-- Files and folders. A root has no parent. `inherits = false`: nothing flows in from above.
CREATE TABLE item (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    parent_id INTEGER REFERENCES item (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
    name TEXT NOT NULL,
    path TEXT,
    inherits INTEGER NOT NULL DEFAULT TRUE,
    owner_id INTEGER REFERENCES person (id),
    collaboration_id INTEGER REFERENCES collaboration (id),
    active INTEGER NOT NULL DEFAULT TRUE,
    public INTEGER NOT NULL DEFAULT FALSE,
    disabled_at INTEGER,
    recycled_at INTEGER,
    opens_at INTEGER,
    closes_at INTEGER,
    classification_id INTEGER,
    last_synced_at INTEGER,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_by BLOB,
    updated_at INTEGER,
    CONSTRAINT item_uuid UNIQUE (uuid)
) STRICT;
CREATE INDEX item_parent ON item (parent_id, name);
CREATE UNIQUE INDEX item_path ON item (parent_id, path);
CREATE INDEX item_collaboration ON item (collaboration_id) WHERE collaboration_id IS NOT NULL;

-- What a person may see of classified files.
CREATE TABLE clearance (
    person_id INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    classification_id INTEGER NOT NULL,
    PRIMARY KEY (person_id, classification_id)
) STRICT;

-- A bucket is a root of the objects API: a prefix (`object_key`) of an S3 bucket, or of the default storage
-- (storage_id absent).
CREATE TABLE bucket (
    item_id INTEGER NOT NULL PRIMARY KEY REFERENCES item (id) ON DELETE CASCADE,
    storage_id INTEGER REFERENCES storage (id),
    endpoint TEXT NOT NULL,
    region TEXT,
    s3_bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    last_sync_requested_at INTEGER,
    CONSTRAINT bucket_mount UNIQUE (s3_bucket, endpoint, object_key)
) STRICT;
CREATE INDEX bucket_storage ON bucket (storage_id);

-- Versions of a file. At most one is the latest. `storage_key` is where the bytes lie (absent for a delete marker of
-- managed storage); `native_id` is the store's own id of this version, or ours where the store keeps none.
CREATE TABLE version (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    item_id INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
    storage_key TEXT,
    native_id TEXT,
    size INTEGER NOT NULL,
    mime_type TEXT NOT NULL,
    etag TEXT,
    sha256 BLOB,
    delete_marker INTEGER NOT NULL,
    is_latest INTEGER NOT NULL,
    last_modified_at INTEGER,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_by BLOB,
    updated_at INTEGER,
    CONSTRAINT version_uuid UNIQUE (uuid)
) STRICT;
CREATE INDEX version_item ON version (item_id, id);
CREATE UNIQUE INDEX version_latest ON version (item_id) WHERE is_latest;

CREATE TABLE metadata (
    version_id INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (version_id, key)
) STRICT;

CREATE TABLE tag (
    version_id INTEGER NOT NULL REFERENCES version (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (version_id, key)
) STRICT;

-- Grants. kind 0 adds to what comes from above: one row for each permission code, so each has its own id and stamps;
-- the rows of one principal on one item are one grant to the access model. kind 1 replaces what comes from above: one
-- row with code 0; without actions it is a removal.
CREATE TABLE access_grant (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    item_id INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
    principal_kind INTEGER NOT NULL,
    principal_id INTEGER NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (0, 1)),
    code INTEGER NOT NULL,
    actions INTEGER NOT NULL,
    opens_at INTEGER,
    closes_at INTEGER,
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    updated_by BLOB,
    updated_at INTEGER,
    CONSTRAINT access_grant_uuid UNIQUE (uuid),
    CONSTRAINT access_grant_key UNIQUE (item_id, principal_kind, principal_id, kind, code)
) STRICT;
CREATE INDEX access_grant_principal ON access_grant (principal_kind, principal_id, item_id);

-- An upload that has reserved its place and is not yet a version. `path` is taken only in a registered S3 bucket, where
-- the key is the path and two uploads to it would meet in the store. What is not finished by `expires_at` is swept.
CREATE TABLE upload (
    version_uuid BLOB NOT NULL PRIMARY KEY,
    item_uuid BLOB NOT NULL,
    bucket_id INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
    path TEXT,
    storage_id INTEGER REFERENCES storage (id),
    storage_key TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT upload_path UNIQUE (bucket_id, path)
) STRICT;
CREATE INDEX upload_expires ON upload (expires_at);
CREATE INDEX upload_storage ON upload (storage_id);

-- Every change and every denial.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    via TEXT NOT NULL,
    action TEXT NOT NULL,
    allowed INTEGER NOT NULL,
    object TEXT NOT NULL,
    organisation_id INTEGER,
    collaboration_id INTEGER,
    before TEXT,
    after TEXT,
    request_id TEXT NOT NULL
) STRICT;
CREATE INDEX audit_object ON audit (object, id);
CREATE INDEX audit_organisation ON audit (organisation_id, id);

-- Effects that leave the server, written in the transaction that causes them.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    lease_holder TEXT,
    lease_until INTEGER
) STRICT;
CREATE INDEX outbox_due ON outbox (not_before, id);

-- Work that only one node does at a time.
CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    held_until INTEGER NOT NULL
) STRICT;
