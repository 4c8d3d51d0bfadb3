//! SQLite: short reads are answered from memory, and never with what is no longer true.

use domain::{PersonId, Timestamp};
use store::{access_facts, people};

use crate::{
    harness::{Db, NOW, op},
    seed,
};

/// A house in a database, and a connection to it that is not the store's, as another process has one.
async fn house() -> (Db, rusqlite::Connection) {
    let db = Db::sqlite().await;
    let other = rusqlite::Connection::open(db.place.file()).unwrap();
    seed::fill_sqlite(&other, 2_000).unwrap();
    (db, other)
}

async fn active(db: &Db) -> bool {
    db.run(op!(Point |s| -> bool { people::is_active(s, PersonId(seed::CALLER)).await }))
        .await
        .unwrap()
}

/// How many grants the caller holds on the way to a file, at a moment.
async fn grants(db: &Db, now: Timestamp) -> usize {
    let op = op!(Point |s, now: Timestamp| -> usize {
        let facts = access_facts::load(s, seed::uuid_of(seed::DEEP), Some(PersonId(seed::CALLER)), now).await?;
        Ok(facts.map_or(0, |facts| facts.chain.nodes().map(|node| node.grants.len()).sum()))
    });
    db.run(op).await.unwrap()
}

/// Often enough that every connection for short reads has been asked.
const OFTEN: usize = 8;

#[tokio::test]
async fn a_commit_of_another_process_is_seen_by_the_next_read() {
    let (db, other) = house().await;
    for round in 0..3 {
        let yes = round % 2 == 0;
        other
            .execute("UPDATE person SET active = ?1 WHERE id = ?2", (yes, seed::CALLER))
            .unwrap();
        for _ in 0..OFTEN {
            assert_eq!(active(&db).await, yes);
        }
    }
}

#[tokio::test]
async fn a_commit_of_the_writer_is_seen_by_the_next_read() {
    let (db, _other) = house().await;
    for _ in 0..OFTEN {
        assert_eq!(grants(&db, NOW).await, 3);
    }
    let revoke = op!(Write |s| -> u64 {
        let statement = crate::harness::statement("DELETE FROM access_grant WHERE id IN (1001, 1002)");
        s.execute(&statement, &[]).await
    });
    assert_eq!(db.run(revoke).await.unwrap(), 2);
    for _ in 0..OFTEN {
        assert_eq!(grants(&db, NOW).await, 1);
    }
}

/// Time passes without a commit.
#[tokio::test]
async fn a_membership_ends_although_nothing_changes() {
    let (db, other) = house().await;
    let end = NOW.plus_seconds(60);
    let set = "UPDATE collaboration_membership SET expires_at = ?1 WHERE person_id = ?2";
    assert!(other.execute(set, (end.0, seed::CALLER)).unwrap() > 0);
    for (now, held) in [
        (NOW, 3),
        (NOW.plus_seconds(59), 3),
        (end, 2),
        (end.plus_seconds(1), 2),
        (NOW, 3),
    ] {
        for _ in 0..OFTEN {
            assert_eq!(grants(&db, now).await, held, "{now:?}");
        }
    }
}
