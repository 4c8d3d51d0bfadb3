//! A store that fails where a test says: what is published must be whole, whatever happens around it.

use std::sync::Arc;

use futures_util::StreamExt;
use parking_lot::Mutex;

use crate::{Blobs, Body, BodyError, Error, Kind, Operation, Result, wrap::wrapper};

/// A place where something can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// The store was not asked yet.
    Before(Operation),
    /// Before the next piece of a body, and before its end.
    Body(Operation),
    /// The store has done it and the caller does not know yet.
    After(Operation),
}

/// What goes wrong.
#[derive(Clone)]
pub enum Fault {
    /// This once: an error, or a body that breaks off.
    Fail,
    /// Everything from here on fails.
    Down,
    /// No answer, ever: whoever called must give up.
    Hang,
    /// Calls this; it may panic or end the process. When it returns, all goes on.
    Call(Arc<dyn Fn(Point) + Send + Sync>),
}

/// Which step goes wrong and how. Steps are numbered from 0 in the order in which they are reached, so a test that
/// makes the same calls reaches the same steps.
#[derive(Clone)]
pub struct Plan {
    fault: Option<(usize, Fault)>,
    passed: Arc<Mutex<Vec<Point>>>,
}

impl Plan {
    /// Nothing goes wrong; [`passed`](Self::passed) tells how many steps there are.
    pub fn none() -> Self {
        Self {
            fault: None,
            passed: Arc::default(),
        }
    }

    /// The step of this number goes wrong.
    pub fn at(step: usize, fault: Fault) -> Self {
        Self {
            fault: Some((step, fault)),
            passed: Arc::default(),
        }
    }

    /// The steps reached so far.
    pub fn passed(&self) -> Vec<Point> {
        self.passed.lock().clone()
    }

    /// Says that a step is reached; gives back what to do there.
    async fn reach(&self, point: Point) -> Result<()> {
        let number = {
            let mut passed = self.passed.lock();
            passed.push(point);
            passed.len() - 1
        };
        match &self.fault {
            Some((step, Fault::Fail)) if *step == number => Err(planned(point)),
            Some((step, Fault::Down)) if *step <= number => Err(planned(point)),
            Some((step, Fault::Hang)) if *step == number => std::future::pending().await,
            Some((step, Fault::Call(call))) if *step == number => {
                call(point);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("step", &self.fault.as_ref().map(|(step, _)| step))
            .field("passed", &self.passed)
            .finish_non_exhaustive()
    }
}

fn planned(point: Point) -> Error {
    Error::new(Kind::Unavailable).because(format!("planned failure: {point:?}"))
}

/// A store that follows a [`Plan`].
#[derive(Debug)]
pub struct Faulty<B> {
    inner: B,
    plan: Plan,
}

impl<B: Blobs> Faulty<B> {
    /// The store, going wrong by the plan.
    pub fn new(inner: B, plan: Plan) -> Self {
        Self { inner, plan }
    }

    async fn around<T>(&self, operation: Operation, call: impl Future<Output = Result<T>>) -> Result<T> {
        self.plan.reach(Point::Before(operation)).await?;
        let done = call.await?;
        self.plan.reach(Point::After(operation)).await?;
        Ok(done)
    }

    fn incoming(&self, body: Body) -> Body {
        self.breaking(body, Operation::Put)
    }

    fn outgoing(&self, body: Body) -> Body {
        self.breaking(body, Operation::Get)
    }

    fn breaking(&self, body: Body, operation: Operation) -> Body {
        let plan = self.plan.clone();
        futures_util::stream::unfold(Some(body), move |body| {
            let plan = plan.clone();
            async move {
                let mut body = body?;
                if let Err(error) = plan.reach(Point::Body(operation)).await {
                    return Some((Err(BodyError::Failed(error.into())), None));
                }
                let piece = body.next().await?;
                Some((piece, Some(body)))
            }
        })
        .boxed()
    }
}

wrapper!(Faulty);
