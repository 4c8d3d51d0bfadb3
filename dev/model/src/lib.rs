//! A naive reference model of the access decision, written to be obviously right.
//!
//! A [`World`] is a handful of ordered maps. What somebody may do is said by recursion from the root down, one
//! sentence of the access model after the other; a change is made by changing the maps. Nothing here is fast and
//! nothing calls the functions of the core: only its types are shared, so that answers can be compared.
//!
//! [`World::random`] builds worlds for tests that compare the core, or what a database answers, with the model.

mod changes;
mod decision;
mod random;
mod seam;
mod world;

pub use changes::{Refusal, Wanted};
pub use random::Random;
pub use world::{Collaboration, Item, Person, Row, Token, Who, World};
