//! Buckets and the storages they were registered for.

use domain::{ItemId, StorageId, Timestamp};
use store::{
    Constraint, Restriction, StoreError,
    buckets::{self, BucketChange, BucketFilter, BucketRow, NewBucket, NewStorage},
    public,
    stamps::Stamps,
};
use uuid::Uuid;

use crate::{
    awkward, files,
    harness::{Db, NOW, both, op, statement, uuid},
};

const LATER: Timestamp = NOW.plus_seconds(60);
const BY: Uuid = uuid(0xb7);

/// A bucket of the default storage at `key`.
pub(crate) fn bucket(number: u128, key: &str) -> NewBucket {
    NewBucket {
        uuid: uuid(number),
        name: format!("Bucket {number}"),
        active: true,
        endpoint: "https://files.example".to_owned(),
        region: None,
        s3_bucket: "main".to_owned(),
        key: key.to_owned(),
        storage: None,
    }
}

/// A bucket of a registered storage.
pub(crate) fn registered(number: u128, key: &str) -> NewBucket {
    NewBucket {
        endpoint: "https://s3.example".to_owned(),
        region: Some("us-east-1".to_owned()),
        s3_bucket: "theirs".to_owned(),
        storage: Some(NewStorage {
            access_key_id: vec![0, 1, 255],
            secret_access_key: vec![2, 0, 254],
            account: account(9),
        }),
        ..bucket(number, key)
    }
}

/// A hash of credentials, of the key whose hashes begin with four times `1`.
fn account(number: u8) -> Vec<u8> {
    [[1; 4], [number; 4]].concat()
}

/// Creates a bucket.
pub(crate) async fn create(db: &Db, new: NewBucket) -> Result<ItemId, StoreError> {
    db.run(op!(Write |s, new: NewBucket| -> ItemId { buckets::insert(s, &new, BY, NOW).await }))
        .await
}

/// A bucket that exists.
pub(crate) async fn find(db: &Db, id: Uuid) -> Option<BucketRow> {
    db.run(op!(Point |s, id: Uuid| -> Option<BucketRow> { buckets::find(s, id).await }))
        .await
        .unwrap()
}

async fn search(db: &Db, filter: BucketFilter) -> Vec<Uuid> {
    search_within(db, filter, Restriction::None).await
}

async fn search_within(db: &Db, filter: BucketFilter, restriction: Restriction) -> Vec<Uuid> {
    let op = op!(Read |s, filter: BucketFilter, restriction: Restriction| -> Vec<Uuid> {
        Ok(buckets::search(s, &filter, &restriction).await?.into_iter().map(|row| row.uuid).collect())
    });
    db.run(op).await.unwrap()
}

async fn publish(db: &Db, bucket: ItemId) {
    let op = op!(Write |s, bucket: ItemId| -> () { public::publish_bucket(s, bucket, BY, LATER).await });
    db.run(op).await.unwrap();
}

fn uuids(numbers: &[u128]) -> Vec<Uuid> {
    numbers.iter().map(|number| uuid(*number)).collect()
}

both! {
    async fn a_bucket_comes_back_as_created(db: &Db) {
        let plain = create(db, bucket(1, "/")).await.unwrap();
        let theirs = create(db, NewBucket { active: false, ..registered(2, "a/b") }).await.unwrap();
        let row = find(db, uuid(1)).await.unwrap();
        assert_eq!((row.id, row.name.as_str(), row.key.as_str()), (plain, "Bucket 1", "/"));
        assert_eq!((row.active, row.public, row.region, row.last_sync_requested_at), (true, false, None, None));
        assert_eq!(row.stamps, Stamps::created(BY, NOW));
        assert!(row.storage.is_none());
        let row = find(db, uuid(2)).await.unwrap();
        assert_eq!((row.id, row.active, row.public), (theirs, false, false));
        assert_eq!((row.endpoint.as_str(), row.region.as_deref()), ("https://s3.example", Some("us-east-1")));
        let storage = row.storage.unwrap();
        assert_eq!((storage.access_key_id, storage.secret_access_key), (vec![0, 1, 255], vec![2, 0, 254]));
        assert_eq!(storage.generation, 1);
        assert!(find(db, uuid(3)).await.is_none());
    }

    async fn a_search_stays_within_its_restriction(db: &Db) {
        let (mut ids, mut all) = (Vec::new(), Vec::new());
        for (number, key) in [(1, "a"), (2, "b"), (3, "c")] {
            ids.push(create(db, bucket(number, key)).await.unwrap());
            all.push(uuid(number));
        }
        let within = |ids: &[ItemId]| Restriction::Buckets(ids.into());
        let any = BucketFilter::default();
        assert_eq!(search_within(db, any.clone(), within(&ids[1..])).await, all[1..]);
        let first = BucketFilter { uuids: vec![uuid(1)], ..any.clone() };
        assert!(search_within(db, first, within(&ids[1..])).await.is_empty());
        // The contract shows buckets to people who may not read them.
        assert_eq!(search_within(db, any, Restriction::Readable(domain::PersonId(1))).await, all);
    }

    async fn buckets_are_found_by_the_hash_of_their_credentials(db: &Db) {
        let mut ids = Vec::new();
        for (number, key) in [(1, "a"), (2, "b"), (3, "c")] {
            ids.push(create(db, registered(number, key)).await.unwrap());
        }
        create(db, bucket(4, "d")).await.unwrap();
        let of = |number| op!(Point |s, number: u8| -> Vec<ItemId> { buckets::of_account(s, &account(number)).await });
        assert_eq!(db.run(of(9)).await.unwrap(), ids);
        assert!(db.run(of(8)).await.unwrap().is_empty());
        let without = |prefix: u8, limit: i64| op!(Read |s, prefix: u8, limit: i64| -> Vec<i64> {
            let found = buckets::without_account(s, &[prefix; 4], domain::StorageId(0), limit).await?;
            Ok(found.into_iter().map(|one| one.sealed.id.0).collect())
        });
        assert!(db.run(without(1, 9)).await.unwrap().is_empty());
        assert_eq!(db.run(without(2, 9)).await.unwrap().len(), 3, "hashes of another key");
        assert_eq!(db.run(without(2, 2)).await.unwrap().len(), 2);
        let set = op!(Write |s| -> () {
            let one = buckets::find(s, uuid(2)).await?.and_then(|row| row.storage).expect("it is registered");
            let changed = buckets::SealedStorage { generation: 7, ..one.clone() };
            buckets::set_account(s, &changed, &account(7)).await?;
            buckets::set_account(s, &one, &account(8)).await
        });
        db.run(set).await.unwrap();
        assert_eq!(db.run(of(8)).await.unwrap(), ids[1..2]);
        assert!(db.run(of(7)).await.unwrap().is_empty(), "credentials that changed meanwhile");
        let id = ids[2];
        let found = op!(Point |s, id: ItemId| -> Option<Uuid> { Ok(buckets::find_by_id(s, id).await?.map(|row| row.uuid)) });
        assert_eq!(db.run(found).await.unwrap(), Some(uuid(3)));
    }

    async fn awkward_names_come_back(db: &Db) {
        let op = op!(Write |s| -> () {
            for (number, text) in awkward::texts().into_iter().enumerate() {
                let key: String = format!("{number}/{}", text.chars().take(200).collect::<String>());
                let new = NewBucket {
                    name: text.clone(),
                    region: Some(text.clone()),
                    s3_bucket: key.clone(),
                    ..bucket(number as u128, &key)
                };
                let id = buckets::insert(s, &new, BY, NOW).await?;
                let row = buckets::find_mount(s, &key, &new.endpoint, &key).await?.expect("it is mounted there");
                assert_eq!((row.id, &row.name, row.region.as_ref()), (id, &text, Some(&text)));
            }
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn one_place_takes_one_bucket(db: &Db) {
        create(db, bucket(1, "a")).await.unwrap();
        for (new, clashes) in [
            (bucket(2, "a"), true),
            (bucket(1, "b"), true),
            (NewBucket { endpoint: "https://elsewhere.example".to_owned(), ..bucket(3, "a") }, false),
            (NewBucket { s3_bucket: "other".to_owned(), ..bucket(4, "a") }, false),
            (bucket(5, "A"), false),
            (registered(6, "a"), false),
            (registered(7, "a"), true),
        ] {
            let number = new.uuid.as_u128();
            let outcome = create(db, new).await;
            let unique = matches!(outcome, Err(StoreError::Constraint(Constraint::Unique(_))));
            assert_eq!((unique, outcome.is_ok()), (clashes, !clashes), "bucket {number}: {outcome:?}");
        }
        let op = op!(Read |s| -> i64 {
            s.one(&statement("SELECT count(*) FROM storage"), &[], |row| row.get(0)).await
        });
        assert_eq!(db.run(op).await.unwrap(), 1, "the storage of the refused bucket is gone with it");
    }

    async fn buckets_below_are_found_by_segment(db: &Db) {
        for (number, key) in ["/", "foo", "foo/bar", "foo/bar/baz", "foobar", "foo-1", "foo0", "FOO/x", "foo/", "fo%"]
            .into_iter()
            .enumerate()
        {
            create(db, bucket(number as u128, key)).await.unwrap();
        }
        create(db, NewBucket { s3_bucket: "other".to_owned(), ..bucket(20, "foo/bar") }).await.unwrap();
        create(db, NewBucket { endpoint: "https://other.example".to_owned(), ..bucket(21, "foo/bar") }).await.unwrap();
        for (key, expected) in [
            ("foo", &[2, 3, 8][..]),
            ("foo/bar", &[3]),
            ("foo/bar/baz", &[]),
            ("fo", &[]),
            ("fo%", &[]),
            ("/", &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ] {
            let key = key.to_owned();
            let op = op!(Read |s, key: String| -> Vec<Uuid> {
                let rows = buckets::below(s, "main", "https://files.example", &key).await?;
                Ok(rows.into_iter().map(|row| row.uuid).collect())
            });
            assert_eq!(db.run(op).await.unwrap(), uuids(expected));
        }
        let op = op!(Point |s| -> Option<Uuid> {
            Ok(buckets::find_mount(s, "main", "https://files.example", "foo/bar").await?.map(|row| row.uuid))
        });
        assert_eq!(db.run(op).await.unwrap(), Some(uuid(2)));
    }

    async fn what_is_public_above_counts_by_segment(db: &Db) {
        for (number, key, public) in [(1, "a", true), (2, "a/b", false), (3, "c", false), (4, "d_", true), (5, "é", true)] {
            let id = create(db, bucket(number, key)).await.unwrap();
            if public {
                publish(db, id).await;
            }
        }
        let open = create(db, NewBucket { s3_bucket: "open".to_owned(), ..bucket(6, "/") }).await.unwrap();
        publish(db, open).await;
        for (bucket, key, expected) in [
            ("main", "a", false),
            ("main", "a/b", true),
            ("main", "a/b/c", true),
            ("main", "ab", false),
            ("main", "A/b", false),
            ("main", "c/d", false),
            ("main", "dx/y", false),
            ("main", "d_/y", true),
            ("main", "é/y", true),
            ("main", "/", false),
            ("open", "/", false),
            ("open", "x", true),
            ("other", "a/b", false),
        ] {
            let op = op!(Point |s, bucket: &'static str, key: &'static str| -> bool {
                buckets::public_above(s, bucket, "https://files.example", key).await
            });
            assert_eq!(db.run(op).await.unwrap(), expected, "{bucket} {key}");
        }
    }

    async fn searching_buckets(db: &Db) {
        create(db, NewBucket { name: "Reports 100%".to_owned(), ..bucket(1, "reports") }).await.unwrap();
        create(db, NewBucket { name: "pictures_2024".to_owned(), active: false, ..bucket(2, "pictures\\raw") }).await.unwrap();
        create(db, NewBucket { name: "Repöße".to_owned(), ..registered(3, "deep/reports") }).await.unwrap();
        let text = |text: &str| Some(text.to_owned());
        let all = BucketFilter::default();
        for (filter, expected) in [
            (BucketFilter::default(), &[1, 2, 3][..]),
            (BucketFilter { uuids: uuids(&[3, 1, 9]), ..all.clone() }, &[1, 3]),
            (BucketFilter { name: text("rep"), ..all.clone() }, &[1, 3]),
            (BucketFilter { name: text("0%"), ..all.clone() }, &[1, 2]),
            (BucketFilter { name: text("s_2"), ..all.clone() }, &[2]),
            (BucketFilter { name: text("p%e"), ..all.clone() }, &[2, 3]),
            (BucketFilter { name: text("PÖSS"), ..all.clone() }, &[]),
            (BucketFilter { key: text("\\RAW"), ..all.clone() }, &[2]),
            (BucketFilter { key: text("\\"), ..all.clone() }, &[2]),
            (BucketFilter { key: text("\\%"), ..all.clone() }, &[2]),
            (BucketFilter { key: text("reports"), ..all.clone() }, &[1, 3]),
            (BucketFilter { bucket: text("THEIR"), ..all.clone() }, &[3]),
            (BucketFilter { endpoint: text("s3."), ..all.clone() }, &[3]),
            (BucketFilter { active: Some(false), ..all.clone() }, &[2]),
            (BucketFilter { active: Some(true), ..all.clone() }, &[1, 3]),
            (
                BucketFilter {
                    uuids: uuids(&[1, 2, 3]),
                    name: text("rep"),
                    key: text("reports"),
                    bucket: text("main"),
                    endpoint: text("files"),
                    active: Some(true),
                },
                &[1],
            ),
        ] {
            assert_eq!(search(db, filter.clone()).await, uuids(expected), "{filter:?}");
        }
    }

    async fn changing_a_bucket(db: &Db) {
        let plain = create(db, bucket(1, "a")).await.unwrap();
        let theirs = create(db, registered(2, "a")).await.unwrap();
        create(db, NewBucket { s3_bucket: "taken".to_owned(), ..registered(3, "a") }).await.unwrap();
        let change = |id: ItemId, change: BucketChange| {
            op!(Write |s, id: ItemId, change: BucketChange| -> () { buckets::update(s, id, &change, uuid(9), LATER).await })
        };
        let nothing = BucketChange { name: None, active: None, storage: None };
        db.run(change(plain, nothing.clone())).await.unwrap();
        let row = find(db, uuid(1)).await.unwrap();
        assert_eq!((row.name.as_str(), row.active), ("Bucket 1", true));
        assert_eq!((row.stamps.updated_by, row.stamps.updated_at), (Some(uuid(9)), Some(LATER)));

        db.run(change(plain, BucketChange { name: Some("New".to_owned()), active: Some(false), ..nothing.clone() }))
            .await
            .unwrap();
        let row = find(db, uuid(1)).await.unwrap();
        assert_eq!((row.name.as_str(), row.active), ("New", false));

        let storage = find(db, uuid(2)).await.unwrap().storage.unwrap().id;
        let moved = |s3_bucket: &str| BucketChange {
            storage: Some((
                storage,
                NewStorage { access_key_id: vec![7], secret_access_key: vec![8], account: account(8) },
                "https://s3.example".to_owned(),
                None,
                s3_bucket.to_owned(),
            )),
            ..nothing.clone()
        };
        db.run(change(theirs, moved("moved"))).await.unwrap();
        let row = find(db, uuid(2)).await.unwrap();
        assert_eq!((row.s3_bucket.as_str(), row.region), ("moved", None));
        let sealed = row.storage.unwrap();
        assert_eq!((sealed.access_key_id, sealed.secret_access_key, sealed.generation), (vec![7], vec![8], 2));

        let clash = db.run(change(theirs, moved("taken"))).await;
        assert!(matches!(clash, Err(StoreError::Constraint(Constraint::Unique(_)))), "{clash:?}");
        assert_eq!(find(db, uuid(2)).await.unwrap().storage.unwrap().generation, 2, "nothing of it stays");
    }

    async fn deleting_buckets_takes_what_is_in_them(db: &Db) {
        let plain = create(db, bucket(1, "a")).await.unwrap();
        let theirs = create(db, registered(2, "a")).await.unwrap();
        let kept = create(db, bucket(3, "b")).await.unwrap();
        for (number, id) in [(10, plain), (11, plain), (12, theirs), (13, kept)] {
            files::create(db, number, id, &format!("path{number}")).await;
        }
        let op = op!(Write |s| -> Vec<String> {
            let (one, two) = (buckets::find(s, uuid(1)).await?, buckets::find(s, uuid(2)).await?);
            let rows: Vec<BucketRow> = one.into_iter().chain(two).collect();
            let mut keys = buckets::delete(s, &rows.iter().collect::<Vec<_>>()).await?;
            keys.sort_unstable();
            Ok(keys)
        });
        assert_eq!(db.run(op).await.unwrap(), ["key10", "key11"], "bytes in registered buckets stay");
        assert_eq!(search(db, BucketFilter::default()).await, uuids(&[3]));
        let op = op!(Read |s| -> Vec<i64> {
            let mut counts = Vec::new();
            for text in [
                "SELECT count(*) FROM item",
                "SELECT count(*) FROM version",
                "SELECT count(*) FROM storage",
                "SELECT count(*) FROM bucket",
            ] {
                counts.push(s.one(&statement(text), &[], |row| row.get(0)).await?);
            }
            Ok(counts)
        });
        assert_eq!(db.run(op).await.unwrap(), [2, 1, 0, 1]);
        let none = op!(Write |s| -> Vec<String> { buckets::delete(s, &[]).await });
        assert_eq!(db.run(none).await.unwrap(), Vec::<String>::new());
    }

    async fn a_storage_goes_with_its_last_bucket(db: &Db) {
        create(db, registered(1, "a")).await.unwrap();
        let storage = find(db, uuid(1)).await.unwrap().storage.unwrap().id;
        let op = op!(Write |s, storage: StorageId| -> () {
            let child = NewBucket { storage: None, ..registered(2, "a/b") };
            let child = buckets::insert(s, &child, BY, NOW).await?;
            let share = statement("UPDATE bucket SET storage_id = $1 WHERE item_id = $2");
            s.execute(&share, &[storage.into(), child.into()]).await?;
            for (number, left) in [(1, 1_i64), (2, 0)] {
                let row = buckets::find(s, uuid(number)).await?.expect("it is there");
                buckets::delete(s, &[&row]).await?;
                let count = statement("SELECT count(*) FROM storage");
                assert_eq!(s.one(&count, &[], |row| row.get::<i64>(0)).await?, left);
            }
            Ok(())
        });
        db.run(op).await.unwrap();
    }
}
