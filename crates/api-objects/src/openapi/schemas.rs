//! The shapes of rows and bodies (objects contract, section 2). Every answer of the suites is held to them.

use serde_json::{Map, Value, json};

use crate::permissions::CODES;

/// A reference to a schema of the document.
pub(crate) fn of(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A list of a schema of the document.
pub(super) fn list(name: &str) -> Value {
    json!({ "type": "array", "items": of(name) })
}

/// A UUID of version 4.
pub(super) fn id() -> Value {
    const HEX: &str = "[0-9a-fA-F]";
    let (dashes, plain) = (
        format!("{HEX}{{8}}-{HEX}{{4}}-4{HEX}{{3}}-[89abAB]{HEX}{{3}}-{HEX}{{12}}"),
        format!("{HEX}{{12}}4{HEX}{{3}}[89abAB]{HEX}{{15}}"),
    );
    json!({ "type": "string", "pattern": format!("^({dashes}|{plain})$") })
}

/// A text of 1 to so many characters.
pub(super) fn text(most: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": most })
}

/// Yes or no, in any spelling of the contract.
pub(super) fn flag() -> Value {
    json!({ "type": "string", "enum": ["true", "t", "yes", "y", "1", "false", "f", "no", "n", "0"] })
}

/// A whole number.
pub(super) fn integer(least: i64, most: i64) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

/// One of a few words.
pub(super) fn one_of(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

/// A permission code.
pub(super) fn code() -> Value {
    one_of(&CODES.map(|(name, _)| name))
}

/// An object whose members are all there. `name?` marks one that may be missing.
fn row(members: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = members
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !name.ends_with('?'))
        .collect();
    let properties: Map<String, Value> = members
        .iter()
        .map(|(name, schema)| (name.trim_end_matches('?').to_owned(), schema.clone()))
        .collect();
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// The same with the four stamps.
fn stamped(members: &[(&str, Value)]) -> Value {
    let stamps = [
        ("createdBy", uuid()),
        ("createdAt", time()),
        ("updatedBy", maybe(&uuid())),
        ("updatedAt", maybe(&time())),
    ];
    row(&[members, &stamps].concat())
}

fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn string() -> Value {
    json!({ "type": "string" })
}

fn boolean() -> Value {
    json!({ "type": "boolean" })
}

/// The same, or nothing.
fn maybe(schema: &Value) -> Value {
    let mut schema = schema.clone();
    schema["type"] = json!([schema["type"], "null"]);
    schema
}

/// A member of a body that may be a flag in any spelling.
fn loose_flag() -> Value {
    json!({ "anyOf": [{ "type": "boolean" }, flag(), { "type": "integer", "enum": [0, 1] }] })
}

fn object_members() -> Vec<(&'static str, Value)> {
    vec![
        ("id", uuid()),
        ("path", string()),
        ("name", maybe(&string())),
        ("bucketId", maybe(&uuid())),
        ("public", boolean()),
        ("active", boolean()),
        ("lastSyncedDate", maybe(&time())),
    ]
}

fn grants_of(item: &str, holder: &str, schema: Value) -> Value {
    stamped(&[("id", uuid()), (item, uuid()), (holder, schema), ("permCode", code())])
}

fn grouped(item: &str, rows: &str) -> Value {
    row(&[(item, uuid()), ("permissions", list(rows))])
}

fn pairs_of(item: &[(&str, Value)], name: &str) -> Value {
    let pair = row(&[("key", string()), ("value", string())]);
    row(&[item, &[(name, json!({ "type": "array", "items": pair }))]].concat())
}

fn problem(extra: &[(&str, Value)]) -> Value {
    let mut schema = row(&[
        &[
            ("type", string()),
            ("title", string()),
            ("status", integer(400, 599)),
            ("detail?", string()),
            ("instance?", string()),
        ],
        extra,
    ]
    .concat());
    schema["additionalProperties"] = json!(true);
    schema
}

fn mount_members() -> Vec<(&'static str, Value)> {
    vec![
        ("accessKeyId?", text(255)),
        ("secretAccessKey?", text(255)),
        ("bucket?", text(255)),
        (
            "endpoint?",
            json!({ "type": "string", "format": "uri", "pattern": "^https?://", "maxLength": 255 }),
        ),
        ("region?", text(255)),
        ("active?", loose_flag()),
    ]
}

/// Every schema by name.
pub(super) fn all() -> Value {
    let mut all = rows();
    all.extend(bodies());
    Value::Object(
        all.into_iter()
            .map(|(name, schema)| (name.to_owned(), schema))
            .collect(),
    )
}

#[expect(clippy::too_many_lines, reason = "a table, one row after the other")]
fn rows() -> Vec<(&'static str, Value)> {
    let store = row(&[
        ("httpStatusCode", integer(200, 599)),
        ("requestId", string()),
        ("attempts", integer(0, 9)),
        ("totalRetryDelay", integer(0, 60_000)),
    ]);
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    let fault = row(&[
        ("message", string()),
        (
            "path",
            json!({ "type": "array", "items": { "type": ["string", "integer"] } }),
        ),
        ("type", string()),
        ("context", json!({ "type": "object", "required": ["label"] })),
    ]);
    let searched = [
        object_members(),
        vec![
            ("lastModifiedDate?", maybe(&time())),
            ("permissions?", json!({ "type": "array", "items": code() })),
        ],
    ]
    .concat();
    let mut searched = stamped(&searched);
    // Anonymous callers get `REDACTED` in some places (section 1.8).
    for name in ["createdBy", "updatedBy", "lastSyncedDate"] {
        searched["properties"][name] = json!({ "type": ["string", "null"] });
    }
    vec![
        ("Problem", problem(&[])),
        (
            "InvalidProblem",
            problem(&[(
                "errors?",
                json!({ "type": "object", "additionalProperties": { "type": "array", "items": fault } }),
            )]),
        ),
        (
            "ConflictProblem",
            problem(&[("existingObjectId?", uuid()), ("bucketId?", uuid())]),
        ),
        (
            "Bucket",
            stamped(&[
                ("bucketId", uuid()),
                ("bucketName", string()),
                ("accessKeyId", json!({ "const": "REDACTED" })),
                ("secretAccessKey", json!({ "const": "REDACTED" })),
                ("bucket", string()),
                ("endpoint", string()),
                ("key", string()),
                ("region", maybe(&string())),
                ("active", boolean()),
                ("public", boolean()),
                ("lastSyncRequestedDate", maybe(&time())),
            ]),
        ),
        ("Object", stamped(&object_members())),
        ("FoundObject", searched),
        (
            "StoredObject",
            stamped(
                &[
                    object_members(),
                    vec![
                        ("length", integer(0, i64::MAX)),
                        ("mimeType", string()),
                        ("metadata?", texts.clone()),
                        ("tags", texts),
                        ("versionId", uuid()),
                        ("$metadata", store.clone()),
                        ("ETag", maybe(&string())),
                        ("s3VersionId?", string()),
                    ],
                ]
                .concat(),
            ),
        ),
        (
            "DeletedObject",
            row(&[
                ("$metadata", store),
                ("DeleteMarker?", boolean()),
                ("s3VersionId?", string()),
            ]),
        ),
        (
            "Version",
            stamped(&[
                ("id", uuid()),
                ("s3VersionId", maybe(&string())),
                ("objectId", uuid()),
                ("mimeType", string()),
                ("deleteMarker", boolean()),
                ("etag", maybe(&string())),
                ("isLatest", boolean()),
                ("lastModifiedDate", maybe(&time())),
            ]),
        ),
        ("BucketPermission", grants_of("bucketId", "userId", uuid())),
        ("ObjectPermission", grants_of("objectId", "userId", uuid())),
        ("IdpBucketPermission", grants_of("bucketId", "idp", string())),
        ("IdpObjectPermission", grants_of("objectId", "idp", string())),
        ("BucketPermissions", grouped("bucketId", "BucketPermission")),
        ("ObjectPermissions", grouped("objectId", "ObjectPermission")),
        ("IdpBucketPermissions", grouped("bucketId", "IdpBucketPermission")),
        ("IdpObjectPermissions", grouped("objectId", "IdpObjectPermission")),
        (
            "Invite",
            row(&[
                ("inviteId", uuid()),
                ("resource", uuid()),
                ("type", one_of(&["bucketId", "objectId"])),
                ("email", maybe(&string())),
                ("permCodes", json!({ "type": "array", "items": code() })),
                ("recursive", boolean()),
                ("expiresAt", time()),
                ("createdBy", uuid()),
                ("createdAt", time()),
            ]),
        ),
        (
            "UsedInvite",
            row(&[
                ("resource", uuid()),
                ("type", one_of(&["bucketId", "objectId"])),
                ("recursive", boolean()),
            ]),
        ),
        (
            "User",
            stamped(&[
                ("userId", uuid()),
                ("identityId", maybe(&string())),
                ("idp", maybe(&string())),
                ("username", string()),
                ("email", maybe(&string())),
                ("firstName", maybe(&string())),
                ("fullName", maybe(&string())),
                ("lastName", maybe(&string())),
                ("active", boolean()),
            ]),
        ),
        ("IdentityProvider", stamped(&[("idp", string()), ("active", boolean())])),
        (
            "Directory",
            row(&[("endpoints", json!({ "type": "array", "items": { "type": "string" } }))]),
        ),
        ("Pair", row(&[("key", string()), ("value?", string())])),
        ("ObjectMetadata", pairs_of(&[("objectId", uuid())], "metadata")),
        ("ObjectTags", pairs_of(&[("objectId", uuid())], "tagset")),
        (
            "VersionMetadata",
            pairs_of(&[("versionId", uuid()), ("s3VersionId", maybe(&string()))], "metadata"),
        ),
        (
            "VersionTags",
            pairs_of(&[("versionId", uuid()), ("s3VersionId", maybe(&string()))], "tagset"),
        ),
    ]
}

fn bodies() -> Vec<(&'static str, Value)> {
    let mut new_bucket = mount_members();
    let codes = json!({ "type": "array", "items": code() });
    new_bucket.extend([
        ("bucketName", text(255)),
        (
            "key?",
            json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^\\S(.*\\S)?$" }),
        ),
        ("permCodes?", codes),
    ]);
    let mut bucket = row(&new_bucket);
    bucket["description"] = json!(
        "With the five members of a mount: a folder of that S3 bucket. With none of them: a folder of the \
        server's own storage."
    );
    let mount: Vec<&str> = vec!["accessKeyId", "secretAccessKey", "bucket", "endpoint"];
    let none: Vec<Value> = [mount.as_slice(), &["region"]]
        .concat()
        .iter()
        .map(|member| json!({ "required": [member] }))
        .collect();
    bucket["anyOf"] = json!([{ "required": mount }, { "not": { "anyOf": none } }]);
    let mut change = mount_members();
    change.push(("bucketName?", text(255)));
    let grants = |holder: &str, schema: Value| json!({ "type": "array", "minItems": 1, "items": row(&[(holder, schema), ("permCode", code())]) });
    let mut invite = row(&[
        ("bucketId?", id()),
        ("objectId?", id()),
        (
            "email?",
            json!({ "type": "string", "format": "email", "maxLength": 255 }),
        ),
        (
            "expiresAt?",
            json!({ "type": ["integer", "string"], "description": "Seconds since 1970; within 30 days" }),
        ),
        (
            "permCodes?",
            json!({ "type": "array", "minItems": 1, "items": one_of(&["CREATE", "READ", "UPDATE"]) }),
        ),
        ("recursive?", loose_flag()),
    ]);
    invite["oneOf"] = json!([{ "required": ["bucketId"] }, { "required": ["objectId"] }]);
    vec![
        ("NewBucket", bucket),
        ("BucketChange", row(&change)),
        (
            "NewChild",
            row(&[
                ("bucketName", text(255)),
                (
                    "subKey",
                    json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^\\S(.*\\S)?$" }),
                ),
            ]),
        ),
        ("NewPermissions", grants("userId", id())),
        ("NewIdpPermissions", grants("idp", text(255))),
        ("NewInvite", invite),
    ]
}
