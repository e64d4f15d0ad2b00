//! What connections hand requests to: the routes, and before them the few that are asked far more often than all others
//! together. Those find their way without the router, which costs as much as some of them do.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::ORIGIN;
use http::request::Parts;
use http::{Extensions, Method, Request};
use tower::Service;

use crate::{App, Ctx, Peer, ShownCertificate, middleware};

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The connection.
    pub peer: Peer,
    /// What was shown in the handshake of TLS.
    pub certificate: Option<Arc<ShownCertificate>>,
}

impl Caller {
    /// As it is laid down in a request; somebody on this machine where there is nothing.
    pub fn of(extensions: &Extensions) -> Self {
        Self { peer: Peer::of(extensions), certificate: extensions.get().cloned() }
    }
}

/// Answers the requests of connections.
pub trait Answers: Clone + Send + Sync + 'static {
    /// Whatever comes, there is an answer.
    fn answer(&self, request: Request<Body>, caller: &Caller) -> impl Future<Output = Response> + Send;
}

/// Requests find out from their extensions who sent them.
impl Answers for Router {
    async fn answer(&self, mut request: Request<Body>, caller: &Caller) -> Response {
        request.extensions_mut().insert(caller.peer);
        if let Some(certificate) = &caller.certificate {
            request.extensions_mut().insert(Arc::clone(certificate));
        }
        // A router is always ready.
        self.clone().call(request).await.into_response()
    }
}

/// Routes that are asked more often than all others together. They are routes of the router as well, which has their other
/// methods, and whatever comes from a page of another origin.
#[derive(Default)]
pub struct Frequent(Vec<FrequentRoute>);

struct FrequentRoute {
    method: Method,
    path: &'static str,
    handler: Box<Handler>,
}

type Handler = dyn Fn(Ctx, Parts, Body) -> Answering + Send + Sync;
type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

impl Frequent {
    /// With one more: requests of this method for this very path.
    #[must_use]
    pub fn route<A>(
        mut self,
        method: Method,
        path: &'static str,
        handler: impl Fn(Ctx, Parts, Body) -> A + Send + Sync + 'static,
    ) -> Self
    where
        A: Future<Output = Response> + Send + 'static,
    {
        let handler = Box::new(move |ctx, parts, body| Box::pin(handler(ctx, parts, body)) as Answering);
        self.0.push(FrequentRoute { method, path, handler });
        self
    }

    fn find(&self, request: &Request<Body>) -> Option<&FrequentRoute> {
        let (method, path) = (request.method(), request.uri().path());
        let route = self.0.iter().find(|route| route.path == path && route.method == *method)?;
        // What pages of other origins may read is the router's part.
        (!request.headers().contains_key(ORIGIN)).then_some(route)
    }
}

/// The server, as connections see it.
#[derive(Clone)]
pub struct Front {
    app: Arc<App>,
    routes: Router,
    frequent: Arc<Frequent>,
}

impl Front {
    /// Puts what happens around every request around all of them.
    pub fn new(app: &Arc<App>, routes: Router<Arc<App>>, frequent: Frequent) -> Self {
        Self { app: Arc::clone(app), routes: middleware::wrap(routes, app), frequent: Arc::new(frequent) }
    }

    /// The routes, without their shorter ways.
    pub fn routes(&self) -> &Router {
        &self.routes
    }
}

impl Answers for Front {
    async fn answer(&self, request: Request<Body>, caller: &Caller) -> Response {
        // What a tenant may ask altogether is counted there, where an operator wants that.
        let is_counted = self.app.overall.is_some();
        let Some(route) = self.frequent.find(&request).filter(|_| !is_counted) else {
            return self.routes.answer(request, caller).await;
        };
        let answer = |ctx, parts, body| (route.handler)(ctx, parts, body);
        middleware::around_frequent(&self.app, request, caller, (route.path, answer)).await
    }
}
