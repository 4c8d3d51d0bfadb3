//! Names of what a store is asked to do, for the wrappers.

/// One method of [`Blobs`](crate::Blobs) or [`NativeVersions`](crate::NativeVersions) that reaches the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`Blobs::put`](crate::Blobs::put)
    Put,
    /// [`Blobs::get`](crate::Blobs::get)
    Get,
    /// [`Blobs::head`](crate::Blobs::head)
    Head,
    /// [`Blobs::delete`](crate::Blobs::delete)
    Delete,
    /// [`Blobs::copy`](crate::Blobs::copy)
    Copy,
    /// [`Blobs::check`](crate::Blobs::check)
    Check,
    /// [`NativeVersions::tags`](crate::NativeVersions::tags)
    Tags,
    /// [`NativeVersions::put_tags`](crate::NativeVersions::put_tags)
    PutTags,
    /// [`NativeVersions::list_versions`](crate::NativeVersions::list_versions) and
    /// [`NativeVersions::list_folder`](crate::NativeVersions::list_folder)
    ListVersions,
    /// [`NativeVersions::policy`](crate::NativeVersions::policy)
    Policy,
    /// [`NativeVersions::put_policy`](crate::NativeVersions::put_policy)
    PutPolicy,
    /// [`NativeVersions::anyone_may_read`](crate::NativeVersions::anyone_may_read)
    Acl,
    /// [`NativeVersions::withdraw_from_anyone`](crate::NativeVersions::withdraw_from_anyone)
    PutAcl,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Put,
        Self::Get,
        Self::Head,
        Self::Delete,
        Self::Copy,
        Self::Check,
        Self::Tags,
        Self::PutTags,
        Self::ListVersions,
        Self::Policy,
        Self::PutPolicy,
        Self::Acl,
        Self::PutAcl,
    ];

    /// The name for a metric's label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Get => "get",
            Self::Head => "head",
            Self::Delete => "delete",
            Self::Copy => "copy",
            Self::Check => "check",
            Self::Tags => "tags",
            Self::PutTags => "put_tags",
            Self::ListVersions => "list_versions",
            Self::Policy => "policy",
            Self::PutPolicy => "put_policy",
            Self::Acl => "acl",
            Self::PutAcl => "put_acl",
        }
    }
}
