//! SQL on SQLite and PostgreSQL: one body per operation, one catalogue of statements.
