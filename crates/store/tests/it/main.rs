//! One suite for both databases: every test body runs on SQLite and on PostgreSQL.

mod awkward;
mod buckets;
mod facts;
mod files;
mod grants;
mod group_commit;
mod harness;
mod interruptions;
mod invites;
mod kept;
mod labels;
mod outbox;
mod parameters;
mod people;
mod plans;
mod public;
mod readable;
mod recorder;
mod resumable;
mod schema;
mod seed;
mod sync;
mod transactions;
