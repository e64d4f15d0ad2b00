//! The port for operators: figures and health.

use chancery::dev::ReadyFile;

use crate::process::{ask, chancery, start, wait_for};

#[test]
fn figures_and_health_have_a_port_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let sockets = ["--http", "localhost:0", "--https", "localhost:0", "--metrics", "127.0.0.1:0"];
    let _server = start(folder.path(), &[&["dev", "--ready-file", "r"][..], &sockets].concat());
    wait_for(&folder.path().join("r"));
    let ready = ReadyFile::read(&folder.path().join("r")).unwrap();
    let metrics = ready.metrics.expect("the port is named");
    let authority = ready.issuer.trim_start_matches("http://").trim_end_matches('/');
    assert!(ask(authority, "/.well-known/jwks.json").starts_with("HTTP/1.1 200"));
    let figures = ask(&metrics, "/metrics");
    let expected = "chancery_http_requests_total{route=\"/.well-known/jwks.json\",status=\"200\"} 1";
    assert!(figures.contains(expected), "{figures}");
    assert!(figures.contains("chancery_http_request_seconds_bucket"), "{figures}");
    for expected in [
        concat!("chancery_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        "chancery_database_up 1",
        "# TYPE chancery_tenant_log_events_lost_total counter",
        "chancery_overload_refused_total 0",
        "process_start_time_seconds ",
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "process_cpu_seconds_total ",
    ] {
        assert!(figures.contains(expected), "{expected}: {figures}");
    }
    for described in figures.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = described.split(' ').next().unwrap();
        assert!(figures.contains(&format!("# HELP {name} ")), "what is {name}? {figures}");
    }
    assert!(
        ask(&metrics, "/healthz").contains("\"ok\"") && ask(&metrics, "/readyz").contains("\"tenants\":1")
    );
    let outside = ask(authority, "/readyz");
    assert!(outside.ends_with("{\"status\":\"ok\"}"), "{outside}");
    assert!(ask(authority, "/metrics").starts_with("HTTP/1.1 404"), "never on the public port");
    let ready = |metrics: &str| chancery(folder.path(), &["ready", "--metrics", metrics]).output().unwrap();
    let yes = ready(&metrics);
    assert!(
        yes.status.success() && String::from_utf8_lossy(&yes.stdout).contains("\"tenants\":1"),
        "{yes:?}"
    );
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    assert_eq!(ready(&nobody).status.code(), Some(1));
}
