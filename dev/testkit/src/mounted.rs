//! An S3 bucket that belongs to somebody, to be registered at a server, and what other programs do with it.

use aws_sdk_s3::{
    Client,
    primitives::ByteStream,
    types::{BucketVersioningStatus, ObjectCannedAcl, Tag, Tagging, VersioningConfiguration},
};
use serde_json::{Value, json};

use crate::{
    backend::{self, Reachable, skipped},
    hex, random, setting,
};

/// A bucket of a test's own. Dropping it removes it with everything in it.
pub struct Mounted {
    access: Reachable,
    s3: Client,
    name: String,
}

/// A version that lies in the bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// Its version id.
    pub version: Option<String>,
    /// Whether it is the newest of its key.
    pub is_latest: bool,
}

impl Mounted {
    /// A new bucket, with or without versions; `None` where there is no S3.
    pub async fn create(versioned: bool) -> Option<Self> {
        if setting("S3_ENDPOINT").is_none() {
            skipped("registered S3 buckets (set S3_ENDPOINT)");
            return None;
        }
        let access = Reachable::from_settings();
        let s3 = access.client();
        let name = format!("commonhold-mounted-{}", hex(&random::<8>()));
        s3.create_bucket().bucket(&name).send().await.expect("a bucket");
        if versioned {
            let enabled = VersioningConfiguration::builder()
                .status(BucketVersioningStatus::Enabled)
                .build();
            let request = s3.put_bucket_versioning().bucket(&name);
            request
                .versioning_configuration(enabled)
                .send()
                .await
                .expect("versions");
        }
        Some(Self { access, s3, name })
    }

    /// The endpoint that a server must allow.
    pub fn endpoint(&self) -> &str {
        &self.access.endpoint
    }

    /// The name of the bucket.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What registers a folder of it, at an endpoint that leads to it.
    pub fn mount_at(&self, endpoint: &str, key: &str) -> Value {
        json!({
            "bucketName": key, "bucket": self.name, "endpoint": endpoint, "key": key,
            "accessKeyId": self.access.access_key, "secretAccessKey": self.access.secret_key,
        })
    }

    /// What registers a folder of it.
    pub fn mount(&self, key: &str) -> Value {
        self.mount_at(self.endpoint(), key)
    }

    /// Stores an object; gives its version.
    pub async fn put(&self, key: &str, content: impl Into<Vec<u8>>) -> Option<String> {
        let body = ByteStream::from(content.into());
        let request = self
            .s3
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type("text/plain");
        let answer = request.metadata("origin", "elsewhere").body(body).send().await;
        answer.expect("stored").version_id().map(str::to_owned)
    }

    /// Removes an object, or one version of it.
    pub async fn delete(&self, key: &str, version: Option<&str>) {
        let request = self.s3.delete_object().bucket(&self.name).key(key);
        let request = request.set_version_id(version.map(str::to_owned));
        request.send().await.expect("deleted");
    }

    /// Whether the store says of a key that it is hidden by a delete marker (Ceph 16 says only that it is not there).
    pub async fn says_hidden(&self, key: &str) -> bool {
        let answer = self.s3.head_object().bucket(&self.name).key(key).send().await;
        let error = answer.expect_err("a hidden key");
        let raw = error.raw_response().expect("an answer");
        raw.headers().get("x-amz-delete-marker") == Some("true")
    }

    /// Everything that lies in it, delete markers left out.
    pub async fn stored(&self) -> Vec<Stored> {
        backend::versions(&self.s3, &self.name).await
    }

    /// Tags of an object.
    pub async fn tags(&self, key: &str) -> Vec<(String, String)> {
        let answer = self.s3.get_object_tagging().bucket(&self.name).key(key).send().await;
        let Ok(answer) = answer else { return Vec::new() };
        let pair = |tag: &Tag| (tag.key().to_owned(), tag.value().to_owned());
        answer.tag_set().iter().map(pair).collect()
    }

    /// Sets the tags of an object.
    pub async fn put_tags(&self, key: &str, tags: &[(&str, &str)]) {
        let tags = tags.iter().map(|(key, value)| {
            let tag = Tag::builder().key(*key).value(*value).build();
            tag.expect("a tag")
        });
        let tagging = Tagging::builder()
            .set_tag_set(Some(tags.collect()))
            .build()
            .expect("tags");
        let request = self.s3.put_object_tagging().bucket(&self.name).key(key);
        request.tagging(tagging).send().await.expect("tagged");
    }

    /// Lets anyone read an object, by its access control list.
    pub async fn publish_by_list(&self, key: &str) {
        let request = self.s3.put_object_acl().bucket(&self.name).key(key);
        request.acl(ObjectCannedAcl::PublicRead).send().await.expect("a list");
    }

    /// Whether anyone can read an object from the store itself.
    pub async fn anyone_reads(&self, key: &str) -> bool {
        let address = format!("{}/{}/{key}", self.endpoint().trim_end_matches('/'), self.name);
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let answer = http.get(address).send().await.expect("an answer");
        answer.status().is_success()
    }

    /// The policy.
    pub async fn policy(&self) -> Option<Value> {
        let answer = self.s3.get_bucket_policy().bucket(&self.name).send().await.ok()?;
        Some(serde_json::from_str(answer.policy()?).expect("JSON"))
    }

    /// Sets the policy.
    pub async fn put_policy(&self, policy: &Value) {
        let request = self.s3.put_bucket_policy().bucket(&self.name);
        request.policy(policy.to_string()).send().await.expect("a policy");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let (access, name) = (self.access.clone(), self.name.clone());
        let removal = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let s3 = access.client();
                backend::empty(&s3, &name).await;
                drop(s3.delete_bucket().bucket(&name).send().await);
            });
        });
        if removal.join().is_err() {
            eprintln!("a test bucket was left behind");
        }
    }
}
