//! An empty database of either engine.

use std::time::Duration;

use chancery_db::{Db, Options};

pub(crate) struct Stage {
    pub(crate) url: String,
    pub(crate) db: Db,
    _folder: Option<tempfile::TempDir>,
}

impl Stage {
    pub(crate) async fn sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("new/folder/test.db").display());
        let db = Db::open(&url, options()).await.unwrap();
        Some(Self { url, db, _folder: Some(folder) })
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let url = chancery_pgtest::database_or_skip().await?;
        let db = Db::open(&url, options()).await.unwrap();
        Some(Self { url, db, _folder: None })
    }

    /// As another process would open it.
    pub(crate) async fn again(&self) -> Db {
        Db::open(&self.url, options()).await.unwrap()
    }
}

pub(crate) fn options() -> Options {
    Options { busy_timeout: Duration::from_secs(20), ..Options::default() }
}

/// Each function becomes two tests, one per engine.
macro_rules! on_both_engines {
    ($($name:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::stage::Stage::sqlite().await.unwrap()).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let Some(stage) = crate::stage::Stage::postgres().await else { return };
                super::$name(stage).await;
            })*
        }
    };
}
pub(crate) use on_both_engines;
