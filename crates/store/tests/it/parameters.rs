//! Parameters and columns of every kind come back as they went in.

use store::{Row, StoreError, Value};
use uuid::Uuid;

use crate::{
    awkward,
    harness::{both, op, split, statement, uuid},
};

const NUMBERS: [i64; 9] = [
    i64::MIN,
    i64::MIN + 1,
    i32::MIN as i64 - 1,
    -1,
    0,
    1,
    u32::MAX as i64 + 1,
    i64::MAX - 1,
    i64::MAX,
];

fn first<T: store::Column>(row: &Row<'_>) -> Result<T, StoreError> {
    row.get(0)
}

both! {
    async fn texts(db: &Db) {
        let op = op!(Read |s| -> () {
            let same = statement("SELECT CAST($1 AS TEXT)");
            for text in awkward::texts() {
                assert_eq!(s.one(&same, &[(&text).into()], first::<String>).await?, text);
            }
            let none: Option<&str> = None;
            assert_eq!(s.one(&same, &[none.into()], first::<Option<String>>).await?, None);
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn numbers(db: &Db) {
        let op = op!(Read |s| -> () {
            let same = statement("SELECT CAST($1 AS BIGINT)");
            for number in NUMBERS {
                assert_eq!(s.one(&same, &[number.into()], first::<i64>).await?, number);
            }
            let none: Option<i64> = None;
            assert_eq!(s.one(&same, &[none.into()], first::<Option<i64>>).await?, None);
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn flags_uuids_and_bytes(db: &Db) {
        let op = op!(Write |s| -> () {
            let same = split("SELECT $1", "SELECT CAST($1 AS BOOLEAN)");
            for flag in [true, false] {
                assert_eq!(s.one(&same, &[flag.into()], first::<bool>).await?, flag);
            }
            assert_eq!(s.one(&same, &[None::<bool>.into()], first::<Option<bool>>).await?, None);

            let same = split("SELECT $1", "SELECT CAST($1 AS UUID)");
            for id in [uuid(0), uuid(1), uuid(u128::MAX), uuid(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10)] {
                assert_eq!(s.one(&same, &[id.into()], first::<Uuid>).await?, id);
            }
            assert_eq!(s.one(&same, &[None::<Uuid>.into()], first::<Option<Uuid>>).await?, None);

            let same = split("SELECT $1", "SELECT CAST($1 AS BYTEA)");
            let all: Vec<u8> = (0..=255).collect();
            for bytes in [&[][..], &[0], &all] {
                assert_eq!(s.one(&same, &[bytes.into()], first::<Vec<u8>>).await?, bytes);
            }
            assert_eq!(s.one(&same, &[None::<&[u8]>.into()], first::<Option<Vec<u8>>>).await?, None);
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn lists(db: &Db) {
        let op = op!(Read |s| -> () {
            let texts = split("SELECT value FROM json_each($1) ORDER BY key", "SELECT unnest(CAST($1 AS TEXT[]))");
            let numbers = split("SELECT value FROM json_each($1) ORDER BY key", "SELECT unnest(CAST($1 AS BIGINT[]))");
            let uuids =
                split("SELECT unhex(value) FROM json_each($1) ORDER BY key", "SELECT unnest(CAST($1 AS UUID[]))");
            let all = awkward::texts();
            assert_eq!(s.fetch(&texts, &[Value::Texts(&all)], first::<String>).await?, all);
            assert_eq!(s.fetch(&texts, &[Value::Texts(&[])], first::<String>).await?, Vec::<String>::new());
            assert_eq!(s.fetch(&numbers, &[Value::Ints(&NUMBERS)], first::<i64>).await?, NUMBERS);
            assert_eq!(s.fetch(&numbers, &[Value::Ints(&[])], first::<i64>).await?, Vec::<i64>::new());
            let all: Vec<Uuid> = [0, 1, u128::MAX, 1 << 127].map(uuid).into();
            assert_eq!(s.fetch(&uuids, &[Value::Uuids(&all)], first::<Uuid>).await?, all);
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    /// By position, as the statements that insert several rows read their parallel lists.
    async fn elements_of_lists(db: &Db) {
        let op = op!(Read |s| -> () {
            let texts = split(
                "SELECT $1 ->> n.key, $2 ->> n.key FROM json_each($1) n",
                "SELECT a, b FROM unnest($1::text[], $2::bigint[]) t (a, b)",
            );
            let all = awkward::texts();
            let numbers: Vec<i64> = NUMBERS.into_iter().cycle().take(all.len()).collect();
            let read = |row: &Row<'_>| Ok((row.get::<String>(0)?, row.get::<i64>(1)?));
            let pairs = s.fetch(&texts, &[Value::Texts(&all), Value::Ints(&numbers)], read).await?;
            assert_eq!(pairs, all.into_iter().zip(numbers).collect::<Vec<_>>());
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    /// PostgreSQL has no such text, so SQLite must not have it either.
    async fn a_text_with_a_null_character_is_refused(db: &Db) {
        let list = op!(Read |s| -> String {
            let list = ["a\0b".to_owned()];
            let text = split("SELECT value FROM json_each($1)", "SELECT unnest(CAST($1 AS TEXT[]))");
            s.one(&text, &[Value::Texts(&list)], first::<String>).await
        });
        let one = op!(Read |s| -> String {
            s.one(&statement("SELECT CAST($1 AS TEXT)"), &["a\0b".into()], first::<String>).await
        });
        assert!(matches!(db.run(one).await, Err(StoreError::Driver(_))));
        assert!(matches!(db.run(list).await, Err(StoreError::Driver(_))));
    }

    async fn a_column_of_another_type_is_unexpected_data(db: &Db) {
        let op = op!(Point |s| -> () {
            let one = statement("SELECT 'x', CAST(NULL AS BIGINT)");
            for outcome in [
                s.one(&one, &[], |row| row.get::<i64>(0).map(drop)).await,
                s.one(&one, &[], |row| row.get::<i64>(1).map(drop)).await,
                s.one(&one, &[], |row| row.get::<Uuid>(1).map(drop)).await,
                s.one(&one, &[], |row| row.get::<i64>(2).map(drop)).await,
            ] {
                assert!(matches!(outcome, Err(StoreError::Data { .. })), "{outcome:?}");
            }
            let none = s.one(&statement("SELECT 'x' WHERE FALSE"), &[], first::<String>).await;
            assert!(matches!(none, Err(StoreError::Data { .. })), "{none:?}");
            Ok(())
        });
        db.run(op).await.unwrap();
    }

    async fn the_meter_counts_statements_and_rows(db: &Db) {
        let meter = std::sync::Arc::new(store::Meter::default());
        let op = op!(Read |s| -> () {
            let three = statement("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3");
            s.fetch(&three, &[], |_| Ok(())).await?;
            s.find(&statement("SELECT 1 WHERE FALSE"), &[], |_| Ok(())).await.map(drop)
        });
        db.store.run(op, &meter).await.unwrap();
        assert_eq!((meter.statements(), meter.rows()), (2, 3));
    }
}

/// A number for a text would be written as eight bytes of text.
#[tokio::test]
async fn postgres_refuses_a_parameter_of_another_type() {
    let Some(db) = crate::harness::Db::postgres().await else {
        return;
    };
    let op = op!(Point |s| -> () {
        let text = statement("SELECT CAST($1 AS TEXT)");
        let small = statement("SELECT CAST($1 AS INTEGER)");
        for (statement, value) in [
            (&text, Value::Int(1)),
            (&text, Value::Flag(true)),
            (&text, Value::Null(store::Type::Int)),
            (&small, Value::Int(1)),
            (&text, Value::Texts(&[])),
        ] {
            let outcome = s.fetch(statement, &[value], |_| Ok(())).await;
            assert!(matches!(outcome, Err(StoreError::Driver(_))), "{outcome:?}");
        }
        Ok(())
    });
    db.run(op).await.unwrap();
}
