//! The access decision: pure, without I/O, clock or async.
