-- Work to make what is known of a registered bucket equal to what lies in it. `path` is one key, or empty for the folder.
-- `marker` says where a worker goes on after whoever had the job before. `again`: asked for while it was being done.
CREATE TABLE sync_job (
    id INTEGER PRIMARY KEY,
    bucket_id INTEGER NOT NULL REFERENCES item (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    recursive INTEGER NOT NULL,
    again INTEGER NOT NULL DEFAULT FALSE,
    phase INTEGER NOT NULL DEFAULT 0,
    marker TEXT,
    keys_done INTEGER NOT NULL DEFAULT 0,
    requested_at INTEGER NOT NULL,
    started_at INTEGER,
    not_before INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    dead_at INTEGER,
    lease_holder TEXT,
    lease_until INTEGER,
    CONSTRAINT sync_job_place UNIQUE (bucket_id, path)
) STRICT;
CREATE INDEX sync_job_due ON sync_job (not_before, id) WHERE dead_at IS NULL;
