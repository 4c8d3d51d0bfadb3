//! Answers to short reads, kept for as long as the database does not change.
//!
//! A request asks for the same few rows as the one before it: the facts about an item and a person, the row of a version.
//! SQLite tells for the price of a look into shared memory whether any connection, of any process, has committed since
//! (`PRAGMA data_version`); while none has, the rows are what they were. So a right that is taken back is gone for the very
//! next request, and a server that mostly reads hardly runs statements.

use std::{borrow::Cow, collections::HashMap, mem, sync::Arc};

use rusqlite::{Statement as Prepared, types::Value as Kept};

use crate::{Statement, Value};

/// The rows of one answer.
pub(super) type Rows = Arc<[Box<[Kept]>]>;

/// A statement of the catalogue, by the place of its text, with its parameters.
pub(super) type Key = Box<[u8]>;

/// How many answers are kept before the older half is given up.
const ANSWERS: usize = 2048;
/// An answer of more rows is a list, not a short read.
const ROWS: usize = 64;

/// What a connection answered since the database changed.
#[derive(Default)]
pub(super) struct Answers {
    version: i64,
    new: HashMap<Key, Rows>,
    old: HashMap<Key, Rows>,
}

impl Answers {
    /// Gives up what was answered when the database had another version.
    pub(super) fn hold_at(&mut self, version: i64) {
        if version != self.version {
            self.version = version;
            self.new.clear();
            self.old.clear();
        }
    }

    /// The key of an answer; none for a statement that was composed, whose text may lie anywhere.
    pub(super) fn key(statement: &Statement, values: &[Value<'_>]) -> Option<Key> {
        let Cow::Borrowed(text) = statement.sqlite else {
            return None;
        };
        let mut key = Vec::with_capacity(64);
        key.extend_from_slice(&text.as_ptr().addr().to_ne_bytes());
        for value in values {
            encode(*value, &mut key)?;
        }
        Some(key.into_boxed_slice())
    }

    pub(super) fn get(&mut self, key: &Key) -> Option<Rows> {
        if let Some(rows) = self.new.get(key) {
            return Some(Arc::clone(rows));
        }
        let (key, rows) = self.old.remove_entry(key)?;
        self.keep(key, &rows);
        Some(rows)
    }

    pub(super) fn keep(&mut self, key: Key, rows: &Rows) {
        if rows.len() > ROWS {
            return;
        }
        if self.new.len() >= ANSWERS / 2 {
            self.old = mem::take(&mut self.new);
        }
        self.new.insert(key, Arc::clone(rows));
    }
}

/// Writes a parameter so that no two of them read alike: its kind, its length where that varies, its bytes. Lists are not
/// keys.
fn encode(value: Value<'_>, key: &mut Vec<u8>) -> Option<()> {
    let mut add = |kind: u8, bytes: &[u8]| {
        key.push(kind);
        key.extend_from_slice(bytes);
    };
    let sized = |bytes: &[u8]| [&bytes.len().to_ne_bytes(), bytes].concat();
    match value {
        Value::Null(_) => add(0, &[]),
        Value::Int(number) => add(1, &number.to_ne_bytes()),
        Value::Flag(flag) => add(2, &[flag.into()]),
        Value::Uuid(uuid) => add(3, uuid.as_bytes()),
        Value::Text(text) => add(4, &sized(text.as_bytes())),
        Value::Bytes(bytes) => add(5, &sized(bytes)),
        Value::Ints(_) | Value::Texts(_) | Value::Uuids(_) => return None,
    }
    Some(())
}

/// Reads all rows of a statement whose parameters are bound.
pub(super) fn read(prepared: &mut Prepared<'_>) -> Result<Rows, rusqlite::Error> {
    let columns = prepared.column_count();
    let mut rows = prepared.raw_query();
    let mut answer = Vec::new();
    while let Some(row) = rows.next()? {
        answer.push((0..columns).map(|column| row.get(column)).collect::<Result<_, _>>()?);
    }
    Ok(answer.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(number: i64) -> Rows {
        vec![vec![Kept::Integer(number)].into_boxed_slice()].into()
    }

    fn key(number: usize) -> Key {
        number.to_ne_bytes().into()
    }

    #[test]
    fn nothing_survives_another_version() {
        let mut answers = Answers::default();
        answers.hold_at(1);
        answers.keep(key(1), &rows(1));
        answers.hold_at(1);
        assert_eq!(answers.get(&key(1)), Some(rows(1)));
        answers.hold_at(2);
        assert_eq!(answers.get(&key(1)), None);
        answers.hold_at(1);
        assert_eq!(answers.get(&key(1)), None);
    }

    #[test]
    fn what_is_asked_for_stays_and_the_number_is_bounded() {
        let mut answers = Answers::default();
        for number in 0..3 * ANSWERS {
            answers.keep(key(number), &rows(1));
            assert!(answers.get(&key(0)).is_some(), "asked for each time");
        }
        assert!(answers.new.len() + answers.old.len() <= ANSWERS);
        assert!(answers.get(&key(1)).is_none(), "never asked for again");
    }

    #[test]
    fn parameters_that_differ_give_other_keys() {
        static STATEMENT: Statement = Statement {
            name: "ONE",
            sqlite: Cow::Borrowed("SELECT 1"),
            postgres: Cow::Borrowed("SELECT 1"),
        };
        let of = |values: &[Value<'_>]| Answers::key(&STATEMENT, values);
        let keys = [
            of(&[Value::Text("ab"), Value::Text("c")]),
            of(&[Value::Text("a"), Value::Text("bc")]),
            of(&[Value::Int(1)]),
            of(&[Value::Flag(true)]),
            of(&[Value::Null(crate::Type::Int)]),
            of(&[]),
        ];
        for (at, one) in keys.iter().enumerate() {
            assert!(one.is_some() && keys.iter().skip(at + 1).all(|other| other != one));
        }
        assert_eq!(of(&[Value::Ints(&[1])]), None);
        let composed = Statement {
            name: "TWO",
            sqlite: Cow::Owned("SELECT 2".into()),
            postgres: Cow::Owned("SELECT 2".into()),
        };
        assert_eq!(Answers::key(&composed, &[]), None);
    }
}
