//! What may be written on an object besides its content: metadata and tags (objects contract 2.6).

use domain::Kind;
use store::files::Pairs;

use super::ID_TAG;
use crate::{Error, Result};

/// Tags of a client on one version; with the one that names the object they are ten, the most that S3 keeps.
const MOST_TAGS: usize = 9;
/// The longest key of a tag in S3, in characters.
const LONGEST_TAG_KEY: usize = 128;
/// The most that S3 keeps as metadata of an object: all keys and values together, in bytes.
const MOST_METADATA: usize = 2048;

/// A change of metadata or tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelChange {
    /// These come over what is there.
    Add(Pairs),
    /// These and no others.
    Replace(Pairs),
    /// Without these keys; without any, nothing is left.
    Remove(Pairs),
}

impl LabelChange {
    /// What is there afterwards.
    pub(super) fn apply(&self, before: Pairs) -> Pairs {
        let without = |pairs: &Pairs| {
            let named = |key: &String| pairs.iter().any(|(other, _)| other == key);
            before.into_iter().filter(|(key, _)| !named(key)).collect::<Pairs>()
        };
        match self {
            Self::Add(pairs) => pairs.iter().cloned().chain(without(pairs)).collect(),
            Self::Replace(pairs) => pairs.clone(),
            Self::Remove(pairs) if pairs.is_empty() => Pairs::new(),
            Self::Remove(pairs) => without(pairs),
        }
    }
}

/// The tags of a client among all tags.
pub(super) fn own_tags(tags: Pairs) -> Pairs {
    tags.into_iter().filter(|(key, _)| key != ID_TAG).collect()
}

/// Every storage keeps what S3 keeps, and no more.
pub(super) fn check_metadata(metadata: &[(String, String)]) -> Result<()> {
    let size: usize = metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > MOST_METADATA {
        return Err(Error::new(Kind::Invalid, "The metadata is larger than 2 kB"));
    }
    Ok(())
}

/// As [`check_metadata`].
pub(super) fn check_tags(tags: &[(String, String)]) -> Result<()> {
    if tags.iter().any(|(key, _)| key.chars().count() > LONGEST_TAG_KEY) {
        return Err(Error::new(
            Kind::Invalid,
            "The key of a tag is longer than 128 characters",
        ));
    }
    if tags.len() > MOST_TAGS {
        return Err(Error::new(Kind::Conflict, "An object has at most 9 tags"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> Pairs {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn changes_come_over_what_is_there() {
        let before = || pairs(&[("a", "1"), ("b", "2")]);
        for (change, after) in [
            (
                LabelChange::Add(pairs(&[("b", "3"), ("A", "4")])),
                pairs(&[("b", "3"), ("A", "4"), ("a", "1")]),
            ),
            (LabelChange::Add(Pairs::new()), before()),
            (LabelChange::Replace(pairs(&[("c", "")])), pairs(&[("c", "")])),
            (LabelChange::Replace(Pairs::new()), Pairs::new()),
            (
                LabelChange::Remove(pairs(&[("a", "whatever"), ("z", "")])),
                pairs(&[("b", "2")]),
            ),
            (LabelChange::Remove(Pairs::new()), Pairs::new()),
        ] {
            assert_eq!(change.apply(before()), after, "{change:?}");
        }
    }

    #[test]
    fn every_storage_has_the_limits_of_s3() {
        let long = |count: usize| vec![("k".repeat(count), "v".repeat(48))];
        assert!(check_metadata(&long(2000)).is_ok());
        assert_eq!(check_metadata(&long(2001)).unwrap_err().kind, Kind::Invalid);
        assert!(check_tags(&long(128)).is_ok());
        assert_eq!(check_tags(&long(129)).unwrap_err().kind, Kind::Invalid);
        let many = |count: usize| (0..count).map(|n| (n.to_string(), String::new())).collect::<Pairs>();
        assert!(check_tags(&many(9)).is_ok());
        assert_eq!(check_tags(&many(10)).unwrap_err().kind, Kind::Conflict);
    }
}
