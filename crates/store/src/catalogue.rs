//! The catalogue: every statement of the program, by name.

/// A statement: one text for both databases, or one for each.
///
/// Parameters are `$1`, `$2`, … numbered in order of first appearance, so that one text binds alike in both drivers.
#[derive(Debug)]
pub struct Statement {
    /// For logs, plans and budgets.
    pub name: &'static str,
    /// The text for SQLite.
    pub sqlite: std::borrow::Cow<'static, str>,
    /// The text for PostgreSQL.
    pub postgres: std::borrow::Cow<'static, str>,
}

/// Declares statements: `NAME: "text"` for both databases, `NAME: { sqlite: "…", postgres: "…" }` where they must
/// differ; `NAME: (concat!(…))` for a text that is put together. All statements of a module are in its `STATEMENTS`.
macro_rules! sql {
    ($($(#[$doc:meta])* $name:ident : $text:tt ;)*) => {
        $(
            $(#[$doc])*
            pub(crate) static $name: $crate::Statement = $crate::catalogue::statement!($name, $text);
        )*
        pub(crate) static STATEMENTS: &[&$crate::Statement] = &[$(&$name),*];
    };
}
macro_rules! statement {
    ($name:ident, { sqlite: $sqlite:expr, postgres: $postgres:expr $(,)? }) => {
        $crate::Statement {
            name: stringify!($name),
            sqlite: std::borrow::Cow::Borrowed($sqlite),
            postgres: std::borrow::Cow::Borrowed($postgres),
        }
    };
    ($name:ident, ($text:expr)) => {
        $crate::catalogue::statement!($name, { sqlite: $text, postgres: $text })
    };
    ($name:ident, $text:literal) => {
        $crate::Statement {
            name: stringify!($name),
            sqlite: std::borrow::Cow::Borrowed($text),
            postgres: std::borrow::Cow::Borrowed($text),
        }
    };
}
pub(crate) use {sql, statement};

/// Every statement of the program.
pub fn all() -> impl Iterator<Item = &'static Statement> {
    [
        crate::access_facts::STATEMENTS,
        crate::audit::STATEMENTS,
        crate::buckets::STATEMENTS,
        crate::collaboration_labels::STATEMENTS,
        crate::collaborations::STATEMENTS,
        crate::files::STATEMENTS,
        crate::grants::STATEMENTS,
        crate::invitations::STATEMENTS,
        crate::invites::STATEMENTS,
        crate::labels::STATEMENTS,
        crate::lifecycle::STATEMENTS,
        crate::organisations::STATEMENTS,
        crate::outbox::STATEMENTS,
        crate::people::STATEMENTS,
        crate::resumable::STATEMENTS,
        crate::public::STATEMENTS,
        crate::recipients::STATEMENTS,
        crate::services::STATEMENTS,
        crate::sync::STATEMENTS,
        crate::synced::STATEMENTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    /// Parameters must be numbered by first appearance: SQLite numbers `$name` parameters that way, PostgreSQL by the
    /// number itself.
    #[test]
    fn parameters_are_numbered_in_order_of_first_appearance() {
        for statement in super::all() {
            for text in [&statement.sqlite, &statement.postgres] {
                let mut highest = 0;
                for part in text.split('$').skip(1) {
                    let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
                    let number: usize = digits.parse().unwrap_or_else(|_| panic!("{}: ${part}", statement.name));
                    assert!(
                        number <= highest + 1,
                        "{}: ${number} before ${}",
                        statement.name,
                        highest + 1
                    );
                    highest = highest.max(number);
                }
            }
        }
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = super::all().map(|statement| statement.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(count > 20);
    }
}
