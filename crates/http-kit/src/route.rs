//! The route table: every address of a dialect, with what it needs, in one place.
//!
//! The router is built from the table, so a route that declares nothing cannot exist; tests and documents read it.

use std::{borrow::Cow, fmt, future::Future};

use app::PermissionCode;
use axum::http::Method;
use futures_util::future::BoxFuture;

use crate::{Answer, Call, Dialect};

/// Which credentials a route asks for. Credentials that are wrong fail on every route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// None.
    Optional,
    /// Any.
    Required,
    /// A bearer token.
    BearerOnly,
    /// The name and password of the server's superuser.
    BasicOnly,
    /// A token of an organisation.
    Token,
}

/// Where the thing is named that a permission code is needed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum On {
    /// The bucket in the path.
    Bucket,
    /// The object in the path.
    Object,
    /// The bucket in the query.
    BucketInQuery,
}

/// What a route needs (objects contract, section 3.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Needs {
    /// Which credentials.
    pub authentication: Authentication,
    /// While the privacy mask is on, bearer tokens of the elevated identity providers only.
    pub elevated: bool,
    /// A permission code. The use case behind the route enforces it; the table states it for tests and documents.
    pub permission: Option<(PermissionCode, On)>,
}

impl Needs {
    /// Nothing: anybody may ask.
    pub const NOTHING: Self = Self {
        authentication: Authentication::Optional,
        elevated: false,
        permission: None,
    };

    /// Any authentication.
    pub const AUTHENTICATION: Self = Self {
        authentication: Authentication::Required,
        ..Self::NOTHING
    };

    /// A token of an organisation. How far it reaches, the use case decides.
    pub const TOKEN: Self = Self {
        authentication: Authentication::Token,
        ..Self::NOTHING
    };

    /// Any authentication, and a code on the bucket or object that the request names.
    pub const fn code(code: PermissionCode, on: On) -> Self {
        Self {
            permission: Some((code, on)),
            ..Self::AUTHENTICATION
        }
    }

    /// The same, asked without credentials too: what is public is public.
    pub const fn or_public(self) -> Self {
        Self {
            authentication: Authentication::Optional,
            ..self
        }
    }

    /// The same, and the elevated guard.
    pub const fn elevated(self) -> Self {
        Self { elevated: true, ..self }
    }
}

type Handler<D> = Box<dyn Fn(Call) -> BoxFuture<'static, Result<Answer, <D as Dialect>::Failure>> + Send + Sync>;

/// One address of a dialect.
pub struct Route<D: Dialect> {
    /// The method. A `GET` answers `HEAD` as well, unless `HEAD` has a route of its own.
    pub method: Method,
    /// The path below the dialect's mount, with `{name}` for a segment that varies.
    pub path: &'static str,
    /// The operation's name in the contract.
    pub name: Cow<'static, str>,
    /// What it needs.
    pub needs: Needs,
    /// Whether pages of other sites may embed the answer.
    pub embeddable: bool,
    pub(crate) handler: Handler<D>,
}

impl<D: Dialect> Route<D> {
    /// A route.
    pub fn new<H, F>(
        method: Method,
        path: &'static str,
        name: impl Into<Cow<'static, str>>,
        needs: Needs,
        handler: H,
    ) -> Self
    where
        H: Fn(Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Answer, D::Failure>> + Send + 'static,
    {
        Self {
            method,
            path,
            name: name.into(),
            needs,
            embeddable: false,
            handler: Box::new(move |call| Box::pin(handler(call))),
        }
    }

    /// The same route, for answers that pages of other sites may embed.
    pub fn embeddable(self) -> Self {
        Self {
            embeddable: true,
            ..self
        }
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.authentication {
            Authentication::Optional => "anybody",
            Authentication::Required => "signed in",
            Authentication::BearerOnly => "bearer",
            Authentication::BasicOnly => "basic",
            Authentication::Token => "token",
        })?;
        if self.elevated {
            f.write_str(", elevated")?;
        }
        match self.permission {
            None => Ok(()),
            Some((code, On::Bucket)) => write!(f, ", {code:?} on the bucket"),
            Some((code, On::Object)) => write!(f, ", {code:?} on the object"),
            Some((code, On::BucketInQuery)) => write!(f, ", {code:?} on the bucket in the query"),
        }
    }
}

impl<D: Dialect> fmt::Debug for Route<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}): {}", self.method, self.path, self.name, self.needs)
    }
}
