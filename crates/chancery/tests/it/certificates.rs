//! The certificate of dev mode, in the hands of the listener.

use chancery::certificates::ensure;
use chancery_web::Tls;

#[test]
fn the_listener_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let files = ensure(folder.path(), "localhost", 1_800_000_000).unwrap();
    let (chain, key) = (std::fs::read(&files.certificate).unwrap(), std::fs::read(&files.key).unwrap());
    Tls::from_pem(&chain, &key).unwrap();
}
