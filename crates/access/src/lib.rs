//! The access decision: pure, without I/O, clock or async.
//!
//! Facts go in (who asks, the item with its ancestors and their grants, the time), a decision comes out: the set of
//! [`Actions`] a subject may take ([`actions`]), a proof that one of them was allowed ([`authorise`]), the grants that
//! made it ([`explain`]), or the rows that a change of sharing has to write ([`plan`]).
//!
//! ```
//! use access::{Actions, Chain, Grant, GrantKind, Node, PermissionSet, Principal, Subject, Window, actions};
//! use domain::{ItemId, PersonId, Timestamp};
//!
//! let kim = PersonId(7);
//! let mut folder = Node::folder(ItemId(1));
//! folder.grants.push(Grant {
//!     principal: Principal::Person(kim),
//!     actions: PermissionSet::Download.actions(),
//!     kind: GrantKind::Set,
//!     window: Window::ALWAYS,
//! });
//! let chain = Chain::new(vec![Node::file(ItemId(2)), folder]).unwrap();
//! let subject = Subject::person(kim, [], []);
//! assert_eq!(actions(&subject, &chain, Timestamp(0)), Actions::VIEW | Actions::PRINT | Actions::DOWNLOAD);
//! ```
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

pub mod plan;

mod actions;
mod bundles;
mod chain;
mod decide;
mod explain;
mod grant;
mod principal;
mod right;
mod scope;
mod subject;

pub use actions::{Action, Actions};
pub use bundles::{PermissionCode, PermissionSet};
pub use chain::{Chain, ItemKind, Node};
pub use decide::{Decision, actions, decide, sees_in_bin};
pub use explain::{Explanation, Step, Warning, explain};
pub use grant::{Grant, GrantKind, Window};
pub use principal::Principal;
pub use right::{
    Authorised, CodeCreate, CodeDelete, CodeManage, CodeRead, CodeUpdate, CreateFile, CreateSubfolder, Denied, InBin,
    Manage, Own, Print, Read, Relocate, Remove, Rename, Right, See, View, ViewOther, Write, authorise,
    authorise_in_bin,
};
pub use scope::{OutsideScope, TokenScope, covers, units_of_new_collaboration};
pub use subject::Subject;
