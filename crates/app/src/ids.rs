//! Ids for rows whose number is known only inside an operation.

use domain::Entropy;
use uuid::Uuid;

/// Random UUIDs (version 4), each made from the one before. An operation that runs again makes the same ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ids(Uuid);

impl Ids {
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        Self(entropy.uuid())
    }

    pub(crate) fn next(&mut self) -> Uuid {
        let digest = identity::secret::hash(&self.0.simple().to_string());
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        self.0 = uuid::Builder::from_random_bytes(id).into_uuid();
        self.0
    }

    pub(crate) fn take(&mut self, count: usize) -> Vec<Uuid> {
        (0..count).map(|_| self.next()).collect()
    }
}
