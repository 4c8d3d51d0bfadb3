//! What a transaction promises, on both databases.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use domain::{IdentityProviderId, Kind};
use store::{Constraint, Store, StoreError, people};
use tokio::task::{JoinSet, block_in_place, spawn_blocking};

use crate::{
    harness::{Db, NOW, both, op, split, statement, uuid},
    people::somebody,
};

async fn add_provider(db: &Db, name: &str) {
    let name = name.to_owned();
    let op = op!(Write |s, name: String| -> IdentityProviderId { people::identity_provider(s, &name, NOW).await });
    db.run(op).await.unwrap();
}

async fn count_providers(db: &Db) -> i64 {
    let op = op!(Point |s| -> i64 {
        s.one(&statement("SELECT count(*) FROM identity_provider"), &[], |row| row.get(0)).await
    });
    db.run(op).await.unwrap()
}

/// Waits at a barrier without holding up the runtime.
async fn meet(barrier: &Arc<Barrier>) {
    let barrier = Arc::clone(barrier);
    spawn_blocking(move || barrier.wait()).await.unwrap();
}

both! {
    async fn a_failed_operation_leaves_nothing(db: &Db) {
        let op = op!(Write |s| -> () {
            people::identity_provider(s, "idir", NOW).await?;
            Err(StoreError::Migration("the operation fails in its own words".to_owned()))
        });
        assert!(matches!(db.run(op).await, Err(StoreError::Migration(_))));
        assert_eq!(count_providers(db).await, 0);
    }

    /// PostgreSQL answers the COMMIT of a failed transaction with success and rolls back.
    async fn going_on_after_a_failed_statement_fails(db: &Db) {
        let first = somebody(db, 1).await;
        let op = op!(Write |s, first: people::Known| -> () {
            people::identity_provider(s, "bceid", NOW).await?;
            let twice = split("INSERT INTO person (uuid, username, created_by, created_at) VALUES ($1, '', $1, 0)",
                "INSERT INTO person (uuid, username, created_by, created_at) VALUES ($1, '', $1, 0)");
            let clash = s.execute(&twice, &[first.uuid.into()]).await;
            assert!(matches!(clash, Err(StoreError::Constraint(Constraint::Unique(_)))), "{clash:?}");
            Ok(())
        });
        assert!(matches!(db.run(op).await, Err(StoreError::Driver(_))));
        assert_eq!(count_providers(db).await, 1, "only the one from before");
    }

    async fn a_read_sees_one_moment(db: &Db) {
        let (before, after) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let op = {
            let (before, after) = (Arc::clone(&before), Arc::clone(&after));
            op!(Read |s, before: Arc<Barrier>, after: Arc<Barrier>| -> (i64, i64) {
                let count = statement("SELECT count(*) FROM identity_provider");
                let first = s.one(&count, &[], |row| row.get(0)).await?;
                block_in_place(|| { before.wait(); after.wait(); });
                Ok((first, s.one(&count, &[], |row| row.get(0)).await?))
            })
        };
        let store = db.store.clone();
        let reading = tokio::spawn(async move { store.run(op, &Arc::default()).await });
        meet(&before).await;
        add_provider(db, "idir").await;
        meet(&after).await;
        assert_eq!(reading.await.unwrap().unwrap(), (0, 0));
        assert_eq!(count_providers(db).await, 1);
    }

    async fn a_point_sees_what_is_committed(db: &Db) {
        let (before, after) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
        let op = {
            let (before, after) = (Arc::clone(&before), Arc::clone(&after));
            op!(Point |s, before: Arc<Barrier>, after: Arc<Barrier>| -> (i64, i64) {
                let count = statement("SELECT count(*) FROM identity_provider");
                let first = s.one(&count, &[], |row| row.get(0)).await?;
                block_in_place(|| { before.wait(); after.wait(); });
                Ok((first, s.one(&count, &[], |row| row.get(0)).await?))
            })
        };
        let store = db.store.clone();
        let reading = tokio::spawn(async move { store.run(op, &Arc::default()).await });
        meet(&before).await;
        add_provider(db, "idir").await;
        meet(&after).await;
        assert_eq!(reading.await.unwrap().unwrap(), (0, 1));
    }

    async fn a_read_writes_nothing(db: &Db) {
        let op = op!(Read |s| -> IdentityProviderId { people::identity_provider(s, "idir", NOW).await });
        assert!(db.run(op).await.is_err());
        assert_eq!(count_providers(db).await, 0);
        add_provider(db, "idir").await;
    }

    /// A panic is the operation's own: the next one finds the database as it was.
    async fn a_read_that_panics_leaves_its_connection_usable(db: &Db) {
        for _ in 0..20 {
            let store = db.store.clone();
            let op = op!(Read |s| -> () {
                s.one(&statement("SELECT count(*) FROM item"), &[], |row| row.get::<i64>(0)).await?;
                panic!("on purpose")
            });
            let outcome = tokio::spawn(async move { store.run(op, &Arc::default()).await }).await;
            assert!(matches!(outcome, Err(_) | Ok(Err(StoreError::Driver(_)))));
            let op = op!(Read |s| -> i64 {
                s.one(&statement("SELECT count(*) FROM item"), &[], |row| row.get(0)).await
            });
            assert_eq!(db.run(op).await.unwrap(), 0);
        }
    }

    async fn read_and_write_of_one_row_is_not_lost(db: &Db) {
        const RUNS: i64 = 40;
        let row = op!(Write |s| -> u64 {
            s.execute(&statement("INSERT INTO lease (name, holder, held_until) VALUES ('count', '', 0)"), &[]).await
        });
        db.run(row).await.unwrap();
        let tried = Arc::new(AtomicU32::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..RUNS {
            let (store, tried) = (db.store.clone(), Arc::clone(&tried));
            let op = op!(Write |s, tried: Arc<AtomicU32>| -> u64 {
                tried.fetch_add(1, SeqCst);
                let read = statement("SELECT held_until FROM lease WHERE name = 'count'");
                let number: i64 = s.one(&read, &[], |row| row.get(0)).await?;
                let write = statement("UPDATE lease SET held_until = $1 WHERE name = 'count'");
                s.execute(&write, &[(number + 1).into()]).await
            });
            tasks.spawn(async move { store.run(op, &Arc::default()).await });
        }
        while let Some(outcome) = tasks.join_next().await {
            assert_eq!(outcome.unwrap().unwrap(), 1);
        }
        let op = op!(Point |s| -> i64 {
            s.one(&statement("SELECT held_until FROM lease WHERE name = 'count'"), &[], |row| row.get(0)).await
        });
        assert_eq!(db.run(op).await.unwrap(), RUNS);
        let tried = i64::from(tried.load(SeqCst));
        assert!(tried >= RUNS && (db.store.engine() == "postgresql" || tried == RUNS), "{tried}");
    }

    async fn a_new_person_who_signs_in_many_times_at_once_is_one(db: &Db) {
        let mut tasks = JoinSet::new();
        for number in 0..12 {
            let store = db.store.clone();
            let op = op!(Write |s, number: u128| -> people::Known {
                let identity = people::Identity {
                    issuer: "https://issuer.example".to_owned(),
                    subject: "new".to_owned(),
                    identity_provider: Some("idir".to_owned()),
                };
                let profile = people::Profile {
                    username: "new".to_owned(),
                    email: None,
                    email_verified: false,
                    full_name: None,
                    first_name: None,
                    last_name: None,
                };
                let provider = people::identity_provider(s, "idir", NOW).await?;
                people::sign_in(s, uuid(number), &identity, Some(provider), &profile, NOW).await
            });
            tasks.spawn(async move { store.run(op, &Arc::default()).await });
        }
        let mut people = Vec::new();
        while let Some(outcome) = tasks.join_next().await {
            people.push(outcome.unwrap().unwrap());
        }
        people.dedup();
        assert_eq!(people.len(), 1, "{people:?}");
    }

    async fn the_database_answers_when_asked(db: &Db) {
        db.store.ping().await.unwrap();
        assert!(["sqlite", "postgresql"].contains(&db.store.engine()));
        let again = Store::open(db.place.url()).await.unwrap();
        again.ping().await.unwrap();
    }

    async fn constraints_have_one_meaning(db: &Db) {
        for (text, expected) in [
            ("INSERT INTO lease (name, holder, held_until) VALUES ('a', '', 0), ('a', '', 0)", "unique"),
            ("INSERT INTO organisation (uuid, short_name, name, created_by, created_at) VALUES ($1, 'a', 'a', $1, 0), ($1, 'b', 'b', $1, 0)", "unique"),
            ("INSERT INTO clearance (person_id, classification_id) VALUES (1, 1)", "foreign key"),
            ("INSERT INTO item (uuid, kind, name, created_by, created_at) VALUES ($1, 7, '', $1, 0)", "check"),
            ("INSERT INTO lease (name, holder, held_until) VALUES (NULL, '', 0)", "check"),
        ] {
            let op = op!(Write |s, text: &'static str| -> u64 {
                let values = [uuid(1).into()];
                s.execute(&statement(text), if text.contains("$1") { &values } else { &[] }).await
            });
            let outcome = db.run(op).await;
            let meaning = match &outcome {
                Err(StoreError::Constraint(Constraint::Unique(_))) => "unique",
                Err(StoreError::Constraint(Constraint::ForeignKey)) => "foreign key",
                Err(StoreError::Constraint(Constraint::Check(_))) => "check",
                _ => "other",
            };
            assert_eq!(meaning, expected, "{text}: {outcome:?}");
        }
        // What is still referred to cannot go.
        let person = somebody(db, 1).await.id;
        let op = op!(Write |s, person: domain::PersonId| -> u64 {
            let text = "INSERT INTO item (uuid, kind, name, owner_id, created_by, created_at) VALUES ($1, 2, '', $2, $1, 0)";
            s.execute(&statement(text), &[uuid(1).into(), person.into()]).await
        });
        db.run(op).await.unwrap();
        let op = op!(Write |s| -> u64 { s.execute(&statement("DELETE FROM person"), &[]).await });
        assert!(matches!(db.run(op).await, Err(StoreError::Constraint(Constraint::ForeignKey))));
    }

    async fn a_statement_that_is_wrong_is_a_defect(db: &Db) {
        let op = op!(Read |s| -> () { s.fetch(&statement("SELECT nothing FROM nowhere"), &[], |_| Ok(())).await.map(drop) });
        let error = db.run(op).await.unwrap_err();
        assert!(matches!(error, StoreError::Driver(_)), "{error:?}");
        let error = domain::Error::from(error);
        assert_eq!((error.kind, error.public.as_ref()), (Kind::Internal, "An unexpected error"));
        assert!(!error.to_string().contains("nowhere"), "no SQL reaches the caller");
    }
}

/// Another program that writes, such as the command line, makes the server wait and not fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_waits_for_another_writer() {
    let db = Db::sqlite().await;
    let other = rusqlite::Connection::open(db.place.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let release = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        other.execute_batch("COMMIT").unwrap();
    });
    add_provider(&db, "idir").await;
    release.await.unwrap();
    assert_eq!(count_providers(&db).await, 1);
}
