//! The rows of section 2 of the objects contract, as they are written.

use app::{
    Stamps,
    buckets::BucketView,
    invites::InviteView,
    objects::{ObjectView, VersionView},
    people::{IdentityProviderView, PersonView},
    permissions::{PermissionView, PrincipalRef},
};
use domain::Timestamp;
use serde::Serialize;
use uuid::Uuid;

/// Credentials are never returned.
const REDACTED: &str = "REDACTED";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StampsRow {
    created_by: Uuid,
    created_at: String,
    updated_by: Option<Uuid>,
    updated_at: Option<String>,
}

impl From<Stamps> for StampsRow {
    fn from(stamps: Stamps) -> Self {
        Self {
            created_by: stamps.created_by,
            created_at: stamps.created_at.iso_millis(),
            updated_by: stamps.updated_by,
            updated_at: stamps.updated_at.map(Timestamp::iso_millis),
        }
    }
}

/// Section 2.3.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BucketRow {
    bucket_id: Uuid,
    bucket_name: String,
    access_key_id: &'static str,
    bucket: String,
    endpoint: String,
    key: String,
    secret_access_key: &'static str,
    region: Option<String>,
    active: bool,
    #[serde(flatten)]
    stamps: StampsRow,
    last_sync_requested_date: Option<String>,
    public: bool,
}

impl From<BucketView> for BucketRow {
    fn from(view: BucketView) -> Self {
        Self {
            bucket_id: view.uuid,
            bucket_name: view.name,
            access_key_id: REDACTED,
            bucket: view.bucket,
            endpoint: view.endpoint,
            key: view.key,
            secret_access_key: REDACTED,
            region: view.region,
            active: view.active,
            stamps: view.stamps.into(),
            last_sync_requested_date: view.last_sync_requested_at.map(Timestamp::iso_millis),
            public: view.public,
        }
    }
}

/// An open invite (section 2.8, without its secret).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InviteRow {
    invite_id: Uuid,
    resource: Uuid,
    r#type: &'static str,
    email: Option<String>,
    perm_codes: Vec<&'static str>,
    recursive: bool,
    expires_at: String,
    created_by: Uuid,
    created_at: String,
}

impl From<InviteView> for InviteRow {
    fn from(view: InviteView) -> Self {
        Self {
            invite_id: view.uuid,
            resource: view.item,
            r#type: if view.on_bucket { "bucketId" } else { "objectId" },
            email: view.email,
            perm_codes: view.codes.into_iter().map(crate::permissions::code_name).collect(),
            recursive: view.recursive,
            expires_at: view.expires_at.iso_millis(),
            created_by: view.created_by,
            created_at: view.created_at.iso_millis(),
        }
    }
}

/// Section 2.4, without the members that only searches have.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectRow {
    id: Uuid,
    path: String,
    public: bool,
    active: bool,
    #[serde(flatten)]
    stamps: StampsRow,
    bucket_id: Uuid,
    name: Option<String>,
    last_synced_date: Option<String>,
}

impl From<ObjectView> for ObjectRow {
    fn from(view: ObjectView) -> Self {
        Self {
            id: view.uuid,
            path: view.path,
            public: view.public,
            active: view.active,
            stamps: view.stamps.into(),
            bucket_id: view.bucket,
            name: view.name,
            last_synced_date: view.last_synced_at.map(Timestamp::iso_millis),
        }
    }
}

/// Section 2.5.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionRow {
    id: Uuid,
    s3_version_id: Option<String>,
    object_id: Uuid,
    mime_type: String,
    delete_marker: bool,
    #[serde(flatten)]
    stamps: StampsRow,
    etag: Option<String>,
    is_latest: bool,
    last_modified_date: Option<String>,
}

impl From<VersionView> for VersionRow {
    fn from(view: VersionView) -> Self {
        Self {
            id: view.uuid,
            s3_version_id: view.s3_version_id,
            object_id: view.object,
            mime_type: view.mime_type,
            delete_marker: view.delete_marker,
            stamps: view.stamps.into(),
            etag: view.etag,
            is_latest: view.is_latest,
            last_modified_date: view.last_modified_at.map(Timestamp::iso_millis),
        }
    }
}

/// What a permission row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Buckets.
    Bucket,
    /// Objects.
    Object,
}

/// Section 2.7.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PermissionRow {
    id: Uuid,
    #[serde(flatten)]
    item: ItemId,
    #[serde(flatten)]
    principal: PrincipalId,
    perm_code: &'static str,
    #[serde(flatten)]
    stamps: StampsRow,
}

/// The id of a bucket or an object under its own name.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) enum ItemId {
    #[serde(rename = "bucketId")]
    Bucket(Uuid),
    #[serde(rename = "objectId")]
    Object(Uuid),
}

impl ItemId {
    pub(crate) fn new(item: Item, id: Uuid) -> Self {
        match item {
            Item::Bucket => Self::Bucket(id),
            Item::Object => Self::Object(id),
        }
    }
}

#[derive(Debug, Serialize)]
enum PrincipalId {
    #[serde(rename = "userId")]
    Person(Uuid),
    #[serde(rename = "idp")]
    IdentityProvider(String),
}

impl PermissionRow {
    pub(crate) fn new(item: Item, view: PermissionView) -> Self {
        Self {
            id: view.uuid,
            item: ItemId::new(item, view.item),
            principal: match view.principal {
                PrincipalRef::Person(id) => PrincipalId::Person(id),
                PrincipalRef::IdentityProvider(name) => PrincipalId::IdentityProvider(name),
            },
            perm_code: crate::permissions::code_name(view.code),
            stamps: view.stamps.into(),
        }
    }
}

/// Section 2.1.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UserRow {
    user_id: Uuid,
    identity_id: Option<String>,
    idp: Option<String>,
    username: String,
    email: Option<String>,
    first_name: Option<String>,
    full_name: Option<String>,
    last_name: Option<String>,
    active: bool,
    #[serde(flatten)]
    stamps: StampsRow,
}

impl From<PersonView> for UserRow {
    fn from(view: PersonView) -> Self {
        Self {
            user_id: view.uuid,
            identity_id: view.identity_id,
            idp: view.idp,
            username: view.profile.username,
            email: view.profile.email,
            first_name: view.profile.first_name,
            full_name: view.profile.full_name,
            last_name: view.profile.last_name,
            active: view.active,
            stamps: view.stamps.into(),
        }
    }
}

/// Section 2.2.
#[derive(Debug, Serialize)]
pub(crate) struct IdentityProviderRow {
    idp: String,
    active: bool,
    #[serde(flatten)]
    stamps: StampsRow,
}

impl From<IdentityProviderView> for IdentityProviderRow {
    fn from(view: IdentityProviderView) -> Self {
        Self {
            idp: view.name,
            active: view.active,
            stamps: view.stamps.into(),
        }
    }
}

/// `$metadata` of an answer that came of a write to the store.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoreMetadata {
    http_status_code: u16,
    request_id: String,
    attempts: u8,
    total_retry_delay: u8,
}

impl StoreMetadata {
    pub(crate) fn new(status: u16, request_id: String) -> Self {
        Self {
            http_status_code: status,
            request_id,
            attempts: 1,
            total_retry_delay: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn id(last: u8) -> Uuid {
        Uuid::from_bytes([0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, last])
    }

    fn stamps() -> Stamps {
        Stamps {
            created_by: id(9),
            created_at: Timestamp(1_647_040_756_343_999),
            updated_by: None,
            updated_at: None,
        }
    }

    fn text(last: u8) -> String {
        id(last).to_string()
    }

    #[test]
    fn a_bucket_row_is_the_example_of_the_contract() {
        let row = BucketRow::from(BucketView {
            uuid: id(1),
            name: "Geospatial Maps".into(),
            bucket: "ezakyp".into(),
            endpoint: "https://objects.example".into(),
            key: "coms/env".into(),
            region: None,
            active: true,
            public: false,
            last_sync_requested_at: None,
            stamps: stamps(),
        });
        assert_eq!(
            serde_json::to_value(row).unwrap(),
            json!({
                "bucketId": text(1), "bucketName": "Geospatial Maps", "accessKeyId": "REDACTED", "bucket": "ezakyp",
                "endpoint": "https://objects.example", "key": "coms/env", "secretAccessKey": "REDACTED", "region": null,
                "active": true, "createdBy": text(9), "createdAt": "2022-03-11T23:19:16.343Z", "updatedBy": null,
                "updatedAt": null, "lastSyncRequestedDate": null, "public": false
            })
        );
    }

    #[test]
    fn permission_rows_name_their_item_and_principal() {
        let view = |principal| PermissionView {
            uuid: id(1),
            item: id(2),
            principal,
            code: app::PermissionCode::Read,
            stamps: stamps(),
        };
        let row =
            |item, principal| -> Value { serde_json::to_value(PermissionRow::new(item, view(principal))).unwrap() };
        let stamped = |mut members: Value| {
            for (key, value) in [
                ("id", json!(text(1))),
                ("permCode", json!("READ")),
                ("createdBy", json!(text(9))),
            ] {
                members[key] = value;
            }
            members["createdAt"] = json!("2022-03-11T23:19:16.343Z");
            members["updatedBy"] = Value::Null;
            members["updatedAt"] = Value::Null;
            members
        };
        assert_eq!(
            row(Item::Bucket, PrincipalRef::Person(id(3))),
            stamped(json!({ "bucketId": text(2), "userId": text(3) }))
        );
        assert_eq!(
            row(Item::Object, PrincipalRef::IdentityProvider("idir".into())),
            stamped(json!({ "objectId": text(2), "idp": "idir" }))
        );
    }
}
