//! The sentences of the access model, one test each, and the tables of the contracts.

mod explanations;
mod facts;
mod proofs;
mod rules;
mod translations;
mod units;
