//! A body whose length is not known before it ends, kept aside in an anonymous file until it is.

use blob::{Body, BodyError};
use domain::Kind;
use futures_util::{StreamExt, stream};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt},
};

use crate::{App, Error, Result};

/// How much of the file is read at a time.
const PIECE: usize = 256 * 1024;

/// A body with its length.
pub(super) struct Aside {
    pub(super) length: u64,
    pub(super) body: Body,
}

impl App {
    /// Reads a body to its end into a file without a name, which is gone when the body it becomes is dropped.
    pub(super) async fn spool(&self, mut body: Body) -> Result<Aside> {
        let folder = self.settings().spool_folder.clone();
        let file = tokio::task::spawn_blocking(move || tempfile::tempfile_in(folder))
            .await
            .map_err(|error| no_room(error.into()))?
            .map_err(no_room)?;
        let mut file = File::from_std(file);
        let mut length = 0;
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(blob::Error::from)?;
            length += piece.len() as u64;
            if length > self.settings().max_object_bytes {
                return Err(Error::new(
                    Kind::TooLarge,
                    "The object is larger than this server takes",
                ));
            }
            file.write_all(&piece).await.map_err(no_room)?;
        }
        file.flush().await.map_err(no_room)?;
        file.rewind().await.map_err(no_room)?;
        Ok(Aside {
            length,
            body: read(file),
        })
    }
}

fn no_room(error: std::io::Error) -> Error {
    blob::Error::from(error).into()
}

fn read(file: File) -> Body {
    stream::try_unfold(file, |mut file| async move {
        let mut piece = Vec::with_capacity(PIECE);
        match (&mut file).take(PIECE as u64).read_to_end(&mut piece).await {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some((piece.into(), file))),
            Err(error) => Err(BodyError::Failed(Box::new(error))),
        }
    })
    .boxed()
}
