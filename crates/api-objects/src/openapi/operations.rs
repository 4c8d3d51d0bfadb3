//! What each operation is for, what it takes and what it gives (objects contract, section 4).

use serde_json::{Value, json};

use super::{
    describe::{Operation, operation},
    schemas::{code, flag, id, integer, list, of, one_of, text},
};

/// The groups of operations.
pub(super) const TAGS: [(&str, &str); 9] = [
    ("buckets", "Folders of S3 buckets, or of the server's own storage"),
    ("objects", "Files in buckets"),
    ("uploads", "Uploads that can be resumed, by the protocol tus 1.0"),
    ("versions", "What objects were"),
    ("metadata", "Metadata and tags"),
    ("permissions", "Who may do what"),
    ("invites", "Permissions for whoever has a secret"),
    ("sync", "What the store has, and the server does not know yet"),
    ("server", "People, and the server itself"),
];

/// Every operation that is described.
pub(super) fn all() -> Vec<Operation> {
    let mut all = Vec::new();
    all.extend(server());
    all.extend(buckets());
    all.extend(objects());
    all.extend(versions());
    all.extend(labels());
    all.extend(permissions());
    all.extend(invites());
    all.extend(sync());
    all.extend(uploads());
    all
}

fn server() -> Vec<Operation> {
    let document = || json!({ "type": "object", "required": ["openapi", "paths"] });
    vec![
        operation("server", "directory", "What there is")
            .lenient()
            .gives(200, "Where to go on", of("Directory")),
        operation("server", "permissionDirectory", "What there is about permissions")
            .lenient()
            .gives(200, "Where to go on", of("Directory")),
        operation("server", "documentation", "This document, to be read")
            .lenient()
            .gives_as(200, "A page", "text/html", json!({ "type": "string" })),
        operation("server", "specification", "This document, as JSON")
            .lenient()
            .gives(200, "OpenAPI 3.1", document()),
        operation("server", "specificationYaml", "This document, as YAML")
            .lenient()
            .gives_as(200, "OpenAPI 3.1", "application/yaml", document()),
        operation("server", "searchUsers", "Search people; at least one key")
            .many("userId", id(), "")
            .many("identityId", text(255), "")
            .many("idp", text(255), "`azureidir` reads `idir`")
            .query("username", text(255), "Part of it")
            .query("email", text(255), "Exactly")
            .query("firstName", text(255), "Part of it")
            .query("lastName", text(255), "Part of it")
            .query("fullName", text(255), "Part of it")
            .query(
                "search",
                text(255),
                "Part of the user name, the address or the full name",
            )
            .query("active", flag(), "")
            .gives(200, "By last and first name", list("User")),
        operation("server", "listIdps", "Identity providers that people came through")
            .query("active", flag(), "")
            .gives(200, "By name", list("IdentityProvider")),
    ]
}

fn buckets() -> Vec<Operation> {
    let recursive = "Also the buckets below";
    vec![
        operation("buckets", "createBucket", "Register a bucket")
            .json(of("NewBucket"))
            .gives(
                201,
                "The bucket; one that was there already with the same credentials is shared",
                of("Bucket"),
            )
            .fails(409, "It is registered with other credentials"),
        operation("buckets", "searchBuckets", "Search buckets")
            .many("bucketId", id(), "")
            .query("bucketName", text(255), "Part of it")
            .query("key", text(255), "Part of it")
            .query("bucket", text(255), "Part of it; together with `endpoint`")
            .query(
                "endpoint",
                json!({ "type": "string", "format": "uri", "maxLength": 255 }),
                "Part of it",
            )
            .query("active", flag(), "")
            .gives(200, "Oldest first", list("Bucket")),
        operation("buckets", "headBucket", "Whether the store answers for a bucket")
            .gives_nothing(204, "It does")
            .fails(404, "There is no such bucket"),
        operation("buckets", "readBucket", "One bucket")
            .gives(200, "The bucket", of("Bucket"))
            .fails(404, "There is no such bucket"),
        operation("buckets", "updateBucket", "Change what is sent and nothing else")
            .optional_json(of("BucketChange"))
            .gives(200, "The bucket", of("Bucket"))
            .fails(404, "There is no such bucket")
            .fails(409, "Another bucket is registered there"),
        operation("buckets", "toggleBucketPublic", "Let anyone read a bucket, or not")
            .query("public", flag(), "No when absent")
            .gives(200, "The bucket", of("Bucket"))
            .fails(404, "There is no such bucket")
            .fails(409, "A bucket above it is public"),
        operation(
            "buckets",
            "deleteBucket",
            "Delete a bucket's record; bytes in a registered S3 bucket stay",
        )
        .query("recursive", flag(), recursive)
        .gives_nothing(204, "Deleted")
        .fails(404, "There is no such bucket"),
        operation(
            "buckets",
            "createBucketChild",
            "Create a bucket below another one, with its permissions",
        )
        .json(of("NewChild"))
        .gives(201, "The bucket; one that was there already is shared", of("Bucket"))
        .fails(404, "There is no such bucket")
        .fails(409, "It exists"),
    ]
}

fn upload(operation: Operation, named: bool) -> Operation {
    let disposition = "The file name, as RFC 6266 says it";
    let operation = if named {
        operation.needs_header("Content-Disposition", json!({ "type": "string" }), disposition)
    } else {
        operation
    };
    operation
        .tagset("Tags of the version")
        .header(
            "x-amz-meta-*",
            json!({ "type": "string", "minLength": 1 }),
            "Metadata of the version, one header for each",
        )
        .bytes("*/*")
        .gives(
            200,
            "The object, its version, and what the store said",
            of("StoredObject"),
        )
        .fails(411, "`Content-Length` is missing or not positive")
        .fails(502, "The store failed")
}

#[expect(clippy::too_many_lines, reason = "a table, one row after the other")]
fn objects() -> Vec<Operation> {
    let conflict = json!({ "description": "An object exists at this path: `existingObjectId`",
        "content": { "application/problem+json": { "schema": of("ConflictProblem") } } });
    let with_conflict = |mut operation: Operation| {
        operation.answers.push((409, conflict.clone()));
        operation
    };
    let bucket = |operation: Operation| operation.needs_query("bucketId", id(), "Where to");
    let bytes = json!({});
    let content = |operation: Operation| {
        operation
            .gives_as(200, "The content", "*/*", bytes.clone())
            .with("ETag", json!({ "type": "string" }), "")
            .with(
                "x-amz-version-id",
                json!({ "type": "string" }),
                "The store's id of the version",
            )
            .gives_as(206, "A part of the content", "*/*", bytes.clone())
            .gives_nothing(304, "Unchanged")
    };
    vec![
        operation("objects", "searchObjects", "Search objects")
            .many("objectId", id(), "")
            .many("bucketId", id(), "")
            .query("name", text(1024), "Part of it")
            .query("path", text(1024), "Part of it")
            .query("mimeType", text(255), "Part of it")
            .query("public", flag(), "")
            .query("active", flag(), "")
            .query("deleteMarker", flag(), "")
            .query("latest", flag(), "")
            .query("permissions", flag(), "Also the caller's own codes on each")
            .many(
                "hasPermissionType",
                one_of(&["user", "idp"]),
                "Only what the caller may read through this",
            )
            .query(
                "page",
                json!({ "type": "number", "minimum": 1 }),
                "Together with `limit`",
            )
            .query(
                "limit",
                json!({ "type": "number", "minimum": 1 }),
                "Together with `page`",
            )
            .query(
                "sort",
                one_of(&[
                    "id",
                    "path",
                    "public",
                    "active",
                    "createdBy",
                    "updatedBy",
                    "updatedAt",
                    "bucketId",
                    "name",
                ]),
                "",
            )
            .query("order", one_of(&["asc", "desc"]), "")
            .tagset("Tags that a version must have; an empty value asks for the key")
            .header(
                "x-amz-meta-*",
                json!({ "type": "string", "minLength": 1 }),
                "Metadata that a version must have",
            )
            .gives(200, "The objects", list("FoundObject"))
            .with(
                "X-Total-Rows",
                json!({ "type": "integer" }),
                "How many there are on all pages",
            ),
        with_conflict(upload(
            bucket(operation("objects", "createObject", "Upload a file as a new object")),
            true,
        ))
        .fails(404, "There is no such bucket")
        .fails(415, "`Content-Disposition` is missing"),
        with_conflict(upload(
            bucket(operation(
                "objects",
                "createObjectByForm",
                "Upload the file of a form as a new object",
            )),
            false,
        ))
        .fails(404, "There is no such bucket")
        .fails(415, "The body is no form"),
        operation(
            "objects",
            "headObject",
            "What the store says about an object; also asked to learn whether it may be read",
        )
        .version()
        .gives_nothing(204, "There it is")
        .with("ETag", json!({ "type": "string" }), "")
        .fails(404, "There is no such version, or the object is deleted"),
        content(
            operation("objects", "readObject", "The content, or a link to it")
                .query(
                    "download",
                    one_of(&["proxy", "url"]),
                    "The content itself, or its address; absent: a redirect",
                )
                .query("expiresIn", integer(1, 604_800), "How long a link works, in seconds")
                .version(),
        )
        .gives(201, "The address", json!({ "type": "string", "format": "uri" }))
        .gives_as(302, "To the content", "text/plain", json!({ "type": "string" }))
        .with("Location", json!({ "type": "string" }), "")
        .fails(404, "There is no such version, or the object is deleted")
        .fails(405, "The version is a delete marker")
        .fails(412, "A condition does not hold")
        .fails(416, "The range lies outside the object"),
        with_conflict(upload(
            operation("objects", "updateObject", "Upload a new version"),
            false,
        ))
        .fails(404, "The store does not have the object"),
        operation(
            "objects",
            "deleteObject",
            "Put a delete marker on an object, or remove one version for good",
        )
        .version()
        .gives(200, "What the store said", of("DeletedObject"))
        .fails(404, "There is no such version"),
        operation("objects", "toggleObjectPublic", "Let anyone read an object, or not")
            .query("public", flag(), "No when absent")
            .gives(200, "The object", of("Object"))
            .fails(409, "A bucket above it is public"),
    ]
}

fn versions() -> Vec<Operation> {
    vec![
        operation(
            "versions",
            "listObjectVersion",
            "The versions of an object, delete markers included",
        )
        .gives(200, "Newest first", list("Version")),
        operation("versions", "copyVersion", "Make a version the newest again")
            .query("versionId", id(), "Which; absent: the newest that is no delete marker")
            .gives(201, "The new version", of("Version"))
            .fails(404, "There is no such version"),
    ]
}

fn labels() -> Vec<Operation> {
    let header = |operation: Operation| {
        operation.header(
            "x-amz-meta-*",
            json!({ "type": "string", "minLength": 1 }),
            "One header for each pair",
        )
    };
    let tags = |operation: Operation| operation.tagset("Tags");
    let writes = |operation: Operation| {
        operation
            .version()
            .gives_nothing(204, "Done")
            .fails(404, "There is no such version, or the object is deleted")
            .fails(409, "More than nine tags")
            .fails(502, "The store failed")
    };
    let things = |operation: Operation| operation.many("objectId", id(), "").many("bucketId", id(), "");
    let of_versions = |operation: Operation| {
        operation
            .many("versionId", id(), "")
            .many("s3VersionId", text(255), "Excludes `versionId`")
    };
    vec![
        writes(header(operation("metadata", "addMetadata", "Set some metadata"))),
        writes(header(operation("metadata", "replaceMetadata", "Replace all metadata"))),
        writes(header(operation(
            "metadata",
            "deleteMetadata",
            "Remove some metadata, or all",
        ))),
        writes(tags(operation("metadata", "addTags", "Set some tags"))),
        writes(tags(operation("metadata", "replaceTags", "Replace all tags"))),
        writes(tags(operation("metadata", "deleteTags", "Remove some tags, or all"))),
        header(things(operation("metadata", "fetchMetadata", "Metadata of objects"))).gives(
            200,
            "Of the newest version of each",
            list("ObjectMetadata"),
        ),
        tags(things(operation("metadata", "fetchTags", "Tags of objects"))).gives(
            200,
            "Of the newest version of each",
            list("ObjectTags"),
        ),
        header(of_versions(operation(
            "metadata",
            "fetchVersionMetadata",
            "Metadata of versions",
        )))
        .gives(200, "Newest first", list("VersionMetadata")),
        tags(of_versions(operation(
            "metadata",
            "fetchVersionTags",
            "Tags of versions",
        )))
        .gives(200, "Newest first", list("VersionTags")),
        header(operation("metadata", "searchMetadata", "Metadata that is in use").lenient()).gives(
            200,
            "Pairs; keys only under the privacy mask",
            list("Pair"),
        ),
        tags(operation("metadata", "searchTags", "Tags that are in use")).gives(
            200,
            "Pairs; keys only under the privacy mask",
            list("Pair"),
        ),
    ]
}

/// The four operations of each kind of permission rows.
#[expect(clippy::too_many_lines, reason = "a table, one row after the other")]
fn permissions() -> Vec<Operation> {
    let user = || ("userId", id());
    let idp = || ("idp", text(255));
    let names = |names: [&'static str; 4], rows, groups, body, holder: (&'static str, Value), on_bucket: bool| {
        let [search, list_name, add, remove] = names;
        let (holder, schema) = holder;
        let holds = |operation: Operation| operation.many(holder, schema.clone(), "").many("permCode", code(), "");
        let mut searches = holds(operation("permissions", search, "Search permissions")).many("bucketId", id(), "");
        searches = if on_bucket {
            searches.query(
                "objectPerms",
                flag(),
                "Also buckets with an object on which the one asked for has something",
            )
        } else {
            searches.many("objectId", id(), "").query(
                "bucketPerms",
                flag(),
                "Also objects of buckets on which the one asked for has something",
            )
        };
        let recursive = |operation: Operation| {
            if on_bucket {
                operation.query("recursive", flag(), "Also on the buckets below that the caller manages")
            } else {
                operation
            }
        };
        let unknown = "There is no such bucket, person or identity provider";
        [
            searches.gives(200, "Grouped by what they are on", list(groups)),
            holds(operation("permissions", list_name, "The permissions on one thing"))
                .gives(200, "Oldest first", list(rows))
                .fails(404, unknown),
            recursive(operation("permissions", add, "Grant permissions"))
                .json(of(body))
                .gives(201, "The rows that are new", list(rows))
                .fails(404, unknown),
            recursive(holds(operation(
                "permissions",
                remove,
                "Revoke permissions; without filters, all of them",
            )))
            .gives(200, "The rows that are gone", list(rows))
            .fails(404, unknown)
            .fails(409, "Nobody would be left to manage it"),
        ]
    };
    [
        names(
            [
                "searchBucketPermissions",
                "listBucketPermissions",
                "addBucketPermissions",
                "removeBucketPermissions",
            ],
            "BucketPermission",
            "BucketPermissions",
            "NewPermissions",
            user(),
            true,
        ),
        names(
            [
                "searchObjectPermissions",
                "listObjectPermissions",
                "addObjectPermissions",
                "removeObjectPermissions",
            ],
            "ObjectPermission",
            "ObjectPermissions",
            "NewPermissions",
            user(),
            false,
        ),
        names(
            [
                "searchIdpBucketPermissions",
                "listIdpBucketPermissions",
                "addIdpBucketPermissions",
                "removeIdpBucketPermissions",
            ],
            "IdpBucketPermission",
            "IdpBucketPermissions",
            "NewIdpPermissions",
            idp(),
            true,
        ),
        names(
            [
                "searchIdpObjectPermissions",
                "listIdpObjectPermissions",
                "addIdpObjectPermissions",
                "removeIdpObjectPermissions",
            ],
            "IdpObjectPermission",
            "IdpObjectPermissions",
            "NewIdpPermissions",
            idp(),
            false,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn invites() -> Vec<Operation> {
    vec![
        operation("invites", "createInvite", "Invite somebody to a bucket or an object")
            .json(of("NewInvite"))
            .gives(
                201,
                "The secret, shown this once",
                json!({ "type": "string", "format": "uuid" }),
            )
            .fails(404, "There is nothing to invite to"),
        operation("invites", "useInvite", "Redeem a secret, once")
            .gives(200, "What it opened", of("UsedInvite"))
            .fails(404, "Unknown, or used")
            .fails(409, "What it was to is gone")
            .fails(410, "Its time is over"),
        operation("invites", "listInvites", "The open invites to a bucket or an object")
            .query("bucketId", id(), "This or `objectId`")
            .query("objectId", id(), "This or `bucketId`")
            .query("after", id(), "The id of the last invite of the page before")
            .query("limit", integer(1, 1000), "100 when absent")
            .gives(200, "Oldest first, without secrets", list("Invite"))
            .fails(404, "There is no such bucket"),
        operation("invites", "revokeInvite", "Revoke an open invite").gives_nothing(204, "Revoked"),
    ]
}

/// The protocol of uploads that can be resumed: <https://tus.io/protocols/resumable-upload>.
fn uploads() -> Vec<Operation> {
    let text = || json!({ "type": "string" });
    let number = || json!({ "type": "integer", "minimum": 0 });
    let speaks = |operation: Operation| {
        operation
            .needs_header(
                "Tus-Resumable",
                json!({ "const": "1.0.0" }),
                "The version of the protocol",
            )
            .fails(412, "The client speaks another version of the protocol")
    };
    let unknown = "There is no such upload of the caller";
    vec![
        speaks(operation(
            "uploads",
            "beginUpload",
            "Begin an upload that can be resumed",
        ))
        .needs_query("bucketId", id(), "Where to")
        .tagset("Tags of the object")
        .needs_header(
            "Upload-Length",
            json!({ "type": "integer", "minimum": 1 }),
            "How long the object will be",
        )
        .header(
            "Upload-Metadata",
            text(),
            "`filename`, and `filetype` where known, each with its value in base64",
        )
        .header(
            "x-amz-meta-*",
            json!({ "type": "string", "minLength": 1 }),
            "Metadata of the object",
        )
        .gives_nothing(201, "Begun")
        .with("Location", text(), "Where to send the bytes")
        .with("Upload-Expires", text(), "When it is given up if nothing comes")
        .fails(404, "There is no such bucket")
        .fails(409, "An object exists at this path: `existingObjectId`")
        .fails(411, "`Upload-Length` is 0")
        .fails(413, "The object is larger than this server takes")
        .fails(415, "No file name was sent"),
        speaks(operation("uploads", "headUpload", "How far an upload is"))
            .gives_nothing(200, "So far")
            .with("Upload-Offset", number(), "How much of the object is there")
            .with("Upload-Length", number(), "How long it will be")
            .with("X-Object-Id", text(), "The object it has become")
            .fails(404, unknown),
        speaks(operation(
            "uploads",
            "appendUpload",
            "Send bytes from where an upload stands",
        ))
        .needs_header("Upload-Offset", number(), "Where the bytes go")
        .header("Upload-Checksum", text(), "`sha1` or `sha256` of the bytes, in base64")
        .bytes("application/offset+octet-stream")
        .gives_nothing(204, "They are there")
        .with("Upload-Offset", number(), "How much of the object is there")
        .with("X-Object-Id", text(), "The object, once it is complete")
        .fails(404, unknown)
        .fails(409, "The upload stands elsewhere, or an object exists at this path")
        .fails(411, "`Content-Length` is missing or not positive")
        .fails(415, "The body has another type")
        .fails(460, "The bytes do not have this checksum")
        .fails(502, "The store failed"),
        speaks(operation("uploads", "terminateUpload", "Give up an upload"))
            .gives_nothing(204, "Given up")
            .fails(404, unknown),
    ]
}

fn sync() -> Vec<Operation> {
    let queued = || json!({ "type": "integer", "minimum": 0 });
    vec![
        operation("sync", "syncBucket", "Compare a bucket with its store")
            .query("recursive", flag(), "Also everything below it")
            .gives(202, "How many jobs are new", queued())
            .fails(404, "There is no such bucket"),
        operation("sync", "syncObject", "Compare an object with its store").gives(
            202,
            "How many jobs are new",
            queued(),
        ),
        operation("sync", "syncDefault", "Compare the default storage").gives(202, "How many jobs are new", queued()),
        operation("sync", "syncStatus", "How many jobs wait")
            .many("bucketId", id(), "")
            .gives(200, "How many", queued()),
    ]
}
