//! A naive reference model of the access decision, written to be obviously right.
