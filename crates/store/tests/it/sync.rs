//! Jobs of synchronisation: asked for once, done by one, never lost.

use domain::{ItemId, Timestamp, VersionId};
use store::{
    Restriction,
    files::{self, NewVersion, VersionSelector},
    sync,
    synced::{self, Described},
};

use crate::{
    awkward,
    buckets::{create as create_bucket, registered},
    files::create as create_object,
    harness::{NOW, both, op, uuid},
};

const fn at(seconds: i64) -> Timestamp {
    NOW.plus_seconds(seconds)
}

fn version(number: u128, native: Option<&str>) -> NewVersion {
    NewVersion {
        uuid: uuid(number),
        storage_key: Some("a/x".to_owned()),
        native_id: native.map(str::to_owned),
        size: 5_000_000_000,
        mime_type: "text/plain".to_owned(),
        etag: None,
        sha256: None,
        delete_marker: false,
        last_modified_at: Some(NOW),
    }
}

both! {
    async fn a_job_is_done_by_one_and_goes_on_where_it_was(db: &Db) {
        let bucket = create_bucket(db, registered(1, "a")).await.unwrap().0;
        let op = op!(Write |s, bucket: i64| -> () {
            assert!(!sync::due(s, at(0)).await?);
            assert_eq!(sync::enqueue(s, &[bucket], "", false, at(0)).await?, 1);
            assert_eq!(sync::enqueue(s, &[bucket], "", false, at(0)).await?, 0, "it waits already");
            assert_eq!(sync::enqueue(s, &[bucket], "a/x", false, at(1)).await?, 1, "another job");
            assert!(sync::due(s, at(0)).await?);
            let job = sync::claim(s, "n1", at(30), at(0)).await?.expect("a job");
            assert_eq!((job.bucket.0, job.path.as_str(), job.recursive, job.phase, job.attempts), (bucket, "", false, 0, 1));
            assert_eq!(job.started_at, at(0));
            assert!(sync::claim(s, "n2", at(30), at(0)).await?.is_none(), "the other is not due yet");
            assert!(sync::checkpoint(s, job.id, "n1", (3, Some("a/m")), 7).await?);
            assert!(!sync::checkpoint(s, job.id, "n2", (4, None), 7).await?, "it is not theirs");
            assert!(sync::prolong(s, job.id, "n1", at(40)).await?);
            // Whoever had it is gone: another one goes on.
            let other = sync::claim(s, "n2", at(70), at(5)).await?.expect("the other job");
            assert_eq!(other.path, "a/x");
            let again = sync::claim(s, "n2", at(70), at(41)).await?.expect("the job");
            assert_eq!((again.id, again.phase, again.marker.as_deref(), again.keys_done), (job.id, 3, Some("a/m"), 7));
            assert_eq!((again.started_at, again.attempts), (at(0), 2));
            assert!(!sync::checkpoint(s, job.id, "n1", (4, None), 7).await?);
            // Asked for while it is done, it is done once more.
            assert_eq!(sync::enqueue(s, &[bucket], "", true, at(42)).await?, 1);
            assert_eq!(sync::enqueue(s, &[bucket], "", true, at(42)).await?, 0);
            sync::done(s, job.id, "n2", at(43)).await?;
            let once_more = sync::claim(s, "n2", at(90), at(43)).await?.expect("the job");
            assert_eq!((once_more.id, once_more.phase, once_more.marker, once_more.recursive), (job.id, 0, None, true));
            sync::done(s, job.id, "n2", at(44)).await?;
            sync::done(s, other.id, "n2", at(44)).await?;
            assert_eq!(sync::counts(s).await?, (0, 0));
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn what_was_given_up_is_seen_and_lives_again(db: &Db) {
        let bucket = create_bucket(db, registered(1, "a")).await.unwrap().0;
        let op = op!(Write |s, bucket: i64| -> () {
            sync::enqueue(s, &[bucket], "", false, at(0)).await?;
            let job = sync::claim(s, "n", at(30), at(0)).await?.expect("a job");
            sync::failed(s, job.id, "n", at(8), "it broke", None).await?;
            assert!(sync::claim(s, "n", at(30), at(7)).await?.is_none(), "there is a pause");
            let job = sync::claim(s, "n", at(30), at(8)).await?.expect("a job");
            sync::failed(s, job.id, "n", at(9), "it broke for good", Some(at(8))).await?;
            assert!(!sync::due(s, at(1000)).await?);
            assert_eq!(sync::counts(s).await?, (0, 1));
            assert_eq!(sync::unfinished(s, &[], &Restriction::None).await?, 0, "nobody waits for it");
            let seen = sync::jobs(s, 0, 10).await?;
            assert_eq!((seen.len(), seen[0].bucket, seen[0].attempts), (1, uuid(1), 2));
            assert_eq!((seen[0].last_error.as_deref(), seen[0].dead_at), (Some("it broke for good"), Some(at(8))));
            assert_eq!(sync::retry(s, at(20)).await?, 1);
            let job = sync::claim(s, "n", at(30), at(20)).await?.expect("a job");
            sync::failed(s, job.id, "n", at(21), "again", Some(at(20))).await?;
            assert_eq!(sync::enqueue(s, &[bucket], "", false, at(22)).await?, 1, "asking for it counts as new");
            assert_eq!(sync::counts(s).await?, (1, 0));
            for (restriction, count) in [
                (Restriction::Buckets([ItemId(bucket)].into()), 1),
                (Restriction::Buckets([ItemId(bucket + 1)].into()), 0),
                (Restriction::Readable(domain::PersonId(7)), 0),
            ] {
                assert_eq!(sync::unfinished(s, &[uuid(1)], &restriction).await?, count, "{restriction:?}");
            }
            assert_eq!(sync::unfinished(s, &[uuid(2)], &Restriction::None).await?, 0);
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn many_objects_are_written_at_once(db: &Db) {
        let bucket = create_bucket(db, registered(1, "a")).await.unwrap();
        let known = create_object(db, 10, bucket, "a/x").await;
        let op = op!(Write |s, bucket: ItemId, known: ItemId| -> () {
            let rows: Vec<_> = awkward::texts().iter().enumerate().map(|(number, text)| {
                (uuid(100 + number as u128), text.clone(), format!("a/{text}"))
            }).collect();
            let made = synced::insert_objects(s, bucket, &rows, uuid(0), at(5)).await?;
            assert_eq!(made.len(), rows.len());
            let twice = [(uuid(100), "n".to_owned(), "a/n".to_owned()), (uuid(999), "x".to_owned(), "a/x".to_owned())];
            assert!(synced::insert_objects(s, bucket, &twice, uuid(0), at(5)).await?.is_empty(), "neither id nor path twice");
            let (item, path) = made[0].clone();
            let [first, second] = [version(501, Some("one")), version(502, None)];
            let ids = synced::insert_versions(s, &[(item, &first), (item, &second)], uuid(0), at(5)).await?;
            let id = |number| ids.iter().find(|(_, one)| *one == uuid(number)).expect("it was written").0;
            assert!(id(501) < id(502), "in their order");
            synced::set_latest(s, &[item.0], &[id(501).0]).await?;
            synced::set_latest(s, &[item.0], &[id(502).0]).await?;
            let pairs: Vec<(VersionId, String, String)> =
                awkward::texts().iter().map(|text| (id(502), text.clone(), text.clone())).collect();
            for what in [Described::Metadata, Described::Tags] {
                synced::describe(s, what, &[id(501).0, id(502).0], &pairs).await?;
                synced::describe(s, what, &[id(502).0], &pairs[..1]).await?;
            }
            synced::update_versions(s, &[(id(502), &NewVersion { size: 7, etag: Some("\"e\"".to_owned()), ..second })]).await?;
            let found = files::find_by_path(s, bucket, &path).await?.expect("it is there");
            assert_eq!((found.object.last_synced_at, found.object.stamps.updated_at), (Some(at(5)), None));
            let row = found.version.expect("a version");
            assert_eq!((row.id, row.size, row.etag.as_deref(), row.native_id), (id(502), 7, Some("\"e\""), None));
            assert_eq!(synced::tags(s, &[row.id.0]).await?.len(), 1);
            assert_eq!(files::metadata(s, row.id).await?.len(), 1);
            let all = synced::known(s, &[bucket.0, bucket.0 + 99], &[path, "a/x".to_owned(), "a/none".to_owned()]).await?;
            assert_eq!(all.len(), 2);
            assert_eq!(synced::taken(s, &[uuid(100), uuid(12345)]).await?, [uuid(100)]);
            let page = synced::page(s, bucket, "", 1000).await?;
            assert!(page.is_sorted_by(|a, b| a.0 < b.0) && page.len() == rows.len() + 1);
            // What got a version since it was looked at stays.
            assert!(synced::delete_objects(s, &[known.0], at(-1)).await?.is_empty());
            assert_eq!(synced::delete_objects(s, &[known.0], at(1)).await?, [(uuid(10), "a/x".to_owned())]);
            assert!(files::find(s, uuid(10), &VersionSelector::Latest).await?.is_none());
            Ok(())
        });
        db.run(op).await.unwrap();
    }
}
