//! Uploads that can be resumed: pieces count once, in order, and nothing is lost sight of.

use domain::Timestamp;
use store::resumable::{self, Piece, ResumableRow};
use uuid::Uuid;

use crate::harness::{Db, NOW, both, op, uuid};

fn row(number: u128, seconds: i64) -> ResumableRow {
    ResumableRow {
        id: 0,
        uuid: uuid(number),
        bucket: uuid(100),
        owner: "person:x".to_owned(),
        description: "{}".to_owned(),
        size: 30,
        received: 0,
        object: None,
        expires_at: NOW.plus_seconds(seconds),
    }
}

fn piece(number: u128, starts_at: i64) -> Piece {
    Piece {
        uuid: uuid(number),
        starts_at,
        size: 10,
    }
}

/// An upload with so many pieces that were begun.
async fn begun(db: &Db, number: u128, seconds: i64, pieces: u128) -> i64 {
    let op = op!(Write |s, number: u128, seconds: i64, pieces: u128| -> i64 {
        let row = row(number, seconds);
        resumable::insert(s, &row, NOW).await?;
        let id = resumable::find(s, uuid(number)).await?.expect("it was begun").id;
        for place in 0..pieces {
            let at = i64::try_from(place).expect("a small number") * 10;
            resumable::begin_piece(s, id, piece(number * 100 + place, at), row.expires_at).await?;
        }
        Ok(id)
    });
    db.run(op).await.unwrap()
}

async fn find(db: &Db, number: u128) -> Option<ResumableRow> {
    db.run(op!(Point |s, number: u128| -> Option<ResumableRow> { resumable::find(s, uuid(number)).await }))
        .await
        .unwrap()
}

async fn advance(db: &Db, id: i64, pieces: Vec<Uuid>, way: (i64, i64)) -> bool {
    let op = op!(Write |s, id: i64, pieces: Vec<Uuid>, way: (i64, i64)| -> bool {
        resumable::advance(s, id, &pieces, way, NOW.plus_seconds(99)).await
    });
    db.run(op).await.unwrap()
}

both! {
    async fn pieces_count_from_where_the_upload_stands(db: &Db) {
        let id = begun(db, 1, 60, 3).await;
        assert!(!advance(db, id, vec![uuid(101)], (10, 20)).await, "there is a gap");
        assert!(advance(db, id, vec![uuid(100)], (0, 10)).await);
        assert!(!advance(db, id, vec![uuid(102)], (0, 10)).await, "somebody else was there first");
        assert!(advance(db, id, vec![uuid(101)], (10, 20)).await);
        let found = find(db, 1).await.unwrap();
        assert_eq!((found.received, found.size, found.object), (20, 30, None));
        assert_eq!(found.expires_at, NOW.plus_seconds(99));
        let stored = op!(Read |s, id: i64| -> Vec<Piece> { resumable::stored(s, id).await });
        assert_eq!(db.run(stored).await.unwrap(), [piece(100, 0), piece(101, 10)]);
        assert!(find(db, 2).await.is_none());
    }

    async fn an_upload_becomes_an_object_once(db: &Db) {
        let id = begun(db, 1, 60, 2).await;
        let complete = |object: u128| op!(Write |s, id: i64, object: u128| -> Option<usize> {
            Ok(resumable::complete(s, id, uuid(object)).await?.map(|pieces| pieces.len()))
        });
        assert_eq!(db.run(complete(7)).await.unwrap(), Some(2), "pieces that never counted have to go as well");
        assert_eq!(db.run(complete(8)).await.unwrap(), None);
        let found = find(db, 1).await.unwrap();
        assert_eq!((found.received, found.object), (30, Some(uuid(7))));
        assert!(!advance(db, id, vec![], (30, 30)).await);
    }

    async fn what_is_over_is_found_and_forgotten(db: &Db) {
        let old = begun(db, 1, 10, 2).await;
        begun(db, 2, 60, 1).await;
        let expired = |now: Timestamp| op!(Point |s, now: Timestamp| -> Vec<i64> { resumable::expired(s, now, 9).await });
        assert_eq!(db.run(expired(NOW.plus_seconds(30))).await.unwrap(), [old]);
        let forget = op!(Write |s, old: i64| -> Vec<Uuid> {
            resumable::drop_pieces(s, &[uuid(100)]).await?;
            resumable::delete(s, old).await
        });
        assert_eq!(db.run(forget).await.unwrap(), [uuid(101)]);
        assert!(find(db, 1).await.is_none());
        assert!(find(db, 2).await.is_some());
        assert!(db.run(expired(NOW.plus_seconds(30))).await.unwrap().is_empty());
    }
}
