//! What every dialect needs of HTTP: the route table and the edge that serves it, answers, ranges, conditions, file
//! names and counters.
//!
//! A dialect gives a table of [`Route`]s and says how it spells failures ([`Dialect`]); [`router`] does the rest.

mod answer;
mod call;
pub mod conditional;
pub mod disposition;
mod edge;
mod headers;
mod metrics;
pub mod range;
mod rest;
mod route;
mod table;

pub use answer::Answer;
pub use call::{Call, JSON_LIMIT};
pub use edge::{Asked, Dialect, Mount, Refusal, router};
pub use metrics::Metrics;
pub use route::{Authentication, Needs, On, Route};
pub use table::check;
