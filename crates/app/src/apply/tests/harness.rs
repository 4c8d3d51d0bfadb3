//! A server in a temporary folder.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use blob::{Connections, Files};
use domain::{Clock, Entropy, Timestamp};
use identity::{
    bearer::Bearer,
    issuer::{BuiltInIssuer, SigningKey},
    links::LinkSigner,
    password::Passwords,
    sealed::Sealer,
};
use serde_json::Value;
use store::{Access, Op, Session, Statement, Store, StoreError, StoreUrl};
use tempfile::TempDir;

use crate::{App, Caller, Ctx, DefaultStorage, Parts, Settings, Storages, apply};

/// When the clock starts.
pub(super) const START: Timestamp = Timestamp::from_seconds(1_800_000_000);

struct Stopped(AtomicI64);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Relaxed))
    }
}

struct Numbers(AtomicU64);

impl Entropy for Numbers {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let number = self.0.fetch_add(1, Relaxed).to_string();
            chunk.copy_from_slice(&identity::secret::hash(&number)[..chunk.len()]);
        }
    }
}

pub(super) struct House {
    pub(super) app: App,
    clock: Arc<Stopped>,
    _folder: TempDir,
}

impl House {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Stopped(AtomicI64::new(START.0)));
        let entropy = Arc::new(Numbers(AtomicU64::new(0)));
        let store = Store::open(StoreUrl::Sqlite(folder.path().join("db"))).await.unwrap();
        let default = DefaultStorage {
            blobs: Arc::new(Files::open(folder.path().join("files"), &*entropy).unwrap()),
            endpoint: "http://localhost".to_owned(),
            bucket: "default".to_owned(),
        };
        let sealer = Sealer::new(1, [(1, [1; 32])]).unwrap();
        let issuer = BuiltInIssuer::new("http://localhost", SigningKey::generate().unwrap().0);
        let shared: Arc<dyn Clock> = clock.clone();
        let app = App::new(Parts {
            store,
            storages: Storages::new(
                default,
                &[],
                Connections::default(),
                sealer,
                crate::AccountKey::new([3; 32]),
            ),
            bearer: Bearer::new(vec![issuer.trusted()], Arc::clone(&shared)).unwrap(),
            clock: shared,
            entropy,
            issuer,
            passwords: Passwords::new(1),
            links: Arc::new(LinkSigner::new(&[2; 32])),
            mailer: None,
            settings: Settings {
                public_url: "http://localhost".to_owned(),
                basic: None,
                mode: crate::Mode::OidcAuth,
                s3_accounts: false,
                privacy_mask: true,
                elevated_idps: Vec::new(),
                link_seconds: 300,
                max_object_bytes: 1 << 20,
                upload_lease_seconds: 60,
                spool_folder: folder.path().to_owned(),
                token_seconds: 3600,
            },
        });
        Self {
            app,
            clock,
            _folder: folder,
        }
    }

    /// A server in which the full example is true, and what applying it answered.
    pub(super) async fn furnished() -> (Self, Value) {
        let house = Self::new().await;
        let answer = house.apply(example()).await;
        (house, answer)
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000_000, Relaxed);
    }

    /// Applies a file and gives what `--json` prints.
    pub(super) async fn apply(&self, file: Value) -> Value {
        let applied = apply::apply(&self.app, &operator(), apply::World::read(file).unwrap(), false)
            .await
            .unwrap();
        serde_json::to_value(applied).unwrap()
    }

    /// Applies a file that cannot be made true and gives what the operator reads.
    pub(super) async fn refusal(&self, file: Value) -> String {
        let before = self.dump().await;
        let world = apply::World::read(file).unwrap();
        let error = apply::apply(&self.app, &operator(), world, false).await.unwrap_err();
        assert_eq!(self.dump().await, before, "nothing is written");
        error.public.into_owned()
    }

    /// The first column of a query, as text.
    pub(super) async fn column(&self, query: &'static str) -> Vec<String> {
        self.app.store().run(Column(query), &Arc::default()).await.unwrap()
    }

    /// Everything that `apply` may write.
    pub(super) async fn dump(&self) -> Vec<String> {
        let mut rows = Vec::new();
        for query in [
            "SELECT concat_ws('|', id, subject, username, email, full_name, active, platform_administrator, updated_at)
             FROM person ORDER BY id",
            "SELECT concat_ws('|', person_id, email_folded, password_hash) FROM account ORDER BY person_id",
            "SELECT concat_ws('|', id, short_name, name, category, description) FROM organisation ORDER BY id",
            "SELECT concat_ws('|', id, organisation_id, name) FROM unit ORDER BY id",
            "SELECT concat_ws('|', organisation_id, person_id, role, scoped) FROM organisation_membership ORDER BY 1",
            "SELECT concat_ws('|', organisation_id, person_id, unit_id) FROM organisation_membership_unit ORDER BY 1",
            "SELECT concat_ws('|', id, organisation_id, scoped, description, hex(secret_hash)) FROM token ORDER BY id",
            "SELECT concat_ws('|', token_id, unit_id) FROM token_unit ORDER BY 1",
            "SELECT concat_ws('|', id, organisation_id, short_name, name, description) FROM collaboration ORDER BY id",
            "SELECT concat_ws('|', collaboration_id, unit_id) FROM collaboration_unit ORDER BY 1",
            "SELECT concat_ws('|', collaboration_id, person_id, role) FROM collaboration_membership ORDER BY 1",
            "SELECT concat_ws('|', id, collaboration_id, short_name, name, description, auto_provision_members)
             FROM collaboration_group ORDER BY id",
            "SELECT concat_ws('|', group_id, person_id) FROM group_membership ORDER BY 1",
            "SELECT concat_ws('|', id, collaboration_id, email, role, status, expires_at, accepted_by, sender_name)
             FROM invitation ORDER BY id",
            "SELECT concat_ws('|', invitation_id, group_id) FROM invitation_group ORDER BY 1",
            "SELECT concat_ws('|', id, organisation_id, value, is_default, scoped) FROM label ORDER BY id",
            "SELECT concat_ws('|', label_id, unit_id) FROM label_unit ORDER BY 1",
            "SELECT concat_ws('|', collaboration_id, label_id) FROM collaboration_label ORDER BY 1",
            "SELECT concat_ws('|', id, entity_id, abbreviation, name, details) FROM service ORDER BY id",
            "SELECT concat_ws('|', service_id, organisation_id, automatic) FROM service_organisation ORDER BY 1",
            "SELECT concat_ws('|', service_id, short_name, name) FROM service_group ORDER BY id",
            "SELECT concat_ws('|', collaboration_id, service_id) FROM collaboration_service ORDER BY 1",
            "SELECT concat_ws('|', id, actor, action, object, after) FROM audit ORDER BY id",
        ] {
            rows.extend(self.column(query).await);
        }
        rows
    }
}

#[derive(Clone)]
struct Column(&'static str);

impl Op for Column {
    type Out = Vec<String>;
    type Error = StoreError;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out, StoreError> {
        let statement = Statement {
            name: "TEST_COLUMN",
            sqlite: self.0.into(),
            postgres: self.0.into(),
        };
        s.fetch(&statement, &[], |row| row.get(0)).await
    }
}

/// The command line.
pub(super) fn operator() -> Ctx {
    Ctx {
        caller: Caller::Superuser,
        request_id: "r".to_owned(),
        meter: Arc::default(),
        via: "command-line",
    }
}

/// The full example of a file.
pub(super) fn example() -> Value {
    serde_json::from_str(include_str!("organisations.json")).unwrap()
}
