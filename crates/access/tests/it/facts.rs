//! Short ways to say facts.

use access::{Actions, Chain, Grant, GrantKind, Node, PermissionSet, Principal, Subject, Window};
use domain::{GroupId, ItemId, PersonId, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp(1_000);
pub(crate) const KIM: PersonId = PersonId(1);
pub(crate) const LEE: PersonId = PersonId(2);
pub(crate) const TEAM: Principal = Principal::Group(GroupId(7));

pub(crate) const FILE: ItemId = ItemId(3);
pub(crate) const FOLDER: ItemId = ItemId(2);
pub(crate) const ROOT: ItemId = ItemId(1);

/// A file in a folder in a root: the facts most rules need.
pub(crate) struct Facts {
    pub(crate) file: Node,
    pub(crate) folder: Node,
    pub(crate) root: Node,
}

pub(crate) fn facts() -> Facts {
    Facts {
        file: Node::file(FILE),
        folder: Node::folder(FOLDER),
        root: Node::folder(ROOT),
    }
}

impl Facts {
    pub(crate) fn of_file(&self) -> Chain {
        Chain::new(vec![self.file.clone(), self.folder.clone(), self.root.clone()]).unwrap()
    }

    pub(crate) fn of_folder(&self) -> Chain {
        Chain::new(vec![self.folder.clone(), self.root.clone()]).unwrap()
    }

    pub(crate) fn on_file(&self, subject: &Subject) -> Actions {
        access::actions(subject, &self.of_file(), NOW)
    }

    pub(crate) fn on_folder(&self, subject: &Subject) -> Actions {
        access::actions(subject, &self.of_folder(), NOW)
    }
}

pub(crate) fn kim() -> Subject {
    Subject::person(KIM, [TEAM], [])
}

pub(crate) fn add(principal: Principal, actions: Actions) -> Grant {
    Grant {
        principal,
        actions,
        kind: GrantKind::Add,
        window: Window::ALWAYS,
    }
}

pub(crate) fn set(principal: Principal, set: PermissionSet) -> Grant {
    Grant {
        kind: GrantKind::Set,
        ..add(principal, set.actions())
    }
}

pub(crate) fn removal(principal: Principal) -> Grant {
    Grant {
        kind: GrantKind::Set,
        ..add(principal, Actions::NONE)
    }
}

pub(crate) const KIMS: Principal = Principal::Person(KIM);

pub(crate) fn window(opens: impl Into<Option<i64>>, closes: impl Into<Option<i64>>) -> Window {
    Window {
        opens: opens.into().map(Timestamp),
        closes: closes.into().map(Timestamp),
    }
}
