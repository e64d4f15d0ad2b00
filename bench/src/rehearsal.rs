//! A rehearsal of the preparation and of each kind of load against a make-believe tenant, so that the harness itself is
//! tested without a server: identifier page, password page, consent, codes that work once, tokens that rotate.

use std::{
    collections::HashSet,
    process::Command,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::LocalSet};

use crate::{cell::Bench, process::Process, setup::Setup, workload::Kind};

type Fields = std::collections::HashMap<String, String>;

/// Codes and refresh tokens that may still be spent.
#[derive(Default)]
struct Tenant {
    live: Mutex<(u64, HashSet<String>)>,
}

impl Tenant {
    fn make(&self, prefix: &str) -> String {
        let mut live = self.live.lock().unwrap();
        live.0 += 1;
        let made = format!("{prefix}{}", live.0);
        live.1.insert(made.clone());
        made
    }

    fn spend(&self, token: &str) -> bool {
        self.live.lock().unwrap().1.remove(token)
    }
}

async fn authorize(
    State(tenant): State<Arc<Tenant>>,
    headers: HeaderMap,
    Query(query): Query<Fields>,
) -> Response {
    let cookies = headers.get(header::COOKIE).map_or("", |value| value.to_str().unwrap());
    if !cookies.contains("session=1") {
        return redirect("/u/login?state=s", Some("login=s; Path=/; HttpOnly"));
    }
    assert!(!cookies.contains("login="), "a removed cookie came back");
    redirect(
        &format!("{}?code={}&state={}", query["redirect_uri"], tenant.make("code"), query["state"]),
        None,
    )
}

async fn page(Query(query): Query<Fields>) -> Html<String> {
    let state = &query["state"];
    Html(format!(
        "<form method=post action='/u/login?state={state}'><input type=hidden name=state value='{state}'>\
         <input name=username><input type=password name=password><button name=action value=default></form>"
    ))
}

async fn login(Form(form): Form<Fields>) -> Response {
    let expected =
        [("state", "s"), ("username", "jane@example.com"), ("password", "pw"), ("action", "default")];
    if expected.iter().any(|(name, value)| form.get(*name).map(String::as_str) != Some(value)) {
        return (StatusCode::BAD_REQUEST, format!("{form:?}")).into_response();
    }
    Html("<form method=POST action=/u/consent><input type=hidden name=state value=c></form>").into_response()
}

async fn consent(Form(form): Form<Fields>) -> Response {
    assert_eq!((form["state"].as_str(), form["action"].as_str()), ("c", "accept"));
    let mut response =
        redirect("https://app.bench.example/callback?code=first&state=bench", Some("session=1; Path=/"));
    response.headers_mut().append(header::SET_COOKIE, "login=; Max-Age=0".parse().unwrap());
    response
}

async fn token(State(tenant): State<Arc<Tenant>>, Form(form): Form<Fields>) -> Response {
    let spent = match form["grant_type"].as_str() {
        "authorization_code" => tenant.spend(&form["code"]),
        "refresh_token" => tenant.spend(&form["refresh_token"]),
        _ => true,
    };
    if !spent {
        return (StatusCode::FORBIDDEN, Json(json!({"error": "invalid_grant"}))).into_response();
    }
    // {"alg":"RS256"}
    let refresh = tenant.make("refresh");
    Json(json!({"access_token": "eyJhbGciOiJSUzI1NiJ9.e30.x", "id_token": "e30.e30.x", "refresh_token": refresh}))
        .into_response()
}

fn redirect(location: &str, cookie: Option<&str>) -> Response {
    let mut response = (StatusCode::FOUND, [(header::LOCATION, location.to_owned())]).into_response();
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie.parse().unwrap());
    }
    response
}

/// Serves the tenant on a thread of its own and returns its ready file.
fn serve() -> Value {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = Router::new()
        .route("/authorize", get(authorize))
        .route("/u/login", get(page).post(login))
        .route("/u/consent", post(consent))
        .route("/oauth/token", post(token))
        .route("/api/v2/resource-servers", post(async || StatusCode::CONFLICT))
        .route("/api/v2/client-grants", post(async || (StatusCode::CREATED, "{}")))
        .route("/api/v2/clients", post(async || Json(json!({"client_id": "c", "client_secret": "s"}))))
        .route("/userinfo", get(async || Json(json!({"sub": "auth0|1"}))))
        .with_state(Arc::new(Tenant::default()));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { axum::serve(TcpListener::from_std(listener).unwrap(), app).await.unwrap() });
    });
    json!({
        "issuer": format!("http://localhost:{port}/"),
        "clients": {"management": {"client_id": "m", "client_secret": "s"}},
        "user": {"email": "jane@example.com", "password": "pw"},
    })
}

/// A process to read CPU and memory from; what it does is of no interest here.
fn sleeper(folder: &std::path::Path) -> Process {
    let ready = folder.join("ready");
    std::fs::write(&ready, "here").unwrap();
    let mut command = Command::new("sleep");
    command.arg("60");
    Process::start(command, &ready).unwrap().0
}

#[test]
fn preparation_and_loads() {
    let folder = std::env::temp_dir().join(format!("chancery-rehearsal-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ready = serve();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let setup = Setup::prepare(&ready, 100).await.unwrap();
        let address = setup.address;
        let bench = Bench {
            server: Some((sleeper(&folder), setup)),
            floor: sleeper(&folder),
            // The floor's paths do not exist on the tenant: its windows must fail, loudly.
            floor_address: address,
            window: Duration::from_millis(50),
            rounds: 2,
        };
        let error = bench.measure(Kind::Userinfo, 2).await.unwrap_err();
        assert_eq!(error.to_string(), "the floor hello");
        assert!(format!("{error:#}").contains("answered 404"), "{error:#}");
        for kind in [Kind::ClientCredentialsRs256, Kind::Code, Kind::Refresh, Kind::Login, Kind::Userinfo] {
            let (load, signatures) = bench.prepare(kind, 4).await.unwrap();
            assert_eq!(signatures, if kind == Kind::Userinfo { 0 } else { 2 }, "{kind:?}");
            for _ in 0..2 {
                let window = bench.server_window(&load, 4).await.unwrap();
                assert!(window.requests > 0, "{kind:?}: nothing was answered in 50 ms");
                assert_eq!(window.latencies.total(), window.requests);
            }
        }
        let error = bench.prepare(Kind::ClientCredentialsEs256, 1).await.err().unwrap();
        assert!(format!("{error:#}").contains("not ES256"), "{error:#}");
    });
    std::fs::remove_dir_all(&folder).unwrap();
}
