//! Permissions of people and identity providers on buckets and objects (objects contract, sections 4.9 and 4.10).
//!
//! The eight searches and lists and the eight changes differ in two words: what the rows are about, and who they are
//! for. [`Kind`] is those two words.

pub(crate) mod grant;
pub(crate) mod list;
pub(crate) mod revoke;
pub(crate) mod search;

use app::{
    PermissionCode,
    permissions::{PermissionFilter, Principals, Target},
};
use uuid::Uuid;

use crate::{
    identity_provider,
    rows::Item,
    validate::{Fields, rules},
};

/// The codes by name, in the order that messages list them.
pub(crate) const CODES: [(&str, PermissionCode); 5] = [
    ("CREATE", PermissionCode::Create),
    ("READ", PermissionCode::Read),
    ("UPDATE", PermissionCode::Update),
    ("DELETE", PermissionCode::Delete),
    ("MANAGE", PermissionCode::Manage),
];

/// The name of a code.
pub(crate) const fn code_name(code: PermissionCode) -> &'static str {
    match code {
        PermissionCode::Create => "CREATE",
        PermissionCode::Read => "READ",
        PermissionCode::Update => "UPDATE",
        PermissionCode::Delete => "DELETE",
        PermissionCode::Manage => "MANAGE",
    }
}

/// Whom rows are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// People: `userId`.
    User,
    /// Identity providers: `idp`.
    IdentityProvider,
}

/// One of the four kinds of permission rows (section 2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) item: Item,
    pub(crate) holder: Holder,
}

impl Kind {
    pub(crate) const BUCKET_USER: Self = Self::new(Item::Bucket, Holder::User);
    pub(crate) const BUCKET_IDP: Self = Self::new(Item::Bucket, Holder::IdentityProvider);
    pub(crate) const OBJECT_USER: Self = Self::new(Item::Object, Holder::User);
    pub(crate) const OBJECT_IDP: Self = Self::new(Item::Object, Holder::IdentityProvider);

    const fn new(item: Item, holder: Holder) -> Self {
        Self { item, holder }
    }

    /// The name of the id in the path.
    const fn id(self) -> &'static str {
        match self.item {
            Item::Bucket => "bucketId",
            Item::Object => "objectId",
        }
    }

    fn target(self, id: Uuid) -> Target {
        match self.item {
            Item::Bucket => Target::Bucket(id),
            Item::Object => Target::Object(id),
        }
    }
}

/// The longest name of an identity provider.
const LONGEST: usize = 255;

impl Fields<'_> {
    /// `userId` or `idp`, as many as wanted, and `permCode`.
    fn permissions(&mut self, kind: Kind) -> PermissionFilter {
        let principals = match kind.holder {
            Holder::User => Principals::People(self.many("userId", rules::uuid4)),
            Holder::IdentityProvider => Principals::IdentityProviders(self.many("idp", identity_provider(LONGEST))),
        };
        self.of_principals(principals)
    }

    /// Exactly one plain `userId` or `idp`, and `permCode`.
    fn permissions_of_one(&mut self, kind: Kind) -> PermissionFilter {
        let principals = match kind.holder {
            Holder::User => Principals::People(self.required("userId", rules::uuid4).into_iter().collect()),
            Holder::IdentityProvider => {
                let name = self.required("idp", identity_provider(LONGEST));
                Principals::IdentityProviders(name.into_iter().collect())
            }
        };
        self.of_principals(principals)
    }

    fn of_principals(&mut self, principals: Principals) -> PermissionFilter {
        PermissionFilter {
            principals,
            codes: self.many("permCode", rules::one_of(&CODES)),
        }
    }

    /// `recursive`, which only buckets know.
    fn recursive(&mut self, kind: Kind) -> bool {
        kind.item == Item::Bucket && self.boolean("recursive").unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_name() {
        for (name, code) in CODES {
            assert_eq!(code_name(code), name);
        }
    }
}
