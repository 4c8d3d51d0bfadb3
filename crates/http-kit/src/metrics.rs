//! Counters of the edge, in the text format that Prometheus reads.

use std::{
    fmt::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::http::StatusCode;
use parking_lot::Mutex;

/// Upper bounds of the duration histogram, in microseconds.
const BOUNDS: [u64; 12] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 5_000_000, 30_000_000,
];

/// The counters of every dialect of one server. The program makes one and prints it at `/metrics`.
#[derive(Debug, Default)]
pub struct Metrics {
    in_flight: AtomicI64,
    tables: Mutex<Vec<Arc<[RouteMetrics]>>>,
}

/// The counters of one route.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    dialect: &'static str,
    method: String,
    template: String,
    classes: [AtomicU64; 5],
    durations: [AtomicU64; BOUNDS.len()],
    microseconds: AtomicU64,
    abandoned: AtomicU64,
}

/// A request under way: counted in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Metrics>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

impl Metrics {
    /// Requests being answered right now.
    pub fn in_flight(&self) -> i64 {
        self.in_flight.load(Relaxed)
    }

    pub(crate) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(Arc::clone(self))
    }

    pub(crate) fn register(&self, routes: impl Iterator<Item = RouteMetrics>) -> Arc<[RouteMetrics]> {
        let table: Arc<[RouteMetrics]> = routes.collect();
        self.tables.lock().push(Arc::clone(&table));
        table
    }
}

impl RouteMetrics {
    pub(crate) fn new(dialect: &'static str, method: &str, template: &str) -> Self {
        Self {
            dialect,
            method: method.to_owned(),
            template: template.to_owned(),
            classes: Default::default(),
            durations: Default::default(),
            microseconds: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
        }
    }

    pub(crate) fn count(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.classes.get(class) {
            counter.fetch_add(1, Relaxed);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(micros, Relaxed);
        let slot = BOUNDS.iter().position(|bound| micros <= *bound);
        if let Some(counter) = slot.and_then(|slot| self.durations.get(slot)) {
            counter.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn abandon(&self) {
        self.abandoned.fetch_add(1, Relaxed);
    }

    fn total(&self) -> u64 {
        self.classes.iter().map(|class| class.load(Relaxed)).sum()
    }

    fn labels(&self) -> String {
        format!(
            "api=\"{}\",method=\"{}\",route=\"{}\"",
            self.dialect, self.method, self.template
        )
    }
}

impl fmt::Display for Metrics {
    /// The exposition format: routes that were never called are left out.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            out,
            "# TYPE http_requests_in_flight gauge\nhttp_requests_in_flight {}",
            self.in_flight()
        )?;
        let (mut requests, mut durations) = (String::new(), String::new());
        let tables = self.tables.lock();
        for route in tables.iter().flat_map(|table| table.iter()) {
            let labels = route.labels();
            for (class, counter) in (1_u8..).zip(&route.classes) {
                let count = counter.load(Relaxed);
                if count > 0 {
                    writeln!(requests, "http_requests_total{{{labels},status=\"{class}xx\"}} {count}")?;
                }
            }
            let abandoned = route.abandoned.load(Relaxed);
            if abandoned > 0 {
                writeln!(
                    requests,
                    "http_requests_total{{{labels},status=\"abandoned\"}} {abandoned}"
                )?;
            }
            if route.total() > 0 {
                route.write_durations(&labels, &mut durations)?;
            }
        }
        write!(out, "# TYPE http_requests_total counter\n{requests}")?;
        write!(out, "# TYPE http_request_duration_seconds histogram\n{durations}")
    }
}

impl RouteMetrics {
    fn write_durations(&self, labels: &str, out: &mut String) -> fmt::Result {
        let mut below = 0;
        for (bound, counter) in BOUNDS.iter().zip(&self.durations) {
            below += counter.load(Relaxed);
            let seconds = Duration::from_micros(*bound).as_secs_f64();
            writeln!(
                out,
                "http_request_duration_seconds_bucket{{{labels},le=\"{seconds}\"}} {below}"
            )?;
        }
        let total = self.total();
        let sum = Duration::from_micros(self.microseconds.load(Relaxed)).as_secs_f64();
        writeln!(
            out,
            "http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {total}"
        )?;
        writeln!(out, "http_request_duration_seconds_sum{{{labels}}} {sum}")?;
        writeln!(out, "http_request_duration_seconds_count{{{labels}}} {total}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_was_counted() {
        let metrics = Arc::new(Metrics::default());
        let table = metrics.register(
            [
                RouteMetrics::new("objects", "GET", "/object/{objectId}"),
                RouteMetrics::new("objects", "GET", "/never"),
            ]
            .into_iter(),
        );
        let running = metrics.enter();
        table[0].count(StatusCode::OK, Duration::from_micros(90));
        table[0].count(StatusCode::NOT_FOUND, Duration::from_micros(300));
        table[0].count(StatusCode::OK, Duration::from_secs(100));
        table[0].abandon();
        let text = metrics.to_string();
        let labels = "api=\"objects\",method=\"GET\",route=\"/object/{objectId}\"";
        for line in [
            "http_requests_in_flight 1".to_owned(),
            format!("http_requests_total{{{labels},status=\"2xx\"}} 2"),
            format!("http_requests_total{{{labels},status=\"4xx\"}} 1"),
            format!("http_requests_total{{{labels},status=\"abandoned\"}} 1"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"0.0001\"}} 1"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"0.0005\"}} 2"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"30\"}} 2"),
            format!("http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 3"),
            format!("http_request_duration_seconds_sum{{{labels}}} 100.00039"),
        ] {
            assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("/never"));
        drop(running);
        assert_eq!(metrics.in_flight(), 0);
    }
}
