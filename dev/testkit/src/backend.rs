//! Where a server keeps what it knows: each test gets a database and a bucket of its own, and leaves none behind.

use std::{fs::OpenOptions, io::Write, time::Duration};

use aws_sdk_s3::{
    Client,
    config::{Credentials, Region},
};
use tokio_postgres::NoTls;

use crate::{Stored, hex, random, setting};

/// The two ways to run a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// What runs without any configuration.
    SqliteFiles,
    /// What many nodes share.
    PostgresS3,
}

impl Backend {
    /// Whether its services are there. If not, that is said and recorded, so that a green run never hides it.
    pub fn available(self) -> bool {
        if self == Self::SqliteFiles || (setting("DATABASE_URL").is_some() && setting("S3_ENDPOINT").is_some()) {
            return true;
        }
        skipped("PostgreSQL + S3 (set DATABASE_URL and S3_ENDPOINT)");
        false
    }
}

/// Says that something was left out.
pub(crate) fn skipped(what: &str) {
    println!("skipped: {what}");
    if let Some(record) = setting("COMMONHOLD_SKIPPED_FILE") {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(record)
            .expect("the record of what was skipped");
        writeln!(file, "skipped: {what}").expect("a line in the record");
    }
}

/// How to reach the S3 store of the tests.
#[derive(Clone)]
pub(crate) struct Reachable {
    pub(crate) endpoint: String,
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
}

impl Reachable {
    pub(crate) fn from_settings() -> Self {
        Self {
            endpoint: setting("S3_ENDPOINT").expect("S3_ENDPOINT"),
            access_key: setting("S3_ACCESS_KEY").expect("S3_ACCESS_KEY"),
            secret_key: setting("S3_SECRET_KEY").expect("S3_SECRET_KEY"),
        }
    }

    pub(crate) fn client(&self) -> Client {
        let credentials = Credentials::new(&self.access_key, &self.secret_key, None, None, "test");
        Client::from_conf(
            aws_sdk_s3::Config::builder()
                .behavior_version_latest()
                .endpoint_url(&self.endpoint)
                .region(Region::new("us-east-1"))
                .credentials_provider(credentials)
                .force_path_style(true)
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    }
}

/// Every version in a bucket.
pub(crate) async fn versions(s3: &Client, bucket: &str) -> Vec<Stored> {
    let (mut all, mut after) = (Vec::new(), (None, None));
    loop {
        let request = s3.list_object_versions().bucket(bucket).set_key_marker(after.0);
        let page = request.set_version_id_marker(after.1).send().await.expect("a listing");
        all.extend(page.versions().iter().filter_map(|version| {
            Some(Stored {
                key: version.key()?.to_owned(),
                version: version.version_id().map(str::to_owned),
                is_latest: version.is_latest() == Some(true),
            })
        }));
        if page.is_truncated() != Some(true) {
            return all;
        }
        after = (
            page.next_key_marker().map(str::to_owned),
            page.next_version_id_marker().map(str::to_owned),
        );
    }
}

/// Removes everything in a bucket, delete markers too, as far as it can.
pub(crate) async fn empty(s3: &Client, bucket: &str) {
    loop {
        let Ok(page) = s3.list_object_versions().bucket(bucket).send().await else {
            return;
        };
        let objects = page.versions().iter().map(|one| (one.key(), one.version_id()));
        let markers = page.delete_markers().iter().map(|one| (one.key(), one.version_id()));
        let all: Vec<_> = objects.chain(markers).collect();
        if all.is_empty() {
            return;
        }
        for (key, version) in all {
            let request = s3.delete_object().bucket(bucket).set_key(key.map(str::to_owned));
            let request = request.set_version_id(version.map(str::to_owned));
            if request.send().await.is_err() {
                return;
            }
        }
    }
}

/// A database and a bucket that nobody else uses.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) database_url: String,
    pub(crate) database: String,
    pub(crate) s3: Reachable,
    pub(crate) bucket: String,
}

impl Services {
    pub(crate) async fn create() -> Self {
        let name = format!("commonhold_test_{}", hex(&random::<8>()));
        let services = Self {
            database_url: setting("DATABASE_URL").expect("DATABASE_URL"),
            bucket: name.replace('_', "-"),
            database: name,
            s3: Reachable::from_settings(),
        };
        services
            .statement(&format!("CREATE DATABASE {} TEMPLATE template0", services.database))
            .await;
        services
            .s3()
            .create_bucket()
            .bucket(&services.bucket)
            .send()
            .await
            .expect("a bucket");
        services
    }

    /// The address of the server's own database.
    pub(crate) fn own_database_url(&self) -> String {
        let (before, _) = self.database_url.rsplit_once('/').expect("an address with a database");
        format!("{before}/{}", self.database)
    }

    /// Runs a statement on the shared database. Making databases side by side may fail for a moment.
    async fn statement(&self, text: &str) {
        let mut last = None;
        for _ in 0..50 {
            let (client, connection) = tokio_postgres::connect(&self.database_url, NoTls)
                .await
                .expect("PostgreSQL");
            let connection = tokio::spawn(connection);
            let outcome = client.batch_execute(text).await;
            connection.abort();
            match outcome {
                Ok(()) => return,
                Err(error) => last = Some(error),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{text}: {last:?}");
    }

    /// Ends the server's connections to the database, as a restart of the database does.
    pub(crate) async fn end_connections(&self) {
        let text = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            self.database
        );
        self.statement(&text).await;
    }

    pub(crate) fn s3(&self) -> Client {
        self.s3.client()
    }

    /// The keys of all that lies in the bucket, one per version, and of uploads in parts that were begun.
    pub(crate) async fn stored(&self) -> Vec<String> {
        let s3 = self.s3();
        let mut keys: Vec<String> = versions(&s3, &self.bucket)
            .await
            .into_iter()
            .map(|one| one.key)
            .collect();
        let begun = s3
            .list_multipart_uploads()
            .bucket(&self.bucket)
            .send()
            .await
            .expect("uploads in parts");
        keys.extend(
            begun
                .uploads()
                .iter()
                .map(|upload| format!("in parts: {}", upload.key().unwrap_or_default())),
        );
        keys
    }

    /// Removes the database and the bucket. What cannot be removed is left: the test has its outcome already.
    pub(crate) async fn remove(&self) {
        self.statement(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database))
            .await;
        let s3 = self.s3();
        empty(&s3, &self.bucket).await;
        drop(s3.delete_bucket().bucket(&self.bucket).send().await);
    }
}
