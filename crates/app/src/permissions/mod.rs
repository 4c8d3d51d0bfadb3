//! Grants of permission codes to people and identity providers (objects contract 4.9, 4.10).

mod change;
mod list;

pub(crate) use change::managed_below;
pub use change::{grant, revoke};
pub use list::{PermissionSearch, list, search};
pub use store::grants::{
    GrantFilter as PermissionFilter, GrantRow as PermissionView, Listed, PrincipalRef, Principals,
};

use store::{Session, buckets};
use uuid::Uuid;

use crate::{About, Result, gate::On};

/// What a grant is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A bucket.
    Bucket(Uuid),
    /// An object.
    Object(Uuid),
}

impl Target {
    /// Its public id.
    pub fn uuid(self) -> Uuid {
        match self {
            Self::Bucket(uuid) | Self::Object(uuid) => uuid,
        }
    }

    pub(crate) fn on(self) -> On {
        match self {
            Self::Bucket(_) => On::Bucket,
            Self::Object(_) => On::Object,
        }
    }

    pub(crate) fn object(self) -> String {
        match self {
            Self::Bucket(uuid) => format!("bucket:{uuid}"),
            Self::Object(uuid) => format!("object:{uuid}"),
        }
    }

    /// The same, as failures name it.
    pub(crate) fn about(self) -> About {
        match self {
            Self::Bucket(uuid) => About::Bucket(uuid),
            Self::Object(uuid) => About::Object(uuid),
        }
    }

    /// An id of a bucket where an object is meant, and the other way round, names nothing.
    pub(crate) async fn exists<S: Session>(self, s: &mut S) -> Result<bool> {
        Ok(match self {
            Self::Bucket(uuid) => buckets::find(s, uuid).await?.is_some(),
            Self::Object(uuid) => store::files::find(s, uuid, &store::files::VersionSelector::Latest)
                .await?
                .is_some(),
        })
    }
}
