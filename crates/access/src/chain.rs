//! The facts about an item: itself and its ancestors, with their grants.

use domain::{ClassificationId, CollaborationId, ItemId, OrganisationId, PersonId, UnitId};

use crate::{Actions, Grant, Window};

/// What an item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ItemKind {
    /// A file: content with versions.
    File = 1,
    /// A folder: holds files and folders. Buckets and drives are folders.
    Folder = 2,
}

impl ItemKind {
    /// The number a store keeps.
    pub const fn id(self) -> i64 {
        self as i64
    }

    /// The kind for a stored number.
    pub const fn from_id(id: i64) -> Option<Self> {
        match id {
            1 => Some(Self::File),
            2 => Some(Self::Folder),
            _ => None,
        }
    }

    /// The actions that mean nothing on this kind and are dropped there.
    pub const fn meaningless(self) -> Actions {
        match self {
            Self::File => Actions::CREATE_FOLDER.union(Actions::REMOVE_FOLDER),
            Self::Folder => Actions::NONE,
        }
    }
}

/// One item as the decision needs to know it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a column of its own, and they combine freely"
)]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Which item.
    pub item: ItemId,
    /// File or folder.
    pub kind: ItemKind,
    /// Whether anything flows into it from above. A bucket mounted below another one does not inherit.
    pub inherits: bool,
    /// Whom it belongs to.
    pub owner: Option<PersonId>,
    /// Blocked by an organisation administrator, for the owner too.
    pub disabled: bool,
    /// Gone for good; only its properties are kept.
    pub deleted: bool,
    /// In its owner's bin.
    pub recycled: bool,
    /// When a file's content may be reached by others than its owner. Ignored on folders: they have none.
    pub share_window: Window,
    /// The classification of a file. Ignored on folders: they have none.
    pub classification: Option<ClassificationId>,
    /// On a root: the collaboration, and its organisation, whose drive this is.
    pub collaboration: Option<(CollaborationId, OrganisationId)>,
    /// On the drive of a collaboration: the collaboration's units.
    pub units: Vec<UnitId>,
    /// The grants on the item. For a decision those of the caller's principals suffice; a plan needs all of them.
    pub grants: Vec<Grant>,
}

impl Node {
    /// A file without owner, limits or grants, that inherits.
    pub const fn file(item: ItemId) -> Self {
        Self {
            item,
            kind: ItemKind::File,
            inherits: true,
            owner: None,
            disabled: false,
            deleted: false,
            recycled: false,
            share_window: Window::ALWAYS,
            classification: None,
            collaboration: None,
            units: Vec::new(),
            grants: Vec::new(),
        }
    }

    /// A folder without owner, limits or grants, that inherits.
    pub const fn folder(item: ItemId) -> Self {
        let mut folder = Self::file(item);
        folder.kind = ItemKind::Folder;
        folder
    }
}

/// An item and its ancestors up to its root: never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    item: Node,
    above: Vec<Node>,
}

impl Chain {
    /// From the item first to its root last; `None` without any.
    pub fn new(nodes: Vec<Node>) -> Option<Self> {
        let mut nodes = nodes.into_iter();
        let item = nodes.next()?;
        Some(Self {
            item,
            above: nodes.collect(),
        })
    }

    /// The item itself.
    pub const fn item(&self) -> &Node {
        &self.item
    }

    /// The parent first, the root last; empty if the item is a root.
    pub fn ancestors(&self) -> &[Node] {
        &self.above
    }

    /// The parent folder.
    pub fn parent(&self) -> Option<&Node> {
        self.above.first()
    }

    /// The last ancestor, or the item itself if it is a root.
    pub fn root(&self) -> &Node {
        self.path().root()
    }

    /// The item first, the root last.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> + Clone {
        self.path().nodes()
    }

    /// The item and the ancestors from which anything flows into it: up to the first that does not inherit.
    pub fn reach(&self) -> impl Iterator<Item = &Node> + Clone {
        self.path().reach()
    }

    pub(crate) fn path(&self) -> Path<'_> {
        Path {
            item: &self.item,
            above: &self.above,
        }
    }
}

/// A borrowed chain, so that the chain of an ancestor costs nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    pub(crate) item: &'a Node,
    pub(crate) above: &'a [Node],
}

impl<'a> Path<'a> {
    pub(crate) fn parent(self) -> Option<Self> {
        let (item, above) = self.above.split_first()?;
        Some(Self { item, above })
    }

    /// The paths of the ancestors, the parent's first.
    pub(crate) fn parents(self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.parent(), |path| path.parent())
    }

    pub(crate) fn root(self) -> &'a Node {
        self.above.last().unwrap_or(self.item)
    }

    pub(crate) fn nodes(self) -> impl Iterator<Item = &'a Node> + Clone {
        std::iter::once(self.item).chain(self.above)
    }

    pub(crate) fn reach(self) -> impl Iterator<Item = &'a Node> + Clone {
        let mut open = true;
        self.nodes()
            .take_while(move |node| std::mem::replace(&mut open, node.inherits))
    }

    /// What flows into the item: the reach of the parent, if the item inherits.
    pub(crate) fn reach_above(self) -> impl Iterator<Item = &'a Node> + Clone {
        self.reach().skip(1)
    }
}
