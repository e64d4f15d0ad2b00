//! What proves who somebody is cannot be made to prove that they are somebody else. (Accounts of others are linked in
//! `management::identities`.)

use crate::security_keys::{MAKE, enrol, is_page, send, turn_on};
use crate::support::{Authenticator, Browser, SAM, engines, options};

#[tokio::test]
async fn case_17_a_credential_is_nobody_elses() {
    for app in engines().await {
        turn_on(&app, &["webauthn-roaming"], true).await;
        let mut key = Authenticator::new();
        enrol(&app, &mut key).await;
        let id = key.held[0].id.clone();
        app.clock.advance(60);
        let mut sam = Browser::new(&app);
        let login = sam.open(&app.ask("openid")).await;
        let page = sam.log_in(&login, &SAM).await;
        is_page(&page, 200, MAKE);
        let stolen = Authenticator::new().create_as(&options(&page), &id);
        is_page(&send(&mut sam, &page, &stolen).await, 200, MAKE);
    }
}
