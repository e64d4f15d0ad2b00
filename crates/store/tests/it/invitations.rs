//! Invitations: found by their ticket, accepted once.

use chancery_core::records::Invitation;

use crate::fixture::{NOW, TENANT, engines, race};

fn invitation(id: &str) -> Invitation {
    Invitation {
        id: id.to_owned(),
        organization_id: "org_a".to_owned(),
        email: "new@example.com".to_owned(),
        created_ms: NOW * 1000,
        expires_at: NOW + 60,
        ..Invitation::default()
    }
}

#[tokio::test]
async fn a_ticket_is_found_while_it_is_good() {
    for f in engines().await {
        let insert = f.store.insert_invitation(TENANT, &invitation("uinv_1"), "ticket").unwrap();
        f.store.commit(insert).await.unwrap();
        let found = f.store.invitation(TENANT, "ticket", NOW).await.unwrap().unwrap();
        assert_eq!(found.id, "uinv_1");
        assert_eq!(f.store.invitation_ticket(TENANT, &found).unwrap().as_str(), "ticket");
        assert!(!found.sealed_ticket.contains("ticket"));
        assert!(f.store.invitation("other", "ticket", NOW).await.unwrap().is_none(), "of another tenant");
        assert!(f.store.invitation(TENANT, "other", NOW).await.unwrap().is_none());
        assert!(f.store.invitation(TENANT, "ticket", NOW + 60).await.unwrap().is_none(), "over");
        f.store.sweep(NOW + 61, 0).await.unwrap();
        assert_eq!(f.store.invitations_count(TENANT, "org_a").await.unwrap(), 0);
    }
}

#[tokio::test]
async fn of_many_at_once_one_accepts() {
    for f in engines().await {
        let insert = f.store.insert_invitation(TENANT, &invitation("uinv_1"), "ticket").unwrap();
        f.store.commit(insert).await.unwrap();
        let accepted = race(&f.store, 16, || f.store.accept_invitation(TENANT, "uinv_1")).await;
        assert_eq!(accepted, 1);
    }
}
