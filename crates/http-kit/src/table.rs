//! A table of routes, and how the route of a request is found in it.

use axum::http::Method;

use crate::{Dialect, Refusal, Route, call};

/// A table that has been checked: no path is declared twice in different words.
pub(crate) struct Table<D: Dialect> {
    routes: Vec<Route<D>>,
    /// The routes of each path, by their place in the table.
    paths: matchit::Router<Vec<usize>>,
}

/// A route that was found, by its place in the table, and the segments that vary.
pub(crate) type Found = Option<(usize, Vec<(String, String)>)>;

/// Whether a router can be built of a table.
pub fn check<D: Dialect>(routes: Vec<Route<D>>) -> Result<(), matchit::InsertError> {
    Table::new(routes).map(drop)
}

impl<D: Dialect> Table<D> {
    pub(crate) fn new(routes: Vec<Route<D>>) -> Result<Self, matchit::InsertError> {
        let mut grouped: Vec<(&'static str, Vec<usize>)> = Vec::new();
        for (at, route) in routes.iter().enumerate() {
            match grouped.iter_mut().find(|(path, _)| *path == route.path) {
                Some((_, places)) => places.push(at),
                None => grouped.push((route.path, vec![at])),
            }
        }
        let mut paths = matchit::Router::new();
        for (path, places) in grouped {
            paths.insert(fold(path), places)?;
        }
        Ok(Self { routes, paths })
    }

    pub(crate) fn routes(&self) -> &[Route<D>] {
        &self.routes
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Route<D>> {
        self.routes.get(at)
    }

    /// Finds the route of what is left of a path below the mount. Letter case and one trailing slash do not matter;
    /// `HEAD` finds the route of `GET` where it has none of its own.
    pub(crate) fn find(&self, method: &Method, below: &str) -> Result<Found, Refusal> {
        let below = below.strip_suffix('/').unwrap_or(below);
        let below = if below.is_empty() { "/" } else { below };
        let Ok(matched) = self.paths.at(&below.to_ascii_lowercase()).map(|matched| matched.value) else {
            return Ok(None);
        };
        let of = |wanted: &Method| {
            let mut places = matched.iter().copied();
            places.find(|at| self.get(*at).is_some_and(|route| route.method == *wanted))
        };
        let at = match of(method) {
            None if method == Method::HEAD => of(&Method::GET),
            found => found,
        };
        match at.and_then(|at| Some((at, self.get(at)?))) {
            Some((at, route)) => Ok(Some((at, parameters(route.path, below)?))),
            None => Ok(None),
        }
    }
}

/// A template in the form that folded paths are compared with: the names of segments keep their case.
fn fold(template: &str) -> String {
    let segments = template.split('/').map(|segment| match name(segment) {
        Some(_) => segment.to_owned(),
        None => segment.to_ascii_lowercase(),
    });
    segments.collect::<Vec<_>>().join("/")
}

fn name(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// The segments that vary, as they were sent.
fn parameters(template: &str, path: &str) -> Result<Vec<(String, String)>, Refusal> {
    let named = template.split('/').zip(path.split('/'));
    let named = named.filter_map(|(pattern, sent)| Some((name(pattern)?.to_owned(), sent)));
    named.map(|(name, sent)| Ok((name, call::decode(sent)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Answer, Asked, Call, Needs};

    struct Dummy;

    impl Dialect for Dummy {
        type Failure = Refusal;

        const NAME: &'static str = "dummy";

        fn failure(&self, _: &Asked<'_>, _: Refusal) -> Answer {
            Answer::empty(axum::http::StatusCode::IM_A_TEAPOT)
        }
    }

    async fn handle(_: Call) -> Result<Answer, Refusal> {
        Err(Refusal::UnknownRoute)
    }

    fn route(method: Method, path: &'static str) -> Route<Dummy> {
        Route::new(method, path, path, Needs::NOTHING, handle)
    }

    fn table() -> Table<Dummy> {
        let routes = vec![
            route(Method::GET, "/"),
            route(Method::GET, "/user/idpList"),
            route(Method::GET, "/object/{objectId}"),
            route(Method::HEAD, "/object/{objectId}"),
            route(Method::GET, "/object/{objectId}/version"),
        ];
        Table::new(routes).unwrap()
    }

    fn find(method: &Method, path: &str) -> Option<(usize, String)> {
        let (at, parameters) = table().find(method, path).unwrap()?;
        let told: Vec<String> = parameters
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Some((at, told.join("&")))
    }

    #[test]
    fn letter_case_and_a_trailing_slash_do_not_matter() {
        let plain = |at| Some((at, String::new()));
        for path in ["", "/"] {
            assert_eq!(find(&Method::GET, path), plain(0));
        }
        for path in ["/user/idpList", "/USER/IDPLIST/", "/user/idplist"] {
            assert_eq!(find(&Method::GET, path), plain(1), "{path}");
        }
        for (path, at, id) in [
            ("/object/A%20b", 2, "A b"),
            ("/Object/x/", 2, "x"),
            ("/object/Y/VERSION", 4, "Y"),
        ] {
            assert_eq!(find(&Method::GET, path), Some((at, format!("objectId={id}"))), "{path}");
        }
    }

    #[test]
    fn head_is_served_by_get_unless_it_has_a_route() {
        assert_eq!(find(&Method::HEAD, "/object/x").unwrap().0, 3);
        assert_eq!(find(&Method::HEAD, "/object/x/version").unwrap().0, 4);
    }

    #[test]
    fn anything_else_is_unknown() {
        for (method, path) in [
            (Method::GET, "/nothing"),
            (Method::GET, "/object"),
            (Method::GET, "/object/x//"),
            (Method::GET, "/object/x/y"),
            (Method::POST, "/object/x"),
            (Method::HEAD, "/object"),
        ] {
            assert_eq!(find(&method, path), None, "{method} {path}");
        }
        assert!(matches!(
            table().find(&Method::GET, "/object/%ff"),
            Err(Refusal::Malformed(_))
        ));
    }

    #[test]
    fn two_names_for_one_segment_are_refused() {
        assert!(check(vec![route(Method::GET, "/a/{x}"), route(Method::PUT, "/a/{y}")]).is_err());
    }
}
