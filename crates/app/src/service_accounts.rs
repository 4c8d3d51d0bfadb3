//! Service accounts: whoever knows the credentials of a registered S3 bucket may do everything in the buckets registered
//! with them, and nothing elsewhere (objects contract 1.4, 1.7).
//!
//! The database is asked first, by a keyed hash of place and credentials: an address that nobody registered is never
//! called, and a secret that is not the one on record is refused without asking anybody (E-01, E-08). Only then the store
//! says whether it still takes them.

use std::sync::Arc;

use domain::{Kind, StorageId};
use identity::secret::Basic;
use store::{
    Access, Meter, Op, Session, StoreError,
    buckets::{self, BucketRow, WithoutAccount},
};

use crate::{App, AuthenticationError, Caller, Error, Result, ServiceAccount, buckets::Mount, sign_in::unavailable};

/// The two headers that say which bucket the Basic credentials of a request are for.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccountHeaders<'a> {
    /// `x-amz-endpoint`.
    pub endpoint: Option<&'a str>,
    /// `x-amz-bucket`.
    pub bucket: Option<&'a str>,
}

impl App {
    /// The service account of credentials, if the headers name one.
    pub(crate) async fn service_account(
        &self,
        headers: AccountHeaders<'_>,
        given: &Basic,
        meter: &Arc<Meter>,
    ) -> Result<Option<Caller>, AuthenticationError> {
        if !self.settings().s3_accounts {
            return Ok(None);
        }
        let (endpoint, bucket) = match (headers.endpoint, headers.bucket) {
            (None, None) => return Ok(None),
            (Some(endpoint), Some(bucket)) => (endpoint.trim_end_matches('/'), bucket),
            _ => return Err(AuthenticationError::HalfAccount),
        };
        let Basic::Pair { username, password } = given else {
            return Err(AuthenticationError::WrongAccount);
        };
        if !self.storages().allows(endpoint) {
            return Err(AuthenticationError::WrongAccount);
        }
        let mount = Mount {
            endpoint: endpoint.to_owned(),
            bucket: bucket.to_owned(),
            access_key_id: username.clone(),
            secret_access_key: password.clone(),
            region: None,
        };
        let account = self.storages().account(&mount);
        let found = self.store().run(Find(account.clone()), meter).await;
        let Some((ids, row)) = found.map_err(unavailable)? else {
            return Err(AuthenticationError::WrongAccount);
        };
        let still_good = match self.storages().of(&row) {
            Ok(blobs) => blobs.check().await.map_err(Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = still_good {
            tracing::info!(%error, "the store refuses a service account, or cannot be reached");
            return Err(AuthenticationError::WrongAccount);
        }
        Ok(Some(Caller::ServiceAccount(ServiceAccount {
            endpoint: mount.endpoint,
            bucket: mount.bucket,
            hash: account.into(),
            buckets: ids.into(),
        })))
    }

    /// Makes the hashes that are missing: of storages registered before there were any, and of all of them when the
    /// server has a new key. Until then their accounts are refused.
    pub(crate) async fn make_accounts(&self) -> Result<usize> {
        let meter = self.job_context().meter;
        let (mut after, mut count) = (StorageId(0), 0);
        loop {
            let batch = Without(self.storages().account_prefix(), after);
            let batch = self.store().run(batch, &meter).await?;
            let Some(last) = batch.last() else { return Ok(count) };
            after = last.sealed.id;
            let mut made = Vec::new();
            for one in batch {
                match self.storages().open(&one.sealed) {
                    Ok((access_key_id, secret_access_key)) => {
                        let mount = Mount {
                            endpoint: one.endpoint.clone(),
                            bucket: one.s3_bucket.clone(),
                            access_key_id,
                            secret_access_key,
                            region: None,
                        };
                        made.push((self.storages().account(&mount), one));
                    }
                    Err(error) => tracing::warn!(%error, storage = one.sealed.id.0, "a storage cannot be opened"),
                }
            }
            count += made.len();
            self.store().run(Set(made), &meter).await?;
        }
    }
}

/// A service account registers buckets only where it is at home, and with its own credentials.
pub(crate) fn may_register(app: &App, caller: &Caller, mount: Option<&Mount>) -> Result<()> {
    match (caller, mount) {
        (Caller::ServiceAccount(account), Some(mount)) if app.storages().account(mount) == *account.hash => Ok(()),
        (Caller::ServiceAccount(_), _) => Err(Error::new(
            Kind::Denied,
            "A service account registers buckets with its own credentials only",
        )),
        _ => Ok(()),
    }
}

/// The buckets of an account, and one of them with what its client is made of.
#[derive(Clone)]
struct Find(Vec<u8>);

impl Op for Find {
    type Out = Option<(Vec<domain::ItemId>, BucketRow)>;
    type Error = StoreError;
    const ACCESS: Access = Access::Point;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out, StoreError> {
        let ids = buckets::of_account(s, &self.0).await?;
        let Some(first) = ids.first() else { return Ok(None) };
        let row = buckets::find_by_id(s, *first).await?;
        Ok(row.map(|row| (ids, row)))
    }
}

/// How many hashes are made in one transaction.
const BATCH: i64 = 200;

#[derive(Clone)]
struct Without(Vec<u8>, StorageId);

impl Op for Without {
    type Out = Vec<WithoutAccount>;
    type Error = Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        Ok(buckets::without_account(s, &self.0, self.1, BATCH).await?)
    }
}

#[derive(Clone)]
struct Set(Vec<(Vec<u8>, WithoutAccount)>);

impl Op for Set {
    type Out = ();
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<()> {
        for (account, one) in &self.0 {
            buckets::set_account(s, &one.sealed, account).await?;
        }
        Ok(())
    }
}
