//! The two APIs' named bundles of actions: permission sets (sharing API) and permission codes (objects API).

use crate::{Actions, ItemKind};

/// A permission set of the sharing API (contract 1.4). The sets form a chain: each includes the one before it in
/// [`PermissionSet::ALL`]. The ids are not in the order of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum PermissionSet {
    /// See it.
    View = 1,
    /// See, print and fetch it.
    Download = 2,
    /// All of [`PermissionSet::Upload`], and change, rename, move and delete.
    Modify = 3,
    /// All of [`PermissionSet::Download`], see the collaborators and add files and folders.
    Upload = 5,
    /// All of [`PermissionSet::Modify`], and share.
    Manage = 6,
}

impl PermissionSet {
    /// Every set, the weakest first.
    pub const ALL: [Self; 5] = [Self::View, Self::Download, Self::Upload, Self::Modify, Self::Manage];

    /// The set with this id of the sharing API, if there is one.
    pub fn from_id(id: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.id() == id)
    }

    /// The id in the sharing API.
    pub const fn id(self) -> i64 {
        self as i64
    }

    /// The actions the set stands for.
    pub const fn actions(self) -> Actions {
        match self {
            Self::View => Actions::VIEW,
            Self::Download => Self::View.actions().union(Actions::PRINT).union(Actions::DOWNLOAD),
            Self::Upload => Self::Download
                .actions()
                .union(Actions::VIEW_OTHER)
                .union(Actions::UPLOAD_FILE)
                .union(Actions::CREATE_FOLDER),
            Self::Modify => Self::Upload
                .actions()
                .union(Actions::UPDATE)
                .union(Actions::RENAME)
                .union(Actions::REMOVE_FILE)
                .union(Actions::REMOVE_FOLDER)
                .union(Actions::MOVE),
            Self::Manage => Self::Modify.actions().union(Actions::SHARE),
        }
    }

    /// The most powerful set that is wholly within `actions`, if any is.
    pub fn largest_in(actions: Actions) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|set| actions.includes(set.actions()))
    }

    /// The same for the actions on an item of this kind: what means nothing on a file is not missed there.
    pub fn largest_on(kind: ItemKind, actions: Actions) -> Option<Self> {
        Self::largest_in(actions | kind.meaningless())
    }
}

/// A permission code of the objects API (contract 3.1). Codes are independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PermissionCode {
    /// Upload, and create child buckets.
    Create,
    /// Read.
    Read,
    /// Change content, metadata, tags and name.
    Update,
    /// Delete.
    Delete,
    /// Decide who has access.
    Manage,
}

impl PermissionCode {
    /// Every code, in the order of the contract.
    pub const ALL: [Self; 5] = [Self::Create, Self::Read, Self::Update, Self::Delete, Self::Manage];

    /// What granting the code gives.
    pub const fn actions(self) -> Actions {
        match self {
            Self::Create => Actions::UPLOAD_FILE.union(Actions::CREATE_FOLDER),
            Self::Read => Actions::VIEW.union(Actions::PRINT).union(Actions::DOWNLOAD),
            Self::Update => Actions::UPDATE.union(Actions::RENAME),
            Self::Delete => Actions::REMOVE_FILE.union(Actions::REMOVE_FOLDER),
            Self::Manage => Actions::SHARE.union(Actions::VIEW_OTHER).union(Actions::MOVE),
        }
    }

    /// The one action whose presence shows the code, and which a route that asks for the code requires.
    pub const fn shown_by(self) -> Actions {
        match self {
            Self::Create => Actions::UPLOAD_FILE,
            Self::Read => Actions::DOWNLOAD,
            Self::Update => Actions::UPDATE,
            Self::Delete => Actions::REMOVE_FILE,
            Self::Manage => Actions::SHARE,
        }
    }

    /// The code as the contract spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Read => "READ",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Manage => "MANAGE",
        }
    }

    /// The code for its spelling: upper case only (contract 2.7).
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }

    /// The codes to show for a caller who may take `actions`, in the order of the contract.
    pub fn shown_in(actions: Actions) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .filter(move |code| actions.includes(code.shown_by()))
    }
}
