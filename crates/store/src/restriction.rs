//! What a list may show: the part of a caller's rights that SQL has to know.

use std::sync::Arc;

use domain::{ItemId, PersonId, Timestamp};

use crate::viewer::Viewer;

/// What a list may show its caller. It comes from the gate of the use cases, which alone decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// Everything that the list is about.
    None,
    /// What this person may read: READ held by the person or by their identity provider, on the object or on its bucket.
    /// What is only public is not theirs.
    Readable(PersonId),
    /// What is in (or is) one of these buckets; sorted. Without one, nothing is.
    Buckets(Arc<[ItemId]>),
}

impl Restriction {
    /// Both halves: whose rights count, all of them and now, and the buckets it is confined to.
    pub fn limits(&self, now: Timestamp) -> (Option<Viewer>, Option<Vec<i64>>) {
        let viewer = match self {
            Self::Readable(person) => Some(Viewer {
                person: *person,
                own: true,
                identity_provider: true,
                now,
            }),
            Self::None | Self::Buckets(_) => None,
        };
        (viewer, self.buckets())
    }

    /// The buckets it is confined to, if it is.
    pub fn buckets(&self) -> Option<Vec<i64>> {
        match self {
            Self::Buckets(buckets) => Some(buckets.iter().map(|bucket| bucket.0).collect()),
            Self::None | Self::Readable(_) => None,
        }
    }
}
