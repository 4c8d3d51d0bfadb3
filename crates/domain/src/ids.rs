//! Internal keys. Each is a 64-bit number of its own type, so a folder cannot be passed where a person is meant.
//! What a dialect shows to clients (UUIDs, decimal strings) is its own business.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// A person: one record, however many identities it signs in with.
    PersonId,
    /// An identity provider as named by the `identity_provider` claim.
    IdentityProviderId,
    /// An organisation.
    OrganisationId,
    /// A unit of an organisation.
    UnitId,
    /// A collaboration of an organisation.
    CollaborationId,
    /// A group of a collaboration.
    GroupId,
    /// A service that collaborations connect to.
    ServiceId,
    /// A file or a folder.
    ItemId,
    /// One version of a file.
    VersionId,
    /// A storage: the default one, or an S3 endpoint that a bucket was registered for.
    StorageId,
    /// An organisation's API token.
    TokenId,
    /// A classification that a file may carry.
    ClassificationId,
}
