-- What searches of objects need, kept by the database itself: whoever writes versions cannot forget it.

-- Whether the latest version is a delete marker; absent when there is no version at all. An object is created together
-- with its first content, so the default holds for it at once.
ALTER TABLE item ADD COLUMN hidden INTEGER DEFAULT FALSE;

UPDATE item SET hidden = (SELECT delete_marker FROM version WHERE version.item_id = item.id AND is_latest)
WHERE kind = 1;

CREATE TRIGGER version_becomes_latest AFTER INSERT ON version WHEN NEW.is_latest BEGIN
    UPDATE item SET hidden = NEW.delete_marker WHERE id = NEW.item_id AND hidden IS NOT NEW.delete_marker;
END;
CREATE TRIGGER version_made_latest AFTER UPDATE OF is_latest, delete_marker ON version WHEN NEW.is_latest BEGIN
    UPDATE item SET hidden = NEW.delete_marker WHERE id = NEW.item_id AND hidden IS NOT NEW.delete_marker;
END;
CREATE TRIGGER version_removed AFTER DELETE ON version WHEN OLD.is_latest BEGIN
    UPDATE item SET hidden = NULL WHERE id = OLD.item_id;
END;

-- How many objects a bucket has, by what their latest version is (0 content, 1 a delete marker, 2 none). Objects made
-- side by side have neighbouring numbers and count in different slots, so that uploads do not wait for each other.
CREATE TABLE object_count (
    bucket_id INTEGER NOT NULL REFERENCES bucket (item_id) ON DELETE CASCADE,
    state INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    objects INTEGER NOT NULL,
    PRIMARY KEY (bucket_id, state, slot)
) STRICT;

INSERT INTO object_count (bucket_id, state, slot, objects)
SELECT bucket.item_id, coalesce(item.hidden, 2), item.id % 32, count(*)
FROM bucket JOIN item ON item.parent_id = bucket.item_id WHERE item.kind = 1
GROUP BY 1, 2, 3;

CREATE TRIGGER item_added AFTER INSERT ON item WHEN NEW.kind = 1 AND NEW.parent_id IS NOT NULL BEGIN
    INSERT INTO object_count (bucket_id, state, slot, objects)
    SELECT item_id, coalesce(NEW.hidden, 2), NEW.id % 32, 1 FROM bucket WHERE item_id = NEW.parent_id
    ON CONFLICT (bucket_id, state, slot) DO UPDATE SET objects = object_count.objects + 1;
END;
CREATE TRIGGER item_changed AFTER UPDATE OF parent_id, hidden ON item
WHEN NEW.kind = 1 AND (OLD.parent_id IS NOT NEW.parent_id OR OLD.hidden IS NOT NEW.hidden)
BEGIN
    UPDATE object_count SET objects = objects - 1
    WHERE bucket_id = OLD.parent_id AND state = coalesce(OLD.hidden, 2) AND slot = OLD.id % 32;
    INSERT INTO object_count (bucket_id, state, slot, objects)
    SELECT item_id, coalesce(NEW.hidden, 2), NEW.id % 32, 1 FROM bucket WHERE item_id = NEW.parent_id
    ON CONFLICT (bucket_id, state, slot) DO UPDATE SET objects = object_count.objects + 1;
END;
CREATE TRIGGER item_removed AFTER DELETE ON item WHEN OLD.kind = 1 BEGIN
    UPDATE object_count SET objects = objects - 1
    WHERE bucket_id = OLD.parent_id AND state = coalesce(OLD.hidden, 2) AND slot = OLD.id % 32;
END;

-- Pages of a bucket, in the orders that are asked for most.
CREATE INDEX item_by_name ON item (parent_id, hidden, name, id);
CREATE INDEX item_by_age ON item (parent_id, hidden, id);
CREATE INDEX item_by_change ON item (parent_id, hidden, coalesce(updated_at, 9223372036854775807), id);

-- Files that not everybody who reads their bucket may read: few, if any.
CREATE INDEX item_limited ON item (parent_id) WHERE kind = 1 AND (disabled_at IS NOT NULL OR recycled_at IS NOT NULL
    OR opens_at IS NOT NULL OR closes_at IS NOT NULL OR classification_id IS NOT NULL OR NOT inherits);
CREATE INDEX item_public ON item (parent_id) WHERE public AND kind = 1;
CREATE INDEX item_owner ON item (owner_id, parent_id) WHERE owner_id IS NOT NULL;

-- What a principal may read, and explicit decisions, each without the rows of other codes.
CREATE INDEX access_grant_reader ON access_grant (principal_kind, principal_id, item_id, opens_at, closes_at)
    WHERE (actions & 4) <> 0;
CREATE INDEX access_grant_set_by ON access_grant (principal_kind, principal_id, item_id) WHERE kind = 1;
CREATE INDEX access_grant_set_on ON access_grant (item_id) WHERE kind = 1;

-- Versions that share their bytes, and versions by the store's own id.
CREATE INDEX version_storage_key ON version (storage_key) WHERE storage_key IS NOT NULL;
CREATE INDEX version_native_id ON version (native_id) WHERE native_id IS NOT NULL;

-- Pairs by their text; of long values the beginning.
CREATE INDEX metadata_pair ON metadata (key, substr(value, 1, 255), version_id);
CREATE INDEX tag_pair ON tag (key, substr(value, 1, 255), version_id);
