//! The whole server, as its users and its operator meet it, on both ways to run it.

mod attacks;
mod crash;
mod document;
mod example;
mod faults;
mod flows;
mod golden;
mod invites;
mod labels;
mod modes;
mod organisations;
mod public;
mod resumable;
mod search;
mod sync;

/// Makes a test of every backend from a function that takes a running server.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod on_sqlite_and_files { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(testkit::Backend::SqliteFiles).await;
            }
        )+ }
        mod on_postgresql_and_s3 { $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(testkit::Backend::PostgresS3).await;
            }
        )+ }
    };
}
pub(crate) use on_both;
