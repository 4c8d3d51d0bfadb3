//! Metadata and tags of objects and versions, the distinct pairs, and bytes that versions share.

use domain::ItemId;
use store::{
    files::{self, NewVersion, VersionSelector},
    labels::{self, Label, ObjectLabels, PairFilter, VersionLabels},
};
use uuid::Uuid;

use crate::{
    buckets::{bucket, create as create_bucket},
    files::create,
    harness::{Db, NOW, both, op, uuid},
};

fn pairs(pairs: &[(&str, &str)]) -> files::Pairs {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

fn filter(of: &[(&str, &str)]) -> PairFilter {
    PairFilter::new(&pairs(of))
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

both! {
    async fn distinct_pairs_are_read_by_leaps(db: &Db) {
        let bucket = create_bucket(db, bucket(1, "/")).await.unwrap();
        let mut ids = Vec::new();
        for number in 10..40 {
            ids.push(create(db, number, bucket, &format!("p{number}")).await);
        }
        let op = op!(Write |s, ids: Vec<ItemId>| -> () {
            assert_eq!(labels::known(s, Label::Tags, &PairFilter::default(), None).await?, []);
            let long = "x".repeat(255);
            let (one, two) = (format!("{long}1"), format!("{long}2"));
            for (place, id) in ids.iter().enumerate() {
                let version = files::versions(s, *id).await?.remove(0).id;
                let end = if place % 2 == 0 { &one } else { &two };
                let described = pairs(&[("colour", if place % 3 == 0 { "Red" } else { "blue" }), ("long", end), ("ü%", "")]);
                files::describe(s, version, &described, &described).await?;
            }
            let all = pairs(&[("colour", "Red"), ("colour", "blue"), ("long", &one), ("long", &two), ("ü%", "")]);
            for label in [Label::Metadata, Label::Tags] {
                assert_eq!(labels::known(s, label, &PairFilter::default(), None).await?, all);
                for (asked, found) in [
                    (filter(&[("OLO", "")]), &all[0..2]),
                    (filter(&[("colour", "rED")]), &all[0..1]),
                    (filter(&[("colour", "r"), ("ü", "")]), &[all[0].clone(), all[4].clone()][..]),
                    (filter(&[("colour", "rED")]).by_keys(), &all[0..2]),
                    (filter(&[("lon", "x2")]), &all[3..4]),
                    (filter(&[("colour", "green")]), &[][..]),
                ] {
                    assert_eq!(labels::known(s, label, &asked, None).await?, found, "{asked:?}");
                }
            }
            for id in &ids {
                files::delete(s, *id).await?;
            }
            assert_eq!(labels::known(s, Label::Tags, &PairFilter::default(), None).await?, []);
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn objects_show_the_pairs_of_their_newest_content(db: &Db) {
        let one = create_bucket(db, bucket(1, "a")).await.unwrap();
        let two = create_bucket(db, bucket(2, "b")).await.unwrap();
        let (x, y) = (create(db, 10, one, "x").await, create(db, 11, two, "y").await);
        let op = op!(Write |s, x: ItemId, y: ItemId| -> () {
            let version = files::versions(s, x).await?.remove(0).id;
            files::describe(s, version, &pairs(&[("a", "1"), ("b", "2")]), &[]).await?;
            files::add_version(s, x, &marker(500), uuid(9), NOW).await?;
            let of = |objects: &[u128], buckets: &[u128], asked: &[(&str, &str)]| ObjectLabels {
                objects: objects.iter().map(|n| uuid(*n)).collect(),
                buckets: buckets.iter().map(|n| uuid(*n)).collect(),
                pairs: filter(asked),
                restrict: None,
                within: None,
            };
            let (first, second) = ((uuid(10), pairs(&[("a", "1"), ("b", "2")])), (uuid(11), Vec::new()));
            assert_eq!(labels::of_objects(s, Label::Metadata, &of(&[], &[], &[])).await?, [first.clone(), second.clone()]);
            assert_eq!(labels::of_objects(s, Label::Metadata, &of(&[11, 10], &[], &[])).await?, [first.clone(), second.clone()]);
            assert_eq!(labels::of_objects(s, Label::Metadata, &of(&[], &[2], &[])).await?, std::slice::from_ref(&second));
            assert_eq!(labels::of_objects(s, Label::Metadata, &of(&[10], &[2], &[])).await?, []);
            assert_eq!(labels::of_objects(s, Label::Metadata, &of(&[10], &[], &[("B", "")])).await?, [(uuid(10), pairs(&[("b", "2")]))]);
            labels::replace(s, version, Label::Metadata, &pairs(&[("c", "3")])).await?;
            labels::replace(s, version, Label::Tags, &pairs(&[("t", "4")])).await?;
            assert_eq!(files::metadata(s, version).await?, pairs(&[("c", "3")]));
            assert_eq!(files::tags(s, version).await?, pairs(&[("t", "4")]));

            let of = VersionLabels::default();
            let rows = labels::of_versions(s, Label::Tags, &of).await?;
            let seen: Vec<(Uuid, usize)> = rows.iter().map(|row| (row.uuid, row.pairs.len())).collect();
            assert_eq!(seen, [(uuid(500), 0), (uuid(1011), 0), (uuid(1010), 1)], "newest first");
            let of = VersionLabels { natives: vec!["native1010".to_owned(), "none".to_owned()], ..VersionLabels::default() };
            let rows = labels::of_versions(s, Label::Tags, &of).await?;
            assert_eq!((rows.len(), rows[0].uuid, rows[0].native_id.as_deref()), (1, uuid(1010), Some("native1010")));
            let of = VersionLabels { versions: vec![uuid(1010)], pairs: filter(&[("z", "")]), ..VersionLabels::default() };
            assert_eq!(labels::of_versions(s, Label::Tags, &of).await?[0].pairs, []);
            assert!(files::newest_content(s, x).await?.is_some_and(|found| found.uuid == uuid(1010)));
            assert!(files::newest_content(s, y).await?.is_some());
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    /// Bytes stay as long as any version refers to them.
    async fn shared_bytes_are_used_until_the_last_version_goes(db: &Db) {
        let bucket = create_bucket(db, bucket(1, "/")).await.unwrap();
        let id = create(db, 10, bucket, "file").await;
        let op = op!(Write |s, id: ItemId| -> () {
            let source = files::versions(s, id).await?.remove(0);
            let new = NewVersion { delete_marker: false, storage_key: source.storage_key.clone(), ..marker(600) };
            files::share_version(s, id, source.id, &new, uuid(9), NOW).await?;
            let keys = vec!["key10".to_owned(), "never".to_owned()];
            assert_eq!(files::unused(s, &keys).await?, ["never"]);
            files::delete_version(s, id, &source).await?;
            assert_eq!(files::unused(s, &keys).await?, ["never"]);
            let found = files::find(s, uuid(10), &VersionSelector::Latest).await?.and_then(|found| found.version);
            files::delete_version(s, id, &found.expect("the copy")).await?;
            assert_eq!(files::unused(s, &keys).await?, keys);
            Ok(())
        });
        db.run(op).await.unwrap();
    }
}

/// One removes the source while another makes a version of its bytes: one of them has to try again, and finds out.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_cannot_go_while_its_bytes_are_shared() {
    let Some(db) = Db::postgres().await else { return };
    let bucket = create_bucket(&db, bucket(1, "/")).await.unwrap();
    for round in 0..20 {
        let number = 10 + round;
        let id = create(&db, number, bucket, &format!("file{number}")).await;
        // An old version: nothing else about it changes when a new one comes.
        let op = op!(Write |s, id: ItemId, number: u128| -> () {
            files::add_version(s, id, &marker(2000 + number), uuid(9), NOW).await.map(drop)
        });
        db.run(op).await.unwrap();
        let share = op!(Write |s, id: ItemId, number: u128| -> bool {
            let selector = VersionSelector::Version(uuid(1000 + number));
            let found = files::find(s, uuid(number), &selector).await?.and_then(|found| found.version);
            let Some(source) = found else { return Ok(false) };
            let new = NewVersion { delete_marker: false, storage_key: source.storage_key.clone(), ..marker(3000 + number) };
            files::share_version(s, id, source.id, &new, uuid(9), NOW).await?;
            Ok(true)
        });
        let remove = op!(Write |s, id: ItemId, number: u128| -> () {
            let selector = VersionSelector::Version(uuid(1000 + number));
            let found = files::find(s, uuid(number), &selector).await?.and_then(|found| found.version);
            files::delete_version(s, id, &found.expect("only this removes it")).await.map(drop)
        });
        let (shared, removed) = tokio::join!(db.run(share), db.run(remove));
        removed.unwrap();
        let key = vec![format!("key{number}")];
        let left = db
            .run(op!(Point |s, key: Vec<String>| -> Vec<String> { files::unused(s, &key).await }))
            .await
            .unwrap();
        assert_eq!(
            left.is_empty(),
            shared.unwrap(),
            "bytes are kept if, and only if, a version has them"
        );
    }
}
