//! Proof values: a decision as an argument, so that a forgotten check does not compile.

use std::fmt;
use std::marker::PhantomData;

use domain::{ItemId, Timestamp};

use crate::decide::owns;
use crate::{Actions, Chain, Decision, ItemKind, Subject, decide, sees_in_bin};

mod sealed {
    use crate::{Chain, Decision, Subject};

    pub trait Sealed {
        const NAME: &'static str;
        fn allows(decision: Decision, subject: &Subject, chain: &Chain) -> bool;
    }
}

/// What a route or a use case may require of a caller on an item. The implementations are the marker types of this
/// crate and no others.
pub trait Right: sealed::Sealed {}

macro_rules! rights {
    ($($(#[$doc:meta])* $marker:ident => $actions:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $marker;

        impl sealed::Sealed for $marker {
            const NAME: &'static str = stringify!($marker);

            fn allows(decision: Decision, _: &Subject, chain: &Chain) -> bool {
                let needed: fn(ItemKind) -> Actions = $actions;
                decision.actions.includes(needed(chain.item().kind))
            }
        }

        impl Right for $marker {}
    )*};
}

rights! {
    /// See a rendering of the content.
    View => |_| Actions::VIEW;
    /// Print it.
    Print => |_| Actions::PRINT;
    /// Fetch the content.
    Read => |_| Actions::DOWNLOAD;
    /// See who else has access.
    ViewOther => |_| Actions::VIEW_OTHER;
    /// Put a new file into this folder, or a new version on this file.
    CreateFile => |_| Actions::UPLOAD_FILE;
    /// Create a folder in this one.
    CreateSubfolder => |_| Actions::CREATE_FOLDER;
    /// Change content, metadata and tags.
    Write => |_| Actions::UPDATE;
    /// Change the name; in the sharing API also the gate of a file's versions (contract 1.5).
    Rename => |_| Actions::RENAME;
    /// Delete the item itself: a file as a file, a folder as a folder.
    Remove => |kind| match kind {
        ItemKind::File => Actions::REMOVE_FILE,
        ItemKind::Folder => Actions::REMOVE_FOLDER,
    };
    /// Give the item another parent folder.
    Relocate => |_| Actions::MOVE;
    /// Decide who has access.
    Manage => |_| Actions::SHARE;
    /// What the objects API requires as `CREATE`.
    CodeCreate => |_| crate::PermissionCode::Create.shown_by();
    /// What the objects API requires as `READ`.
    CodeRead => |_| crate::PermissionCode::Read.shown_by();
    /// What the objects API requires as `UPDATE`.
    CodeUpdate => |_| crate::PermissionCode::Update.shown_by();
    /// What the objects API requires as `DELETE`, on objects and on buckets alike.
    CodeDelete => |_| crate::PermissionCode::Delete.shown_by();
    /// What the objects API requires as `MANAGE`.
    CodeManage => |_| crate::PermissionCode::Manage.shown_by();
}

/// Know the item and read its properties: any access, also outside a file's share window (sharing contract 1.5, 1.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct See;

impl sealed::Sealed for See {
    const NAME: &'static str = "See";

    fn allows(decision: Decision, _: &Subject, _: &Chain) -> bool {
        decision.is_visible()
    }
}

impl Right for See {}

/// Be its owner, or the owner of an ancestor (sharing contract 1.5, "owner only"); the superuser counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Own;

impl sealed::Sealed for Own {
    const NAME: &'static str = "Own";

    fn allows(decision: Decision, subject: &Subject, chain: &Chain) -> bool {
        decision.is_visible() && (subject.is_superuser() || owns(subject, chain.path()))
    }
}

impl Right for Own {}

/// Find it in one's own bin. Not a [`Right`]: only [`authorise_in_bin`] proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InBin;

/// The proof that a subject was allowed `R` on an item, at one moment. It cannot be made outside this crate:
///
/// ```compile_fail,E0451
/// use access::{Actions, Authorised, Read};
/// let forged = Authorised::<Read> {
///     item: domain::ItemId(1),
///     decision: unreachable!(),
///     right: std::marker::PhantomData,
/// };
/// ```
///
/// and what it stands for cannot be widened by a right of one's own:
///
/// ```compile_fail,E0603
/// struct Everything;
/// impl access::right::sealed::Sealed for Everything {}
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Authorised<R> {
    item: ItemId,
    decision: Decision,
    right: PhantomData<R>,
}

impl<R> Authorised<R> {
    /// The item the proof is about.
    pub const fn item(&self) -> ItemId {
        self.item
    }

    /// Everything the subject may do with it at that moment.
    pub const fn actions(&self) -> Actions {
        self.decision.actions
    }

    /// The decision itself.
    pub const fn decision(&self) -> Decision {
        self.decision
    }
}

/// The subject may not do this with the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The item.
    pub item: ItemId,
    /// Whether the subject may know that it exists. A dialect that hides existence answers "not found" otherwise.
    pub visible: bool,
    /// The right that is missing, by the name of its marker.
    pub right: &'static str,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the right {} on item {} is missing", self.right, self.item)
    }
}

impl std::error::Error for Denied {}

/// A denial as an error for the caller: what may not be known is not found.
impl From<Denied> for domain::Error {
    fn from(denied: Denied) -> Self {
        let error = if denied.visible {
            Self::new(domain::Kind::Denied, "You are not allowed to do this.")
        } else {
            Self::new(domain::Kind::NotFound, "There is no such item.")
        };
        error.because(denied)
    }
}

/// Decides whether the subject has the right on the first item of the chain, and gives the proof.
pub fn authorise<R: Right>(subject: &Subject, chain: &Chain, now: Timestamp) -> Result<Authorised<R>, Denied> {
    let decision = decide(subject, chain, now);
    proof(R::allows(decision, subject, chain), R::NAME, decision, chain)
}

/// Decides whether the subject finds the item in their own bin, and gives the proof.
pub fn authorise_in_bin(subject: &Subject, chain: &Chain) -> Result<Authorised<InBin>, Denied> {
    proof(sees_in_bin(subject, chain), "InBin", Decision::default(), chain)
}

fn proof<R>(allowed: bool, right: &'static str, decision: Decision, chain: &Chain) -> Result<Authorised<R>, Denied> {
    let item = chain.item().item;
    if allowed {
        Ok(Authorised {
            item,
            decision,
            right: PhantomData,
        })
    } else {
        Err(Denied {
            item,
            visible: decision.is_visible(),
            right,
        })
    }
}
