//! The organisations API: routes, requests, answers, the contract's spelling.
//!
//! A handler reads its request, calls one use case and spells the answer. A request that cannot be read is told so only to
//! those who reach what it is about ([`input::or_check`]).

mod collaborations;
mod groups;
mod image;
mod input;
mod invitations;
mod organisation;
mod problem;
mod routes;
mod services;
mod view;

pub use problem::{Failure, Organisations};
pub use routes::{MOUNTS, router_with_metrics, routes};
