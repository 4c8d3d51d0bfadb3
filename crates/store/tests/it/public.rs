//! Public flags: who reads what while folders are made public and private above it, and what that writes.

use access::{CodeRead, authorise};
use domain::{ItemId, Timestamp};
use store::{
    access_facts, buckets,
    files::{self, VersionSelector},
    public::{self, Place},
};
use uuid::Uuid;

use crate::{
    buckets::{bucket, create as create_bucket, registered},
    files::create as create_object,
    harness::{Db, NOW, both, op, statement, uuid},
};

const LATER: Timestamp = NOW.plus_seconds(60);
const BY: Uuid = uuid(0xb7);

/// Whether nobody in particular may read an item.
async fn open(db: &Db, item: u128) -> bool {
    let op = op!(Point |s, item: u128| -> bool {
        let facts = access_facts::load(s, uuid(item), None, NOW).await?.expect("it is there");
        Ok(authorise::<CodeRead>(&facts.subject, &facts.chain, NOW).is_ok())
    });
    db.run(op).await.unwrap()
}

async fn publish(db: &Db, bucket: ItemId) {
    let op = op!(Write |s, bucket: ItemId| -> () { public::publish_bucket(s, bucket, BY, LATER).await });
    db.run(op).await.unwrap();
}

async fn unpublish(db: &Db, bucket: ItemId, key: &'static str) {
    let op = op!(Write |s, bucket: ItemId, key: &'static str| -> () {
        let place = Place { s3_bucket: "main", endpoint: "https://files.example", key };
        public::unpublish_bucket(s, bucket, place, BY, LATER).await
    });
    db.run(op).await.unwrap();
}

async fn set(db: &Db, object: ItemId, flag: bool) {
    let op = op!(Write |s, object: ItemId, flag: bool| -> () {
        public::set_object(s, object, flag, BY, LATER).await
    });
    db.run(op).await.unwrap();
}

/// What an object and its bucket are shown as.
async fn shown(db: &Db, object: u128) -> (bool, bool) {
    let op = op!(Read |s, object: u128| -> (bool, bool) {
        let located = files::find(s, uuid(object), &VersionSelector::Latest).await?.expect("it is there");
        let bucket = buckets::find(s, located.bucket.uuid).await?.expect("it is there");
        Ok((located.object.public, bucket.public || bucket.public_above))
    });
    db.run(op).await.unwrap()
}

both! {
    async fn flags_count_for_everything_below_by_segment(db: &Db) {
        let root = create_bucket(db, bucket(1, "/")).await.unwrap();
        let a = create_bucket(db, bucket(2, "a")).await.unwrap();
        let deep = create_bucket(db, bucket(3, "a/b ü/c")).await.unwrap();
        let sibling = create_bucket(db, bucket(4, "ab")).await.unwrap();
        let elsewhere = create_bucket(db, registered(5, "a/b ü/c")).await.unwrap();
        for (number, bucket, path) in [
            (11, root, "x"), (12, a, "a/x"), (13, deep, "a/b ü/c/x"), (14, sibling, "ab/x"), (15, elsewhere, "a/b ü/c/x"),
        ] {
            create_object(db, number, bucket, path).await;
        }
        let all = [1, 2, 3, 4, 5, 11, 12, 13, 14, 15];
        for (folder, key, expected) in [
            (root, "/", &[1, 2, 3, 4, 11, 12, 13, 14][..]),
            (a, "a", &[2, 3, 12, 13]),
            (deep, "a/b ü/c", &[3, 13]),
            (sibling, "ab", &[4, 14]),
        ] {
            publish(db, folder).await;
            for item in all {
                assert_eq!(open(db, item).await, expected.contains(&item), "{key}: {item}");
            }
            for (object, bucket) in [(11, 1), (12, 2), (13, 3), (14, 4), (15, 5)] {
                assert_eq!(shown(db, object).await.1, expected.contains(&bucket), "{key}: {bucket}");
            }
            unpublish(db, folder, key).await;
            for item in all {
                assert!(!open(db, item).await, "{key} is private again: {item}");
            }
        }
    }

    async fn what_is_made_private_stays_private_below(db: &Db) {
        let a = create_bucket(db, bucket(2, "a")).await.unwrap();
        let below = create_bucket(db, bucket(3, "a/b")).await.unwrap();
        let sibling = create_bucket(db, bucket(4, "ab")).await.unwrap();
        let (own, other) = (create_object(db, 12, a, "a/x").await, create_object(db, 14, sibling, "ab/x").await);
        let deep = create_object(db, 13, below, "a/b/x").await;
        for object in [own, deep, other] {
            set(db, object, true).await;
        }
        publish(db, below).await;
        assert_eq!(shown(db, 13).await, (true, true));
        unpublish(db, a, "a").await;
        for (item, expected) in [(2, false), (3, false), (12, false), (13, false), (14, true)] {
            assert_eq!(open(db, item).await, expected, "{item}");
        }
        assert_eq!((shown(db, 12).await, shown(db, 14).await), ((false, false), (true, false)));
        // No row of an object was written for that: the flags are there, and hold no longer.
        let op = op!(Point |s| -> i64 {
            let flags = statement("SELECT count(*) FROM item WHERE kind = 1 AND public");
            s.one(&flags, &[], |row| row.get(0)).await
        });
        assert_eq!(db.run(op).await.unwrap(), 3);
        // A flag that is set afterwards holds again.
        set(db, own, true).await;
        assert!(open(db, 12).await && !open(db, 13).await);
        set(db, own, false).await;
        assert!(!open(db, 12).await);
    }
}
