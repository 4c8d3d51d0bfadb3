//! The core against the model: random worlds and histories, and the worked examples of the sharing contract.

mod both;
mod changes;
mod examples;
mod property;
mod tree;
