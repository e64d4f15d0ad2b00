use chancery_store::{Error, Tenant};

use crate::fixture::engines;

fn tenant(id: &str, origins: &[&str]) -> Tenant {
    Tenant { id: id.to_owned(), origins: origins.iter().map(|o| (*o).to_owned()).collect() }
}

#[tokio::test]
async fn an_origin_belongs_to_one_tenant() {
    for f in engines().await {
        let two = tenant("t2", &["https://two.example", "http://localhost:4000"]);
        f.store.create_tenant(&two).await.unwrap();
        let taken = [tenant("t2", &[]), tenant("t3", &["https://ONE.example"])];
        for tenant in taken {
            assert!(matches!(f.store.create_tenant(&tenant).await, Err(Error::Conflict)), "{}", f.engine);
        }
        assert_eq!(f.store.tenants().await.unwrap(), [tenant("t1", &["https://one.example"]), two]);

        f.store.set_origins("t2", &["https://b".to_owned(), "https://a".to_owned()]).await.unwrap();
        let stolen = f.store.set_origins("t2", &["https://one.example".to_owned()]).await;
        assert!(matches!(stolen, Err(Error::Conflict)));
        assert_eq!(f.store.tenants().await.unwrap()[1], tenant("t2", &["https://b", "https://a"]));
        f.store.set_origins("t2", &[]).await.unwrap();
        assert_eq!(f.store.tenants().await.unwrap()[1], tenant("t2", &[]));
        assert!(matches!(f.store.set_origins("none", &[]).await, Err(Error::Guard)));
        assert!(matches!(f.store.config_rev("none").await, Err(Error::Guard)));
    }
}
