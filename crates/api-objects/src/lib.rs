//! The objects API: routes, requests, answers, the contract's spelling.
//!
//! A handler reads its request, passes the guards, calls one use case and spells the answer. Rules live in the use
//! cases; SQL lives below them.

mod buckets;
mod info;
mod invites;
mod labels;
mod objects;
mod openapi;
mod permissions;
mod problem;
mod routes;
mod rows;
mod sync;
mod uploads;
mod users;
mod validate;
mod versions;

pub use info::describe;
pub use openapi::document;
pub use problem::{Failure, Objects};
pub use routes::{router, router_with_metrics, routes};
pub use validate::Faults;

use validate::rules::{self, Checked};

/// The name of an identity provider; `azureidir` is the old name of `idir` (sections 1.5 and 4.10).
fn identity_provider(limit: usize) -> impl Fn(&str) -> Checked<String> {
    let text = rules::text(limit);
    move |name| text(if name == "azureidir" { "idir" } else { name })
}
