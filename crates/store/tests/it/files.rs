//! Objects, versions, metadata, tags and uploads.

use domain::{ItemId, Timestamp, VersionId};
use store::{
    Constraint, StoreError,
    files::{self, NewObject, NewVersion, Upload, VersionSelector},
    stamps::Stamps,
};
use uuid::Uuid;

use crate::{
    awkward,
    buckets::{bucket, create as create_bucket, registered},
    harness::{Db, NOW, both, op, statement, uuid},
};

const LATER: Timestamp = NOW.plus_seconds(60);
const BY: Uuid = uuid(0xb7);

fn object(number: u128, bucket: ItemId, path: &str) -> NewObject {
    NewObject {
        uuid: uuid(number),
        bucket,
        name: format!("file{number}"),
        path: path.to_owned(),
    }
}

fn content(number: u128) -> NewVersion {
    NewVersion {
        uuid: uuid(number),
        storage_key: Some(format!("key{number}")),
        native_id: Some(format!("native{number}")),
        size: 5_000_000_000,
        mime_type: "text/plain".to_owned(),
        etag: Some("\"etag\"".to_owned()),
        sha256: Some(vec![0xff; 32]),
        delete_marker: false,
        last_modified_at: Some(NOW),
    }
}

fn marker(number: u128) -> NewVersion {
    NewVersion {
        uuid: uuid(number),
        storage_key: None,
        native_id: None,
        size: 0,
        mime_type: String::new(),
        etag: None,
        sha256: None,
        delete_marker: true,
        last_modified_at: None,
    }
}

/// An object `number` with one version, whose number is 1000 more and whose bytes are at `key{number}`.
pub(crate) async fn create(db: &Db, number: u128, bucket: ItemId, path: &str) -> ItemId {
    let object = object(number, bucket, path);
    let version = NewVersion {
        storage_key: Some(format!("key{number}")),
        ..content(number + 1000)
    };
    let op = op!(Write |s, object: NewObject, version: NewVersion| -> ItemId {
        let id = files::insert(s, &object, BY, NOW).await?;
        files::add_version(s, id, &version, BY, NOW).await?;
        Ok(id)
    });
    db.run(op).await.unwrap()
}

fn pairs(pairs: &[(&str, &str)]) -> files::Pairs {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn upload(number: u128, bucket: ItemId, path: Option<&str>, expires_at: Timestamp) -> Upload {
    Upload {
        version: uuid(number),
        item: uuid(number + 1000),
        bucket,
        path: path.map(str::to_owned),
        storage: None,
        storage_key: format!("key{number}"),
        expires_at,
    }
}

both! {
    async fn an_object_comes_back_as_created(db: &Db) {
        let bucket = create_bucket(db, registered(1, "a")).await.unwrap();
        let id = create(db, 10, bucket, "a/file").await;
        let op = op!(Point |s, bucket: ItemId, id: ItemId| -> () {
            let found = files::find(s, uuid(10), &VersionSelector::Latest).await?.expect("it is there");
            assert_eq!((found.bucket.id, found.bucket.uuid), (bucket, uuid(1)));
            assert!(found.bucket.storage.is_some());
            let object = found.object;
            assert_eq!((object.id, object.uuid, object.path.as_str(), object.name.as_str()), (id, uuid(10), "a/file", "file10"));
            assert_eq!((object.active, object.public, object.last_synced_at), (true, false, None));
            assert_eq!(object.stamps, Stamps::created(BY, NOW));
            let version = found.version.expect("it has one");
            assert_eq!((version.uuid, version.size, version.is_latest, version.delete_marker), (uuid(1010), 5_000_000_000, true, false));
            assert_eq!((version.native_id.as_deref(), version.storage_key.as_deref()), (Some("native1010"), Some("key10")));
            assert_eq!((version.mime_type.as_str(), version.etag.as_deref()), ("text/plain", Some("\"etag\"")));
            assert_eq!((version.sha256, version.last_modified_at), (Some(vec![0xff; 32]), Some(NOW)));
            assert_eq!(version.stamps, Stamps::created(BY, NOW));
            let same = files::find_by_path(s, bucket, "a/file").await?.expect("it is there");
            assert_eq!((same.object.uuid, same.version.map(|version| version.uuid)), (uuid(10), Some(uuid(1010))));
            for path in ["a/FILE", "a/fil", "a/file/", ""] {
                assert!(files::find_by_path(s, bucket, path).await?.is_none(), "{path}");
            }
            assert!(files::find_by_path(s, ItemId(bucket.0 + 50), "a/file").await?.is_none());
            // A bucket is no object.
            assert!(files::find(s, uuid(1), &VersionSelector::Latest).await?.is_none());
            assert!(files::version_exists(s, uuid(1010)).await?);
            assert!(!files::version_exists(s, uuid(10)).await?);
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn a_path_holds_one_object(db: &Db) {
        let one = create_bucket(db, bucket(1, "a")).await.unwrap();
        let two = create_bucket(db, bucket(2, "b")).await.unwrap();
        create(db, 10, one, "same").await;
        create(db, 11, two, "same").await;
        create(db, 12, one, "SAME").await;
        for (object, unique) in [
            (object(13, one, "same"), true),
            (object(10, one, "other"), true),
            (object(14, ItemId(999), "same"), false),
        ] {
            let outcome = db.run(op!(Write |s, object: NewObject| -> ItemId { files::insert(s, &object, BY, NOW).await })).await;
            match outcome {
                Err(StoreError::Constraint(Constraint::Unique(_))) if unique => {}
                Err(StoreError::Constraint(Constraint::ForeignKey)) if !unique => {}
                other => panic!("{other:?}"),
            }
        }
    }

    async fn awkward_names_come_back(db: &Db) {
        let bucket = create_bucket(db, bucket(1, "/")).await.unwrap();
        let op = op!(Write |s, bucket: ItemId| -> () {
            let texts = awkward::texts();
            for (number, text) in texts.iter().enumerate() {
                let number = number as u128;
                // What an index entry takes on PostgreSQL; a key has at most 1024 bytes.
                let path: String = text.chars().take(200).collect();
                let new = NewObject { name: path.clone(), ..object(10 + number, bucket, &path) };
                let id = files::insert(s, &new, BY, NOW).await?;
                let version = NewVersion {
                    storage_key: Some(text.clone()),
                    native_id: Some(text.clone()),
                    mime_type: text.clone(),
                    etag: Some(text.clone()),
                    ..content(1000 + number)
                };
                let version_id = files::add_version(s, id, &version, BY, NOW).await?;
                let found = files::find_by_path(s, bucket, &path).await?.expect("it is there");
                assert_eq!((&found.object.name, &found.object.path), (&path, &path));
                let selector = VersionSelector::Native(text.clone());
                let version = files::find(s, uuid(10 + number), &selector).await?.and_then(|found| found.version);
                let version = version.expect("it has this one");
                assert_eq!((version.storage_key.as_ref(), &version.mime_type, version.etag.as_ref()), (Some(text), text, Some(text)));

                let described = [(path, text.clone())];
                files::describe(s, version_id, &described, &described).await?;
                assert_eq!(files::metadata(s, version_id).await?, described);
                assert_eq!(files::tags(s, version_id).await?, described);
            }
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn versions_follow_one_another(db: &Db) {
        let bucket = create_bucket(db, bucket(1, "/")).await.unwrap();
        let id = create(db, 10, bucket, "file").await;
        let op = op!(Write |s, id: ItemId| -> () {
            let second = files::add_version(s, id, &content(1011), BY, LATER).await?;
            let third = files::add_version(s, id, &marker(1012), BY, LATER).await?;
            assert!(second < third);
            let rows = files::versions(s, id).await?;
            let seen: Vec<_> = rows.iter().map(|row| (row.uuid, row.is_latest, row.delete_marker)).collect();
            assert_eq!(seen, [(uuid(1012), true, true), (uuid(1011), false, false), (uuid(1010), false, false)]);
            assert_eq!((rows[0].id, rows[0].storage_key.as_ref(), rows[0].sha256.as_ref()), (third, None, None));

            for (selector, expected) in [
                (VersionSelector::Latest, Some(1012)),
                (VersionSelector::Version(uuid(1011)), Some(1011)),
                (VersionSelector::Version(uuid(10)), None),
                (VersionSelector::Native("native1010".to_owned()), Some(1010)),
                (VersionSelector::Native("native9".to_owned()), None),
            ] {
                let found = files::find(s, uuid(10), &selector).await?.expect("the object is there");
                assert_eq!(found.version.map(|version| version.uuid), expected.map(uuid), "{selector:?}");
                assert!(files::find(s, uuid(11), &selector).await?.is_none());
            }

            // Not the latest: nothing else changes.
            assert!(files::delete_version(s, id, &rows[1]).await?);
            assert_eq!(files::versions(s, id).await?.len(), 2);
            // The latest: the newest that is left takes its place.
            assert!(files::delete_version(s, id, &rows[0]).await?);
            let rows = files::versions(s, id).await?;
            assert_eq!((rows.len(), rows[0].uuid, rows[0].is_latest), (1, uuid(1010), true));
            assert!(!files::delete_version(s, id, &rows[0]).await?, "none is left");
            let found = files::find(s, uuid(10), &VersionSelector::Latest).await?.expect("the object is still there");
            assert!(found.version.is_none());
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn a_native_id_belongs_to_one_object_and_its_newest_version(db: &Db) {
        let bucket = create_bucket(db, bucket(1, "/")).await.unwrap();
        let one = create(db, 10, bucket, "one").await;
        let two = create(db, 11, bucket, "two").await;
        let op = op!(Write |s, one: ItemId, two: ItemId| -> () {
            let same = |number| NewVersion { native_id: Some("null".to_owned()), ..content(number) };
            files::add_version(s, one, &same(2000), BY, NOW).await?;
            files::add_version(s, one, &same(2001), BY, NOW).await?;
            files::add_version(s, two, &same(2002), BY, NOW).await?;
            let selector = VersionSelector::Native("null".to_owned());
            for (object, version) in [(10, 2001), (11, 2002)] {
                let found = files::find(s, uuid(object), &selector).await?.and_then(|found| found.version);
                assert_eq!(found.map(|version| version.uuid), Some(uuid(version)));
            }
            // Nor is a version found through another object.
            let other = files::find(s, uuid(10), &VersionSelector::Version(uuid(2002))).await?;
            assert!(other.expect("the object is there").version.is_none());
            Ok(())
        });
        db.run(op).await.unwrap();
        let again = op!(Write |s, one: ItemId| -> VersionId { files::add_version(s, one, &content(2000), BY, NOW).await });
        assert!(db.run(again).await.unwrap_err().is_unique());
        let nowhere = op!(Write |s| -> VersionId { files::add_version(s, ItemId(999), &content(3000), BY, NOW).await });
        assert!(matches!(db.run(nowhere).await, Err(StoreError::Constraint(Constraint::ForeignKey))));
    }

    async fn overwriting_the_one_version(db: &Db) {
        let bucket = create_bucket(db, bucket(1, "/")).await.unwrap();
        let id = create(db, 10, bucket, "file").await;
        let op = op!(Write |s, id: ItemId| -> () {
            let version = files::versions(s, id).await?.remove(0).id;
            files::describe(s, version, &pairs(&[("a", "1")]), &pairs(&[("b", "2")])).await?;
            let new = NewVersion {
                size: i64::MAX,
                mime_type: "image/png".to_owned(),
                etag: None,
                sha256: None,
                last_modified_at: Some(LATER),
                ..content(77)
            };
            files::overwrite_version(s, version, &new, uuid(9), LATER).await?;
            files::touch(s, id, uuid(9), LATER).await?;
            let row = files::versions(s, id).await?.remove(0);
            assert_eq!((row.id, row.uuid, row.size), (version, uuid(1010), i64::MAX));
            assert_eq!((row.mime_type.as_str(), row.etag, row.sha256), ("image/png", None, None));
            assert_eq!((row.stamps.updated_by, row.stamps.updated_at), (Some(uuid(9)), Some(LATER)));
            assert_eq!(files::metadata(s, version).await?, []);
            assert_eq!(files::tags(s, version).await?, []);
            let object = files::find(s, uuid(10), &VersionSelector::Latest).await?.expect("it is there").object;
            assert_eq!((object.stamps.updated_by, object.stamps.updated_at), (Some(uuid(9)), Some(LATER)));
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn metadata_and_tags_are_listed_by_key(db: &Db) {
        let bucket = create_bucket(db, bucket(1, "/")).await.unwrap();
        let id = create(db, 10, bucket, "file").await;
        let op = op!(Write |s, id: ItemId| -> () {
            let version = files::versions(s, id).await?.remove(0).id;
            files::describe(s, version, &[], &[]).await?;
            let many: files::Pairs = (0..500).rev().map(|n| (format!("k{n:03}"), format!("v{n}"))).collect();
            files::describe(s, version, &many, &pairs(&[("b", ""), ("B", "x"), ("a", "y"), ("ä", "z")])).await?;
            let mut sorted = many;
            sorted.sort_unstable();
            assert_eq!(files::metadata(s, version).await?, sorted);
            assert_eq!(files::tags(s, version).await?, pairs(&[("B", "x"), ("a", "y"), ("b", ""), ("ä", "z")]));
            Ok(())
        });
        db.run(op).await.unwrap();
        let twice = op!(Write |s, id: ItemId| -> () {
            let version = files::versions(s, id).await?.remove(0).id;
            files::describe(s, version, &pairs(&[("k001", "again")]), &[]).await
        });
        assert!(db.run(twice).await.unwrap_err().is_unique());
    }

    async fn deleting_an_object_takes_everything_of_it(db: &Db) {
        let bucket = create_bucket(db, bucket(1, "/")).await.unwrap();
        let id = create(db, 10, bucket, "file").await;
        create(db, 11, bucket, "other").await;
        let op = op!(Write |s, id: ItemId, bucket: ItemId| -> Vec<i64> {
            let version = files::versions(s, id).await?.remove(0).id;
            files::describe(s, version, &pairs(&[("a", "1")]), &pairs(&[("b", "2")])).await?;
            files::delete(s, id).await?;
            files::delete(s, bucket).await?; // a folder is not deleted as a file
            let mut counts = Vec::new();
            for text in [
                "SELECT count(*) FROM item",
                "SELECT count(*) FROM version",
                "SELECT count(*) FROM metadata",
                "SELECT count(*) FROM tag",
            ] {
                counts.push(s.one(&statement(text), &[], |row| row.get(0)).await?);
            }
            Ok(counts)
        });
        assert_eq!(db.run(op).await.unwrap(), [2, 1, 0, 0]);
    }

    async fn uploads_reserve_their_place(db: &Db) {
        let plain = create_bucket(db, bucket(1, "/")).await.unwrap();
        let theirs = create_bucket(db, registered(2, "/")).await.unwrap();
        let op = op!(Write |s, plain: ItemId, theirs: ItemId| -> () {
            files::reserve(s, &upload(1, plain, None, LATER), NOW).await?;
            files::reserve(s, &upload(2, plain, None, LATER), NOW).await?;
            files::reserve(s, &upload(3, theirs, Some("x"), Timestamp(LATER.0 - 1)), NOW).await?;
            assert_eq!(files::upload_at(s, theirs, "x").await?, Some(uuid(1003)));
            assert_eq!(files::upload_at(s, plain, "x").await?, None);
            assert_eq!(files::upload_at(s, theirs, "X").await?, None);

            assert_eq!(files::abandoned(s, Timestamp(LATER.0 - 1), 10).await?.len(), 0);
            let given_up = files::abandoned(s, Timestamp(LATER.0 + 1), 10).await?;
            assert_eq!(given_up.iter().map(|one| one.version).collect::<Vec<_>>()[0], uuid(3), "oldest first");
            assert_eq!(given_up.len(), 3);
            assert_eq!((given_up[0].item, given_up[0].storage_key.as_str()), (uuid(1003), "key3"));
            assert_eq!((given_up[0].path.as_deref(), given_up[0].bucket.uuid), (Some("x"), uuid(2)));
            assert_eq!(files::abandoned(s, Timestamp(LATER.0 + 1), 2).await?.len(), 2);

            assert!(files::prolong(s, uuid(1), LATER.plus_seconds(60)).await?);
            assert!(!files::prolong(s, uuid(9), LATER).await?);
            assert_eq!(files::abandoned(s, Timestamp(LATER.0 + 1), 10).await?.len(), 2);

            assert!(files::release(s, uuid(3)).await?);
            assert!(!files::release(s, uuid(3)).await?, "it is gone already");
            files::reserve(s, &upload(4, theirs, Some("x"), LATER), NOW).await
        });
        db.run(op).await.unwrap();
        for clash in [upload(5, theirs, Some("x"), LATER), upload(4, theirs, Some("y"), LATER)] {
            let outcome = db.run(op!(Write |s, clash: Upload| -> () { files::reserve(s, &clash, NOW).await })).await;
            assert!(outcome.unwrap_err().is_unique());
        }
        let nowhere = upload(6, ItemId(999), None, LATER);
        let outcome = db.run(op!(Write |s, nowhere: Upload| -> () { files::reserve(s, &nowhere, NOW).await })).await;
        assert!(matches!(outcome, Err(StoreError::Constraint(Constraint::ForeignKey))), "{outcome:?}");
    }

    /// The storage given with an upload is where its bytes lie, even when the bucket has moved to another since.
    async fn an_abandoned_upload_tells_its_own_storage(db: &Db) {
        let theirs = create_bucket(db, registered(1, "/")).await.unwrap();
        let op = op!(Write |s, theirs: ItemId| -> () {
            let storage = store::buckets::find(s, uuid(1)).await?.and_then(|row| row.storage).expect("it has one").id;
            let upload = Upload { storage: Some(storage), ..upload(1, theirs, Some("x"), NOW) };
            files::reserve(s, &upload, NOW).await?;
            let given_up = files::abandoned(s, LATER, 1).await?.remove(0);
            assert_eq!(given_up.bucket.storage.map(|found| found.id), Some(storage));
            Ok(())
        });
        db.run(op).await.unwrap();
    }
}
