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
    /// [`NativeVersions::list_versions`](crate::NativeVersions::list_versions)
    ListVersions,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Put,
        Self::Get,
        Self::Head,
        Self::Delete,
        Self::Copy,
        Self::Check,
        Self::Tags,
        Self::PutTags,
        Self::ListVersions,
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
        }
    }
}
