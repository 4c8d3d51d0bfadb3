//! SQLite: those who wait share a commit, and nothing else.

use std::sync::{Arc, Barrier};

use domain::IdentityProviderId;
use store::{StoreError, people};
use tokio::task::{JoinSet, spawn_blocking};

use crate::harness::{Db, NOW, op, statement};

/// How many commits the log of the database holds: frames whose second word, the size of the database after a commit, is
/// not 0 (SQLite file format, section 4.1).
fn commits(db: &Db) -> usize {
    let log = std::fs::read(db.place.file().with_extension("db-wal")).unwrap();
    let page = u32::from_be_bytes(log[8..12].try_into().unwrap()) as usize;
    log[32..]
        .chunks_exact(24 + page)
        .filter(|frame| frame[4..8] != [0; 4])
        .count()
}

/// Holds the writer in an operation until the answer is met.
async fn hold(db: &Db, tasks: &mut JoinSet<Result<(), StoreError>>) -> Arc<Barrier> {
    let (entered, leave) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let op = {
        let (entered, leave) = (Arc::clone(&entered), Arc::clone(&leave));
        op!(Write |_s, entered: Arc<Barrier>, leave: Arc<Barrier>| -> () {
            entered.wait();
            leave.wait();
            Ok(())
        })
    };
    let store = db.store.clone();
    tasks.spawn(async move { store.run(op, &Arc::default()).await });
    spawn_blocking(move || entered.wait()).await.unwrap();
    leave
}

async fn names(db: &Db) -> Vec<String> {
    let op = op!(Read |s| -> Vec<String> {
        s.fetch(&statement("SELECT name FROM identity_provider ORDER BY name"), &[], |row| row.get(0)).await
    });
    db.run(op).await.unwrap()
}

fn write(db: &Db, number: usize, tasks: &mut JoinSet<Result<(), StoreError>>) {
    let store = db.store.clone();
    let op = op!(Write |s, number: usize| -> () {
        people::identity_provider(s, &format!("{number:04}"), NOW).await.map(drop)
    });
    tasks.spawn(async move { store.run(op, &Arc::default()).await });
}

/// Until everybody waits at the writer.
async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_who_wait_share_one_commit() {
    let db = Db::sqlite().await;
    let before = commits(&db);
    let mut tasks = JoinSet::new();
    let leave = hold(&db, &mut tasks).await;
    for number in 0..100 {
        write(&db, number, &mut tasks);
    }
    settle().await;
    spawn_blocking(move || leave.wait()).await.unwrap();
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(commits(&db) - before, 1);
    assert_eq!(names(&db).await.len(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failing_and_panicking_operations_do_not_hurt_their_neighbours() {
    let db = Db::sqlite().await;
    let mut tasks = JoinSet::new();
    let leave = hold(&db, &mut tasks).await;
    let mut failing = JoinSet::new();
    for number in 0..99 {
        if number % 3 != 0 {
            write(&db, number, &mut tasks);
            continue;
        }
        let store = db.store.clone();
        let op = op!(Write |s, number: usize| -> () {
            people::identity_provider(s, &format!("{number:04}"), NOW).await?;
            match number % 9 {
                0 => Err(StoreError::Migration("on purpose".to_owned())),
                3 => panic!("on purpose"),
                _ => s.execute(&statement("INSERT INTO clearance VALUES (1, 1)"), &[]).await.map(drop),
            }
        });
        failing.spawn(async move { store.run(op, &Arc::default()).await });
    }
    settle().await;
    spawn_blocking(move || leave.wait()).await.unwrap();
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
    let mut kinds = [0; 3];
    while let Some(outcome) = failing.join_next().await {
        match outcome.unwrap().unwrap_err() {
            StoreError::Migration(_) => kinds[0] += 1,
            StoreError::Driver(_) => kinds[1] += 1,
            StoreError::Constraint(_) => kinds[2] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(kinds, [11, 11, 11]);
    let expected: Vec<String> = (0..99)
        .filter(|number| number % 3 != 0)
        .map(|number| format!("{number:04}"))
        .collect();
    assert_eq!(names(&db).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_comes_after_the_commit() {
    let db = Db::sqlite().await;
    let other = rusqlite::Connection::open(db.place.file()).unwrap();
    for number in 0..20_i64 {
        let mut tasks = JoinSet::new();
        write(&db, usize::try_from(number).unwrap(), &mut tasks);
        tasks.join_next().await.unwrap().unwrap().unwrap();
        let seen: i64 = other
            .query_row("SELECT count(*) FROM identity_provider", [], |row| row.get(0))
            .unwrap();
        assert_eq!(seen, number + 1);
    }
}

/// More than the queue holds: the rest waits outside of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_is_worked_off() {
    let db = Db::sqlite().await;
    let mut tasks = JoinSet::new();
    let leave = hold(&db, &mut tasks).await;
    for number in 0..1_300 {
        write(&db, number, &mut tasks);
    }
    settle().await;
    // Not among the threads for blocking work: those may all be waiting for the queue.
    std::thread::spawn(move || leave.wait());
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(names(&db).await.len(), 1_300);
}

/// A caller that has gone away neither stops its operation nor anybody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_may_leave() {
    let db = Db::sqlite().await;
    let mut tasks = JoinSet::new();
    let leave = hold(&db, &mut tasks).await;
    let mut gone = JoinSet::new();
    write(&db, 1, &mut gone);
    write(&db, 2, &mut tasks);
    settle().await;
    gone.shutdown().await;
    spawn_blocking(move || leave.wait()).await.unwrap();
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(names(&db).await, ["0001", "0002"]);
}

/// The commit itself fails: nobody is told that their change stays, and the next group does not suffer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_commit_is_nobodys_success() {
    let db = Db::sqlite().await;
    let mut tasks = JoinSet::new();
    let leave = hold(&db, &mut tasks).await;
    let store = db.store.clone();
    let op = op!(Write |s| -> () {
        // The foreign key is checked by the commit.
        s.fetch(&statement("PRAGMA defer_foreign_keys = ON"), &[], |_| Ok(())).await?;
        s.execute(&statement("INSERT INTO clearance VALUES (1, 1)"), &[]).await.map(drop)
    });
    tasks.spawn(async move { store.run(op, &Arc::default()).await });
    write(&db, 1, &mut tasks);
    settle().await;
    spawn_blocking(move || leave.wait()).await.unwrap();
    while let Some(outcome) = tasks.join_next().await {
        let error = outcome.unwrap().unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    assert_eq!(names(&db).await, Vec::<String>::new());
    write(&db, 2, &mut tasks);
    tasks.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(names(&db).await, ["0002"]);
}

/// A body that waits for anything but its session would block everybody's writes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn awaiting_something_else_is_a_defect() {
    let db = Db::sqlite().await;
    let op = op!(Write |s| -> IdentityProviderId {
        let id = people::identity_provider(s, "idir", NOW).await?;
        tokio::task::yield_now().await;
        Ok(id)
    });
    assert!(matches!(db.run(op).await, Err(StoreError::Driver(_))));
    assert_eq!(names(&db).await, Vec::<String>::new());
}

/// However many long reads there are, a short one is answered at once: it runs on the threads that serve everybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_reads_do_not_hold_up_short_ones() {
    let db = Db::sqlite().await;
    let mut tasks = JoinSet::new();
    for _ in 0..64 {
        let store = db.store.clone();
        let op = op!(Read |s| -> () {
            s.one(&statement("SELECT count(*) FROM item"), &[], |row| row.get::<i64>(0)).await?;
            std::thread::sleep(std::time::Duration::from_millis(100));
            Ok(())
        });
        tasks.spawn(async move { store.run(op, &Arc::default()).await });
    }
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let started = std::time::Instant::now();
    for _ in 0..20 {
        db.store.ping().await.unwrap();
    }
    assert!(
        started.elapsed() < std::time::Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
}
