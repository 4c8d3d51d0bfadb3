//! Tags, and listing of versions.

use aws_sdk_s3::{
    config::http::HttpResponse,
    primitives::DateTime,
    types::{EncodingType, Tag, Tagging},
};
use percent_encoding::percent_decode_str;

use super::{
    S3,
    failure::{failure, version_failure},
    quoted,
    read::moment,
    version_id,
};
use crate::{Error, Kind, ListCursor, ListEntry, ListPage, Result};

/// The tags, ordered by name.
pub(super) async fn tags(s3: &S3, key: &str, version: Option<&str>) -> Result<Vec<(String, String)>> {
    let answer = s3
        .client
        .get_object_tagging()
        .bucket(&s3.config.bucket)
        .key(key)
        .set_version_id(version.map(str::to_owned))
        .send()
        .await;
    let answer = match answer {
        Ok(answer) => answer,
        // Ceph 16 answers with nothing at all for an object that never had tags.
        Err(error) if is_empty_success(error.raw_response()) => return Ok(Vec::new()),
        Err(error) => return Err(version_failure(version)(error)),
    };
    let pair = |tag: &Tag| (tag.key().to_owned(), tag.value().to_owned());
    let mut tags: Vec<_> = answer.tag_set().iter().map(pair).collect();
    tags.sort_unstable();
    Ok(tags)
}

fn is_empty_success(raw: Option<&HttpResponse>) -> bool {
    raw.is_some_and(|raw| raw.status().is_success() && raw.body().bytes().is_some_and(<[u8]>::is_empty))
}

/// Sets tags where the store did not do it with the write: Ceph 16 drops those of an upload in parts, and keeps those
/// of the source of a copy.
pub(super) async fn ensure_tags(s3: &S3, key: &str, version: Option<&str>, wanted: &[(String, String)]) -> Result<()> {
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    if tags(s3, key, version).await? == wanted {
        return Ok(());
    }
    put_tags(s3, key, version, &wanted).await
}

pub(super) async fn put_tags(s3: &S3, key: &str, version: Option<&str>, tags: &[(String, String)]) -> Result<()> {
    let invalid = |error| Error::new(Kind::Invalid).because(error);
    let mut set = Vec::with_capacity(tags.len());
    for (name, value) in tags {
        set.push(Tag::builder().key(name).value(value).build().map_err(invalid)?);
    }
    let tagging = Tagging::builder().set_tag_set(Some(set)).build().map_err(invalid)?;
    s3.client
        .put_object_tagging()
        .bucket(&s3.config.bucket)
        .key(key)
        .set_version_id(version.map(str::to_owned))
        .tagging(tagging)
        .send()
        .await
        .map(drop)
        .map_err(failure)
}

/// Keys are asked for in URL encoding, because XML cannot hold every key; S3 writes a space as `+`.
fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// Behind every key of a folder.
const BEHIND: char = char::MAX;

struct Names<'a> {
    prefix: &'a str,
    encoded: bool,
}

impl Names<'_> {
    /// The key as our callers know it.
    fn key(&self, text: &str) -> String {
        let text = if self.encoded { decoded(text) } else { text.to_owned() };
        match text.strip_prefix(self.prefix) {
            Some(rest) => rest.to_owned(),
            None => text,
        }
    }
}

fn time(time: Option<&DateTime>) -> Option<domain::Timestamp> {
    time.and_then(moment)
}

/// With a delimiter, only the keys without it behind the prefix.
pub(super) async fn versions(
    s3: &S3,
    prefix: &str,
    delimiter: Option<&str>,
    after: Option<&ListCursor>,
) -> Result<ListPage> {
    let own = s3.config.prefix.as_str();
    let answer = s3
        .client
        .list_object_versions()
        .bucket(&s3.config.bucket)
        .prefix(format!("{own}{prefix}"))
        .set_delimiter(delimiter.map(str::to_owned))
        .encoding_type(EncodingType::Url)
        .max_keys(1000)
        .set_key_marker(after.map(|cursor| format!("{own}{}", cursor.key)))
        .set_version_id_marker(after.and_then(|cursor| cursor.version_id.clone()))
        .send()
        .await
        .map_err(failure)?;
    let names = Names {
        prefix: own,
        encoded: answer.encoding_type() == Some(&EncodingType::Url),
    };
    let objects = answer.versions().iter().map(|version| ListEntry {
        key: names.key(version.key().unwrap_or_default()),
        version_id: version_id(version.version_id()),
        delete_marker: false,
        is_latest: version.is_latest().unwrap_or(false),
        size: version.size().and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
        etag: quoted(version.e_tag()),
        last_modified: time(version.last_modified()),
    });
    let markers = answer.delete_markers().iter().map(|marker| ListEntry {
        key: names.key(marker.key().unwrap_or_default()),
        version_id: version_id(marker.version_id()),
        delete_marker: true,
        is_latest: marker.is_latest().unwrap_or(false),
        size: 0,
        etag: None,
        last_modified: time(marker.last_modified()),
    });
    let mut entries: Vec<_> = objects.chain(markers).collect();
    entries.sort_by(|a, b| {
        let newest_first = (b.is_latest, b.last_modified).cmp(&(a.is_latest, a.last_modified));
        a.key.cmp(&b.key).then(newest_first)
    });
    // The last key of the page is where the next one starts. S3 says it too, but Ceph 16 does not encode it there.
    let last_key = entries.last().map(|entry| entry.key.clone());
    // A folder that was passed over ends behind every key in it.
    let last_folder = answer.common_prefixes().iter().filter_map(|folder| folder.prefix());
    let last_folder = last_folder.map(|folder| format!("{}{BEHIND}", names.key(folder))).max();
    let next = answer.is_truncated().unwrap_or(false).then(|| {
        if last_folder > last_key {
            return ListCursor {
                key: last_folder.unwrap_or_default(),
                version_id: None,
            };
        }
        ListCursor {
            key: last_key.unwrap_or_default(),
            version_id: answer
                .next_version_id_marker()
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
        }
    });
    if next
        .as_ref()
        .is_some_and(|next| Some(next) == after || next.key.is_empty())
    {
        return Err(Error::new(Kind::Upstream).because("a listing that does not go on"));
    }
    Ok(ListPage { entries, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_listing_are_decoded() {
        assert_eq!(decoded("a+b%2Bc%20d%2F%C3%BC"), "a b+c d/ü");
        let names = Names {
            prefix: "p/",
            encoded: true,
        };
        assert_eq!(names.key("p%2Fx%3Dy"), "x=y");
        let names = Names {
            prefix: "",
            encoded: false,
        };
        assert_eq!(names.key("a+b%20"), "a+b%20");
    }
}
