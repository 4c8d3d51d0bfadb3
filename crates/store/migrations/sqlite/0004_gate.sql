-- Invites of the objects API: whoever redeems the secret gets the codes, once. Only the hash of the secret is kept. There
-- is no reference to the item: that it is gone has to be told (objects contract 4.11.2).
CREATE TABLE invite (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    secret_hash BLOB NOT NULL,
    item_uuid BLOB NOT NULL,
    on_bucket INTEGER NOT NULL,
    email TEXT,
    codes INTEGER NOT NULL,
    recursive INTEGER NOT NULL,
    inviter_id INTEGER REFERENCES person (id),
    created_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT invite_uuid UNIQUE (uuid),
    CONSTRAINT invite_secret UNIQUE (secret_hash)
) STRICT;
CREATE INDEX invite_item ON invite (item_uuid, id);
CREATE INDEX invite_expires ON invite (expires_at);

-- Whose credentials open a storage: a keyed hash of place, key and secret, so that a service account is found with one
-- look-up and nothing is unsealed. Absent until it is computed.
ALTER TABLE storage ADD COLUMN account BLOB;
CREATE INDEX storage_account ON storage (account);

-- Uploads that can be resumed. There is no reference to the bucket: when it goes, the pieces must still be found and
-- removed. `object_uuid` says that the upload has become an object.
CREATE TABLE resumable_upload (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL,
    bucket_uuid BLOB NOT NULL,
    owner TEXT NOT NULL,
    description TEXT NOT NULL,
    size INTEGER NOT NULL,
    received INTEGER NOT NULL DEFAULT 0,
    object_uuid BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CONSTRAINT resumable_upload_uuid UNIQUE (uuid)
) STRICT;
CREATE INDEX resumable_upload_expires ON resumable_upload (expires_at);

-- Bytes of such an upload, in the server's own storage. A piece is written down before it is stored, so that none is lost
-- sight of; it counts once it is `stored`.
CREATE TABLE resumable_piece (
    uuid BLOB NOT NULL PRIMARY KEY,
    upload_id INTEGER NOT NULL REFERENCES resumable_upload (id) ON DELETE CASCADE,
    starts_at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    stored INTEGER NOT NULL DEFAULT FALSE
) STRICT;
CREATE INDEX resumable_piece_upload ON resumable_piece (upload_id, starts_at);
