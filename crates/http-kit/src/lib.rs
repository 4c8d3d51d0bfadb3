//! What every dialect needs of HTTP.

mod answer;
pub mod conditional;
pub mod disposition;
mod headers;
mod metrics;
pub mod range;
