//! The keys of the built-in issuer: all nodes sign with the same one, which the database keeps sealed.

use domain::{Clock, Entropy, Kind, Timestamp};
use identity::{issuer::SigningKey, sealed::Sealer};
use store::{Access, Meter, Op, Session, Store, people};

use crate::{Error, Result};

/// What a sealed key is bound to.
const PURPOSE: &[u8] = b"signing_key";

/// The keys of the built-in issuer, newest last; the first one is made when there is none.
pub async fn load(store: &Store, sealer: &Sealer, clock: &dyn Clock, entropy: &dyn Entropy) -> Result<Vec<SigningKey>> {
    let unusable = |error: String| Error::new(Kind::Internal, "The signing key cannot be used").because(error);
    let (_, fresh) = SigningKey::generate().map_err(|error| unusable(error.to_string()))?;
    let fresh = sealer
        .seal(&fresh, PURPOSE, entropy)
        .map_err(|error| unusable(error.to_string()))?;
    let rows = store
        .run(
            LoadOrAdd {
                sealed: fresh,
                now: clock.now(),
            },
            &std::sync::Arc::new(Meter::default()),
        )
        .await?;
    rows.iter()
        .map(|row| {
            let pkcs8 = sealer.open(row, PURPOSE).map_err(|error| unusable(error.to_string()))?;
            SigningKey::from_pkcs8(&pkcs8).map_err(|error| unusable(error.to_string()))
        })
        .collect()
}

#[derive(Clone)]
struct LoadOrAdd {
    sealed: Vec<u8>,
    now: Timestamp,
}

impl Op for LoadOrAdd {
    type Out = Vec<Vec<u8>>;
    type Error = Error;
    const ACCESS: Access = Access::Write;

    async fn run<S: Session>(self, s: &mut S) -> Result<Self::Out> {
        let keys = people::signing_keys(s).await?;
        if !keys.is_empty() {
            return Ok(keys);
        }
        people::add_signing_key(s, &self.sealed, self.now).await?;
        Ok(vec![self.sealed])
    }
}
