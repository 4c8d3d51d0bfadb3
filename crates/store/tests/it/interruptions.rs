//! PostgreSQL: other transactions get in the way, connections die, callers leave.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
        mpsc,
    },
    time::{Duration, Instant},
};

use domain::Kind;
use parking_lot::Mutex;
use store::{
    Store, StoreError, StoreUrl,
    outbox::{self, Effect},
    people,
};
use tokio::task::{JoinSet, block_in_place};

use crate::harness::{Db, NOW, connect, op, statement};

async fn leases(db: &Db) {
    let op = op!(Write |s| -> u64 {
        let text = "INSERT INTO lease (name, holder, held_until) VALUES ('a', '', 0), ('b', '', 0)";
        s.execute(&statement(text), &[]).await
    });
    db.run(op).await.unwrap();
}

async fn held_until(db: &Db) -> Vec<i64> {
    let op = op!(Read |s| -> Vec<i64> {
        s.fetch(&statement("SELECT held_until FROM lease ORDER BY name"), &[], |row| row.get(0)).await
    });
    db.run(op).await.unwrap()
}

/// Where the first tries of two operations meet, so that they are sure to get in each other's way.
#[derive(Clone)]
struct Meeting {
    barrier: Arc<Barrier>,
    tries: Arc<AtomicU32>,
}

impl Meeting {
    fn new() -> Self {
        Self {
            barrier: Arc::new(Barrier::new(2)),
            tries: Arc::new(AtomicU32::new(0)),
        }
    }

    fn join(&self) {
        if self.tries.fetch_add(1, SeqCst) < 2 {
            block_in_place(|| self.barrier.wait());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_transaction_that_met_another_one_is_tried_again() {
    let Some(db) = Db::postgres().await else { return };
    leases(&db).await;
    let meeting = Meeting::new();
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        let (store, meeting) = (db.store.clone(), meeting.clone());
        let op = op!(Write |s, meeting: Meeting| -> u64 {
            let read = statement("SELECT held_until FROM lease WHERE name = 'a'");
            let number: i64 = s.one(&read, &[], |row| row.get(0)).await?;
            meeting.join();
            let write = statement("UPDATE lease SET held_until = $1 WHERE name = 'a'");
            s.execute(&write, &[(number + 1).into()]).await
        });
        tasks.spawn(async move { store.run(op, &Arc::default()).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(held_until(&db).await, [2, 0]);
    assert_eq!(meeting.tries.load(SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_deadlock_is_tried_again() {
    let Some(db) = Db::postgres().await else { return };
    leases(&db).await;
    let meeting = Meeting::new();
    let mut tasks = JoinSet::new();
    for names in [["a", "b"], ["b", "a"]] {
        let (store, meeting) = (db.store.clone(), meeting.clone());
        let op = op!(Write |s, meeting: Meeting, names: [&'static str; 2]| -> u64 {
            let write = statement("UPDATE lease SET held_until = held_until + 1 WHERE name = $1");
            s.execute(&write, &[names[0].into()]).await?;
            meeting.join();
            s.execute(&write, &[names[1].into()]).await
        });
        tasks.spawn(async move { store.run(op, &Arc::default()).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(held_until(&db).await, [2, 2]);
}

/// Whatever the body makes of the failure of a statement, it is not mistaken for its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failure_that_the_body_hides_is_tried_again_too() {
    let Some(db) = Db::postgres().await else { return };
    leases(&db).await;
    let meeting = Meeting::new();
    let mut tasks = JoinSet::new();
    for hides in ["in an error", "in a success"] {
        let (store, meeting) = (db.store.clone(), meeting.clone());
        let op = op!(Write |s, meeting: Meeting, hides: &'static str| -> () {
            let read = statement("SELECT held_until FROM lease WHERE name = 'a'");
            let number: i64 = s.one(&read, &[], |row| row.get(0)).await?;
            meeting.join();
            let write = statement("UPDATE lease SET held_until = $1 WHERE name = 'a'");
            match s.execute(&write, &[(number + 1).into()]).await {
                Err(_) if hides == "in an error" => Err(StoreError::Migration("mine".to_owned())),
                _ => Ok(()),
            }
        });
        tasks.spawn(async move { store.run(op, &Arc::default()).await });
    }
    while let Some(outcome) = tasks.join_next().await {
        outcome.unwrap().unwrap();
    }
    assert_eq!(held_until(&db).await, [2, 0]);
}

/// Nobody is tried again for ever: what always fails is out of reach at last.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_always_fails_ends() {
    let Some(db) = Db::postgres().await else { return };
    let op = op!(Write |s| -> () {
        let text = "DO $do$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $do$";
        s.execute(&statement(text), &[]).await.map(drop)
    });
    let error = db.run(op).await.unwrap_err();
    assert!(matches!(error, StoreError::Serialization), "{error:?}");
    assert_eq!(domain::Error::from(error).kind, Kind::Unavailable);
}

async fn kill(db: &Db, which: &str) -> usize {
    let client = connect(&db.place.address()).await;
    let text = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'commonhold' AND {which}"
    );
    client.query(text.as_str(), &[]).await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_killed_in_a_transaction_is_unavailable_and_the_next_one_works() {
    let Some(db) = Db::postgres().await else { return };
    let (inside, told) = mpsc::channel::<i64>();
    let killed = Arc::new(Barrier::new(2));
    let op = {
        let (inside, killed) = (Arc::new(Mutex::new(inside)), Arc::clone(&killed));
        op!(Write |s, inside: Arc<Mutex<mpsc::Sender<i64>>>, killed: Arc<Barrier>| -> () {
            people::identity_provider(s, "idir", NOW).await?;
            let pid = s.one(&statement("SELECT CAST(pg_backend_pid() AS BIGINT)"), &[], |row| row.get(0)).await?;
            inside.lock().send(pid).expect("the test waits");
            block_in_place(|| killed.wait());
            people::identity_provider(s, "bceid", NOW).await.map(drop)
        })
    };
    let store = db.store.clone();
    let running = tokio::spawn(async move { store.run(op, &Arc::default()).await });
    let pid = block_in_place(|| told.recv()).unwrap();
    assert_eq!(kill(&db, &format!("pid = {pid}")).await, 1);
    tokio::time::sleep(Duration::from_millis(100)).await;
    block_in_place(|| killed.wait());
    let error = running.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(domain::Error::from(error).kind, Kind::Unavailable);
    for _ in 0..10 {
        let op = op!(Write |s| -> i64 {
            s.one(&statement("SELECT count(*) FROM identity_provider"), &[], |row| row.get(0)).await
        });
        assert_eq!(db.run(op).await.unwrap(), 0);
    }
}

/// Connections that died while nobody used them are replaced, and no request notices.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dead_connections_in_the_pool_are_replaced() {
    let Some(db) = Db::postgres().await else { return };
    for round in 0..3 {
        let mut tasks = JoinSet::new();
        for number in 0..8 {
            let store = db.store.clone();
            tasks.spawn(async move {
                if number % 2 == 0 {
                    store.ping().await
                } else {
                    store
                        .run(
                            op!(Write |s| -> () { outbox::waiting(s).await.map(drop) }),
                            &Arc::default(),
                        )
                        .await
                }
            });
        }
        while let Some(outcome) = tasks.join_next().await {
            outcome
                .unwrap()
                .unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        }
        assert!(kill(&db, "TRUE").await > 0);
    }
}

/// The server takes no connections: everything says so, and works again as soon as it does.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_out_of_reach_is_unavailable_until_it_is_back() {
    let Some(db) = Db::postgres().await else { return };
    let crate::harness::Place::Postgres { server, name } = &db.place else {
        unreachable!("it is on PostgreSQL")
    };
    let client = connect(server).await;
    let closed = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false");
    let open = format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true");
    client.batch_execute(&closed).await.unwrap();
    let text = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    client.query(text.as_str(), &[]).await.unwrap();
    for _ in 0..3 {
        let error = db.store.ping().await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        let write = op!(Write |s| -> () { outbox::waiting(s).await.map(drop) });
        let error = db.run(write).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    client.batch_execute(&open).await.unwrap();
    db.store.ping().await.unwrap();
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let url = "postgresql://nobody:secret@127.0.0.1:9/none".to_owned();
    let outcome = Store::open(StoreUrl::Postgres { url, connections: 2 }).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))));
    let url = "not a URL".to_owned();
    let outcome = Store::open(StoreUrl::Postgres { url, connections: 2 }).await;
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))));
}

async fn open_transactions(db: &Db) -> i64 {
    let client = connect(&db.place.address()).await;
    let text = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'commonhold' AND xact_start IS NOT NULL";
    client.query_one(text, &[]).await.unwrap().get(0)
}

/// A caller who leaves while a statement runs takes the transaction with them, and their locks.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dropped_operation_leaves_no_open_transaction() {
    let Some(db) = Db::postgres().await else { return };
    leases(&db).await;
    for statement_text in ["SELECT CAST(1 AS BIGINT) FROM pg_sleep(60)", ""] {
        let entered = Arc::new(AtomicBool::new(false));
        let op = {
            let entered = Arc::clone(&entered);
            op!(Write |s, entered: Arc<AtomicBool>, statement_text: &'static str| -> () {
                s.execute(&statement("UPDATE lease SET held_until = held_until + 1"), &[]).await?;
                entered.store(true, SeqCst);
                if statement_text.is_empty() {
                    // Between two statements.
                    std::future::pending::<()>().await;
                }
                s.fetch(&statement(statement_text), &[], |_| Ok(())).await.map(drop)
            })
        };
        let store = db.store.clone();
        let running = tokio::spawn(async move { store.run(op, &Arc::default()).await });
        let started = Instant::now();
        while !entered.load(SeqCst) {
            assert!(started.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(open_transactions(&db).await, 1);
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        let started = Instant::now();
        while open_transactions(&db).await > 0 {
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "the transaction is still open"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(held_until(&db).await, [0, 0]);
    }
}

/// A read that is dropped in the middle does not leave its answer to the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dropped_point_read_does_not_mix_up_answers() {
    let Some(db) = Db::postgres().await else { return };
    for number in 0..50_i64 {
        let store = db.store.clone();
        let op = op!(Point |s| -> i64 {
            let text = "SELECT CAST(-1 AS BIGINT) FROM pg_sleep(0.005)";
            s.one(&statement(text), &[], |row| row.get(0)).await
        });
        let running = tokio::spawn(async move { store.run(op, &Arc::default()).await });
        tokio::time::sleep(Duration::from_millis(number.unsigned_abs() % 5)).await;
        running.abort();
        let op = op!(Point |s, number: i64| -> i64 {
            s.one(&statement("SELECT CAST($1 AS BIGINT)"), &[number.into()], |row| row.get(0)).await
        });
        assert_eq!(db.run(op).await.unwrap(), number);
    }
}

fn claim(holder: &'static str, limit: i64) -> impl store::Op<Out = Vec<Effect>, Error = StoreError> {
    op!(Write |s, holder: &'static str, limit: i64| -> Vec<Effect> {
        outbox::claim(s, holder, NOW.plus_seconds(60), NOW, limit).await
    })
}

async fn effects(db: &Db, count: i64) {
    let op = op!(Write |s, count: i64| -> () {
        for _ in 0..count {
            outbox::insert(s, "effect", "", NOW).await?;
        }
        Ok(())
    });
    db.run(op).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn claimants_get_different_effects() {
    let Some(db) = Db::postgres().await else { return };
    effects(&db, 200).await;
    let mut tasks = JoinSet::new();
    for holder in ["n1", "n2", "n3", "n4"] {
        let store = db.store.clone();
        tasks.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = store.run(claim(holder, 7), &Arc::default()).await.unwrap();
                assert!(claimed.len() <= 7);
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.iter().map(|effect| effect.id));
            }
        });
    }
    let mut all = Vec::new();
    while let Some(mine) = tasks.join_next().await {
        all.extend(mine.unwrap());
    }
    // Nobody may find the rest under another's lock and leave it.
    all.extend(db.run(claim("n5", 200)).await.unwrap().iter().map(|effect| effect.id));
    let claimed = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((claimed, all.len()), (200, 200));
}

/// Who claims does not wait for another one who is in the middle of claiming.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_claimant_does_not_wait_for_another_one() {
    let Some(db) = Db::postgres().await else { return };
    effects(&db, 10).await;
    let other = connect(&db.place.address()).await;
    other
        .batch_execute("BEGIN; SELECT * FROM outbox ORDER BY id LIMIT 4 FOR UPDATE")
        .await
        .unwrap();
    let claimed = tokio::time::timeout(Duration::from_secs(5), db.run(claim("n1", 10))).await;
    assert_eq!(claimed.expect("it does not wait").unwrap().len(), 6);
    other.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(db.run(claim("n2", 10)).await.unwrap().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_that_many_want_is_taken_by_one() {
    let Some(db) = Db::postgres().await else { return };
    for name in ["first", "second"] {
        let mut tasks = JoinSet::new();
        for number in 0..8 {
            let store = db.store.clone();
            let op = op!(Write |s, name: &'static str, number: i32| -> bool {
                outbox::take_lease(s, name, &format!("n{number}"), NOW.plus_seconds(60), NOW).await
            });
            tasks.spawn(async move { store.run(op, &Arc::default()).await });
        }
        let mut taken = 0;
        while let Some(outcome) = tasks.join_next().await {
            taken += usize::from(outcome.unwrap().unwrap());
        }
        assert_eq!(taken, 1);
    }
}
