//! Everything that is thrown at the crate from outside, in one test program.

mod attacks;
mod built_in;
mod forge;
mod issuer_keys;
mod mapping;
mod passwords;
mod provider;
mod server;
