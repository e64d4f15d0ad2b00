use chancery_store::{Batch, Store};

use crate::fixture::{empty_engines, second};

#[tokio::test]
async fn forward_once_whoever_begins() {
    for f in empty_engines().await {
        let other = second(&f).await;
        let (one, two) = tokio::join!(f.store.migrate(), other.migrate());
        one.unwrap();
        two.unwrap();
        assert_eq!(f.store.schema_version().await.unwrap(), Store::known_schema_version(), "{}", f.engine);
        f.store.migrate().await.unwrap();
        f.store.ping().await.unwrap();
        other.close().await;
        assert!(other.ping().await.is_err());
        f.store.ping().await.expect("the first one is open still");
    }
}

#[tokio::test]
async fn a_newer_database_is_refused_in_one_sentence() {
    for f in empty_engines().await {
        f.store.migrate().await.unwrap();
        let later = "INSERT INTO schema_version (number, name) VALUES (999, 'later')";
        f.store.commit(Batch::default().run(later, Vec::new())).await.unwrap();
        let error = f.store.migrate().await.unwrap_err().to_string();
        assert!(error.contains("999") && error.contains("newer"), "{}: {error}", f.engine);
    }
}

#[tokio::test]
async fn a_backup_is_a_database() {
    let f = crate::fixture::engines().await.remove(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("copy.db");
    f.store.backup(&path).await.unwrap();
    let url = format!("sqlite:{}", path.display());
    let copy = Store::open(&url, chancery_store::Options::new([0; 32])).await.unwrap();
    assert_eq!(copy.tenants().await.unwrap().len(), 1);
    assert!(f.store.backup(&path).await.is_err(), "it does not overwrite");
}
