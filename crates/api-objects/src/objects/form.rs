//! Uploads by `multipart/form-data`: the first file part, streamed, and nothing after it.

use std::sync::Arc;

use app::body::BodyError;
use axum::{
    body::Body,
    http::{HeaderMap, header},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use multer::{Field, Multipart};
use parking_lot::Mutex;

/// The most bytes that are read ahead of what is used: a part's headers and the boundary must fit.
const READ_AHEAD: usize = 256 * 1024;

/// Why a form is not an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    /// It does not follow the grammar of RFC 7578, or broke off.
    #[error("the form cannot be read")]
    Malformed,
    /// Nothing in it is a file.
    #[error("the form has no file")]
    NoFile,
    /// More than one file.
    #[error("the form has more than one file")]
    SecondFile,
}

/// A form whose parts are read one by one.
pub(crate) struct Form {
    parts: Multipart<'static>,
    allowance: Allowance,
}

/// The file of a form, not yet read.
pub(crate) struct File {
    /// Its name, as sent.
    pub(crate) name: String,
    /// Its type, if one is given.
    pub(crate) mime_type: Option<String>,
    /// Its bytes. They end with an error if a second file follows, so that nothing becomes visible.
    pub(crate) body: app::body::Body,
    /// What was wrong with the form, known once the body has ended.
    pub(crate) verdict: Arc<Mutex<Option<FormError>>>,
}

/// The boundary of a form; `None` if the request is not one.
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    multer::parse_boundary(content_type).ok()
}

impl Form {
    /// A form in a request body.
    pub(crate) fn new(body: Body, boundary: String) -> Self {
        let allowance = Allowance::default();
        let parts = Multipart::new(paced(body, allowance.clone()), boundary);
        Self { parts, allowance }
    }

    /// Skips to the first file.
    pub(crate) async fn file(mut self) -> Result<File, FormError> {
        while let Some(mut field) = self.next().await? {
            let Some(name) = field.file_name().map(str::to_owned) else {
                self.skip(&mut field).await?;
                continue;
            };
            let mime_type = field
                .headers()
                .get(header::CONTENT_TYPE)
                .and_then(|value| value.to_str().ok());
            let (mime_type, verdict) = (mime_type.map(str::to_owned), Arc::default());
            let body = self.body(field, Arc::clone(&verdict));
            return Ok(File {
                name,
                mime_type,
                body,
                verdict,
            });
        }
        Err(FormError::NoFile)
    }

    /// The bytes of the file, and after them the check that it was the last.
    fn body(self, field: Field<'static>, verdict: Arc<Mutex<Option<FormError>>>) -> app::body::Body {
        let state = Some((self, field, verdict));
        stream::unfold(state, |state| async move {
            let (mut form, mut field, verdict) = state?;
            match form.chunk(&mut field).await {
                Ok(Some(piece)) => return Some((Ok(piece), Some((form, field, verdict)))),
                Ok(None) => drop(field),
                Err(error) => return Some((broken(&verdict, error), None)),
            }
            match form.nothing_follows().await {
                Ok(()) => None,
                Err(error) => Some((broken(&verdict, error), None)),
            }
        })
        .boxed()
    }

    async fn nothing_follows(&mut self) -> Result<(), FormError> {
        while let Some(mut field) = self.next().await? {
            if field.file_name().is_some() {
                return Err(FormError::SecondFile);
            }
            self.skip(&mut field).await?;
        }
        Ok(())
    }

    async fn skip(&self, field: &mut Field<'static>) -> Result<(), FormError> {
        while self.chunk(field).await?.is_some() {}
        Ok(())
    }

    async fn chunk(&self, field: &mut Field<'static>) -> Result<Option<Bytes>, FormError> {
        let piece = field.chunk().await.map_err(|_| FormError::Malformed)?;
        self.allowance.refill();
        Ok(piece)
    }

    async fn next(&mut self) -> Result<Option<Field<'static>>, FormError> {
        let field = self.parts.next_field().await.map_err(|_| FormError::Malformed)?;
        self.allowance.refill();
        Ok(field)
    }
}

fn broken(verdict: &Mutex<Option<FormError>>, error: FormError) -> Result<Bytes, BodyError> {
    *verdict.lock() = Some(error);
    Err(BodyError::Failed(Box::new(error)))
}

/// How many bytes may still be read before something of the form must have been understood.
#[derive(Clone)]
struct Allowance(Arc<Mutex<usize>>);

impl Default for Allowance {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(READ_AHEAD)))
    }
}

impl Allowance {
    fn refill(&self) {
        *self.0.lock() = READ_AHEAD;
    }

    fn spend(&self, bytes: usize) -> bool {
        let mut left = self.0.lock();
        match left.checked_sub(bytes) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum PaceError {
    #[error("the sender went away")]
    Aborted,
    #[error("the headers of a part are too long")]
    TooLong,
}

/// The parser reads its source for as long as it has something at hand, and keeps all of it. So the source yields after
/// every piece, and ends with an error when the parser reads far ahead without giving anything back.
fn paced(body: Body, allowance: Allowance) -> impl Stream<Item = Result<Bytes, PaceError>> + Send + 'static {
    let mut pieces = body.into_data_stream();
    let mut rested = true;
    stream::poll_fn(move |context| {
        if !rested {
            rested = true;
            context.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        let piece = std::task::ready!(pieces.poll_next_unpin(context));
        rested = false;
        std::task::Poll::Ready(piece.map(|piece| match piece {
            Ok(piece) if allowance.spend(piece.len()) => Ok(piece),
            Ok(_) => Err(PaceError::TooLong),
            Err(_) => Err(PaceError::Aborted),
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a b.txt\"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n";
    const TEXT: &str = "--x\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nignored\r\n";
    const END: &str = "--x--\r\n";

    fn form(parts: &[&str]) -> Form {
        // Byte by byte, so that every boundary is met in the middle of a piece.
        let pieces: Vec<Result<Bytes, std::convert::Infallible>> = parts
            .concat()
            .into_bytes()
            .into_iter()
            .map(|byte| Ok(Bytes::from(vec![byte])))
            .collect();
        Form::new(Body::from_stream(stream::iter(pieces)), "x".to_owned())
    }

    async fn upload(parts: &[&str]) -> (Result<Bytes, ()>, Option<FormError>) {
        let file = form(parts).file().await.unwrap();
        assert_eq!(
            (file.name.as_str(), file.mime_type.as_deref()),
            ("a b.txt", Some("text/plain; charset=utf-8"))
        );
        let read = app::body::collect(file.body, 1000).await.map_err(|_| ());
        let verdict = *file.verdict.lock();
        (read, verdict)
    }

    #[tokio::test]
    async fn the_first_file_is_the_object() {
        for parts in [
            &[FILE, END][..],
            &[TEXT, FILE, END],
            &[FILE, TEXT, END],
            &[TEXT, TEXT, FILE, TEXT, END],
        ] {
            assert_eq!(upload(parts).await, (Ok(Bytes::from_static(b"hello")), None));
        }
    }

    #[tokio::test]
    async fn a_second_file_spoils_the_first() {
        assert_eq!(upload(&[FILE, FILE, END]).await, (Err(()), Some(FormError::SecondFile)));
        assert_eq!(
            upload(&[FILE, TEXT, FILE, END]).await,
            (Err(()), Some(FormError::SecondFile))
        );
    }

    #[tokio::test]
    async fn a_form_that_breaks_off_is_no_upload() {
        assert_eq!(upload(&[FILE]).await, (Err(()), Some(FormError::Malformed)));
        assert_eq!(form(&[TEXT, END]).file().await.err(), Some(FormError::NoFile));
        assert_eq!(form(&["junk"]).file().await.err(), Some(FormError::Malformed));
        assert_eq!(form(&[""]).file().await.err(), Some(FormError::Malformed));
    }

    #[tokio::test]
    async fn endless_headers_are_cut_off() {
        let endless = stream::iter(0..10_000).map(|n| match n {
            0 => Ok::<_, std::convert::Infallible>(Bytes::from_static(b"--x\r\nContent-Disposition: form-data; name=")),
            _ => Ok(Bytes::from(vec![b'n'; 1024])),
        });
        let form = Form::new(Body::from_stream(endless), "x".to_owned());
        assert_eq!(form.file().await.err(), Some(FormError::Malformed));
    }

    #[tokio::test]
    async fn long_files_and_texts_pass() {
        let long = "y".repeat(3 * READ_AHEAD);
        let text = TEXT.replace("ignored", &long);
        let file = FILE.replace("hello", &long);
        let pieces: Vec<Result<Bytes, std::convert::Infallible>> = [text, file, END.to_owned()]
            .concat()
            .into_bytes()
            .chunks(16 * 1024)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        let form = Form::new(Body::from_stream(stream::iter(pieces)), "x".to_owned());
        let read = app::body::collect(form.file().await.unwrap().body, usize::MAX)
            .await
            .unwrap();
        assert_eq!(read.len(), long.len());
    }

    #[test]
    fn only_forms_have_a_boundary() {
        let with = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, axum::http::HeaderValue::from_static(value));
            boundary(&headers)
        };
        assert_eq!(with("multipart/form-data; boundary=x"), Some("x".to_owned()));
        assert_eq!(with("application/json"), None);
        assert_eq!(with("multipart/form-data"), None);
        assert_eq!(boundary(&HeaderMap::new()), None);
    }
}
