//! Invites: found by their secret, taken once, listed page by page, forgotten when they are old.

use access::PermissionCode::{Create, Read, Update};
use domain::Timestamp;
use store::invites::{self, InviteRow};
use uuid::Uuid;

use crate::harness::{Db, NOW, both, op, uuid};

const BY: Uuid = Uuid::from_u128(7);

fn invite(number: u128, item: u128, seconds: i64) -> InviteRow {
    InviteRow {
        uuid: uuid(number),
        item: uuid(item),
        on_bucket: number.is_multiple_of(2),
        email: number.is_multiple_of(2).then(|| format!("Kim+{number}@Example.org")),
        codes: if number.is_multiple_of(2) {
            vec![Create, Read, Update]
        } else {
            vec![Read]
        },
        recursive: number.is_multiple_of(2),
        inviter: None,
        created_by: BY,
        created_at: NOW,
        expires_at: NOW.plus_seconds(seconds),
    }
}

/// The secret of the invite with this number.
fn secret(number: u128) -> [u8; 32] {
    [u8::try_from(number).unwrap(); 32]
}

async fn insert(db: &Db, number: u128, item: u128, seconds: i64) {
    let row = invite(number, item, seconds);
    db.run(op!(Write |s, row: InviteRow, number: u128| -> () { invites::insert(s, &row, &secret(number)).await }))
        .await
        .unwrap();
}

async fn find(db: &Db, number: u128) -> Option<InviteRow> {
    db.run(op!(Point |s, number: u128| -> Option<InviteRow> { invites::find(s, &secret(number)).await }))
        .await
        .unwrap()
}

async fn listed(db: &Db, item: u128, now: Timestamp, after: Option<Uuid>, limit: i64) -> Vec<Uuid> {
    let op = op!(Read |s, item: u128, now: Timestamp, after: Option<Uuid>, limit: i64| -> Vec<Uuid> {
        let rows = invites::list(s, uuid(item), now, after, limit).await?;
        Ok(rows.into_iter().map(|row| row.uuid).collect())
    });
    db.run(op).await.unwrap()
}

both! {
    async fn an_invite_comes_back_as_made(db: &Db) {
        for number in [2, 3] {
            insert(db, number, 100, 60).await;
            let (found, made) = (find(db, number).await.unwrap(), invite(number, 100, 60));
            assert_eq!(format!("{found:?}"), format!("{made:?}"));
        }
        assert!(find(db, 4).await.is_none());
        let op = op!(Point |s| -> (bool, bool) {
            let known = invites::find_by_uuid(s, uuid(2)).await?.is_some();
            Ok((known, invites::find_by_uuid(s, uuid(9)).await?.is_some()))
        });
        assert_eq!(db.run(op).await.unwrap(), (true, false));
    }

    async fn an_invite_is_taken_once(db: &Db) {
        insert(db, 2, 100, 60).await;
        let takers = (0..8).map(|_| db.run(op!(Write |s| -> bool { invites::take(s, uuid(2)).await })));
        let taken = futures_util::future::join_all(takers).await;
        assert_eq!(taken.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
        assert!(find(db, 2).await.is_none());
    }

    async fn open_invites_are_listed_in_pages(db: &Db) {
        for (number, item, seconds) in [(2, 100, 60), (3, 100, 10), (4, 100, 60), (5, 101, 60), (6, 100, 60)] {
            insert(db, number, item, seconds).await;
        }
        let uuids = |numbers: &[u128]| numbers.iter().map(|number| uuid(*number)).collect::<Vec<_>>();
        let later = NOW.plus_seconds(30);
        assert_eq!(listed(db, 100, NOW, None, 10).await, uuids(&[2, 3, 4, 6]));
        assert_eq!(listed(db, 100, later, None, 10).await, uuids(&[2, 4, 6]));
        assert_eq!(listed(db, 100, later, None, 2).await, uuids(&[2, 4]));
        assert_eq!(listed(db, 100, later, Some(uuid(4)), 2).await, uuids(&[6]));
        // The place of an invite to something else is no place here.
        assert_eq!(listed(db, 100, later, Some(uuid(5)), 2).await, uuids(&[]));
    }

    async fn old_invites_are_forgotten(db: &Db) {
        for (number, seconds) in [(2, 10), (3, 20), (4, 60)] {
            insert(db, number, 100, seconds).await;
        }
        for expected in [1, 1, 0] {
            let op = op!(Write |s| -> u64 { invites::prune(s, NOW.plus_seconds(30), 1).await });
            assert_eq!(db.run(op).await.unwrap(), expected);
        }
        assert!(find(db, 3).await.is_none());
        assert!(find(db, 4).await.is_some());
    }
}
