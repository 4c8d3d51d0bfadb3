//! Metadata and tags (objects contract, sections 4.5.3, 4.6 and 4.7).
//!
//! Both kinds of pairs have the same twelve addresses; they differ in where a request carries them, in the word for them
//! in answers, and in who keeps them.

pub(crate) mod change;
pub(crate) mod known;
pub(crate) mod of_objects;
pub(crate) mod of_versions;

use app::labels::Label;
use http_kit::Call;
use serde::Serialize;

use crate::{
    problem::Failure,
    validate::{
        Fields, Reader,
        pairs::{self, Pairs},
    },
};

/// One pair.
#[derive(Debug, Serialize)]
struct PairRow {
    key: String,
    /// Left out while the privacy mask is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// Pairs under the name of their kind.
#[derive(Debug, Serialize)]
enum PairRows {
    #[serde(rename = "metadata")]
    Metadata(Vec<PairRow>),
    #[serde(rename = "tagset")]
    Tags(Vec<PairRow>),
}

impl PairRows {
    fn new(label: Label, pairs: Pairs) -> Self {
        let row = |(key, value)| PairRow {
            key,
            value: Some(value),
        };
        let rows = pairs.into_iter().map(row).collect();
        match label {
            Label::Metadata => Self::Metadata(rows),
            Label::Tags => Self::Tags(rows),
        }
    }
}

/// Reads the query, and the pairs from where this kind is carried: metadata in headers, tags in the query.
fn read<T>(
    reader: &mut Reader,
    call: &Call,
    label: Label,
    fields: impl FnOnce(&mut Fields<'_>) -> T,
) -> Result<(T, Pairs), Failure> {
    match label {
        Label::Metadata => {
            let metadata = reader.metadata(call.headers());
            Ok((reader.query(call, fields)?, metadata))
        }
        Label::Tags => reader.query(call, |query| (fields(query), pairs::tags(query))),
    }
}
