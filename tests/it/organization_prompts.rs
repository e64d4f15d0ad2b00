//! Pages that ask where somebody signs in to, where the application leaves it open (`organization_require_behavior`).

use serde_json::{Value, json};

use crate::organizations::{Acme, scopes};
use crate::support::*;

const NAME: &str = "/u/organization";
const PICKER: &str = "/u/organization-picker";

async fn prompts(app: &TestApp, usage: &str, behavior: &str) {
    app.set_web(json!({"organization_usage": usage, "organization_require_behavior": behavior})).await;
}

fn ask(app: &TestApp) -> Ask {
    app.ask("openid offline_access read:contacts delete:contacts")
}

async fn org_id(app: &TestApp, landing: &Landing) -> Value {
    let answer = app.redeem(&landing.get("code")).await.expect(200).json();
    let access = app.verified(answer["access_token"].as_str().unwrap()).await;
    access.get("org_id").cloned().unwrap_or_default()
}

async fn choose(browser: &mut Browser<'_>, page: &Answer, typed: Pairs<'_>) -> Landing {
    let next = browser.submit(page, typed).await;
    let next = browser.follow(next).await;
    Landing::of(&browser.go_through(next, &JANE).await)
}

#[tokio::test]
async fn the_name_is_asked_before_the_login() {
    for app in engines().await {
        let acme = Acme::new(&app).await;
        acme.add(&app, &app.jane().await).await;
        prompts(&app, "require", "pre_login_prompt").await;
        let mut browser = Browser::new(&app);
        let page = browser.open(&ask(&app)).await.expect(200);
        assert_eq!(page.form().action, NAME);
        assert!(!page.form().buttons.iter().any(|button| button.1 == "skip"), "{:?}", page.form());
        for (typed, said) in [("", "Enter the name"), ("nobody", "There is no organization of that name")] {
            let again = browser.submit(&page, &[("organization", typed)]).await.expect(400);
            assert!(again.body.contains(said) && again.body.contains("aria-invalid"), "{typed}");
        }
        let pushed = browser.submit(&page, &[("action", "skip")]).await;
        pushed.expect(400);
        let login = browser.submit(&page, &[("organization", " ACME ")]).await;
        let login = browser.follow(login).await.expect(200);
        assert!(login.form().action == "/u/login" && login.body.contains("Acme Inc."), "{login:?}");
        let landed = Landing::of(&browser.go_through(login, &JANE).await);
        assert_eq!(org_id(&app, &landed).await, acme.id);

        // Whoever does not belong there is told so, as when the application had named it.
        let mut browser = Browser::new(&app);
        let page = browser.open(&ask(&app)).await;
        let login = browser.submit(&page, &[("organization", "acme")]).await;
        let login = browser.follow(login).await;
        let refused = Landing::of(&browser.go_through(login, &SAM).await);
        assert_eq!(refused.get("error"), "access_denied");
    }
}

#[tokio::test]
async fn one_of_several_is_chosen_after_the_login() {
    for app in engines().await {
        let acme = Acme::new(&app).await;
        let jane = app.jane().await;
        prompts(&app, "require", "post_login_prompt").await;
        // None: nothing to choose from.
        let mut browser = Browser::new(&app);
        let refused = browser.authorize(&ask(&app), &JANE).await;
        refused.is_error("access_denied", &format!("user {jane} is not part of any organization"));

        // One: nothing to ask.
        acme.add(&app, &jane).await;
        acme.give_role(&app, &jane, "Contacts Admin").await;
        let landed = Browser::new(&app).authorize(&ask(&app), &JANE).await;
        let tokens = app.redeem(&landed.get("code")).await.expect(200).json();
        assert!(scopes(&tokens).contains(&"delete:contacts"), "roles held there count: {tokens}");
        let access = app.verified(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!(access["org_id"], acme.id);
        let consents = app.manage("GET", &format!("/grants?user_id={}", segment(&jane)), Value::Null).await;
        assert_eq!(consents[0]["organization_id"], acme.id, "{consents}");

        // Two, and one whose connection is another: the two are offered, by their titles.
        let zeta = Acme::named(&app, "zeta", "Zeta").await;
        let away = Acme::named(&app, "away", "Away").await;
        away.connect(&app, json!({"is_enabled": false})).await;
        let strange = Acme::named(&app, "strange", "Strange").await;
        for organization in [&zeta, &away] {
            organization.add(&app, &jane).await;
        }
        let mut browser = Browser::new(&app);
        let login = browser.open(&ask(&app)).await;
        let page = browser.log_in(&login, &JANE).await.expect(200);
        let form = page.form();
        let offered: Vec<&str> = form.buttons.iter().map(|button| button.1.as_str()).collect();
        assert_eq!((form.action.as_str(), offered), (PICKER, vec![acme.id.as_str(), zeta.id.as_str()]));
        for other in [&away.id, &strange.id, "acme", ""] {
            browser.submit(&page, &[("organization", other)]).await.expect(400);
        }
        browser.submit(&page, &[("action", "skip")]).await.expect(400);
        let twice = [("organization", acme.id.as_str()), ("organization", zeta.id.as_str())];
        browser.submit(&page, &twice).await.expect(400);
        let landed = choose(&mut browser, &page, &[("organization", &zeta.id)]).await;
        assert_eq!(org_id(&app, &landed).await, zeta.id);
    }
}

#[tokio::test]
async fn individuals_go_on_without_where_they_may() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    prompts(&app, "allow", "post_login_prompt").await;
    // Nothing to choose from, nothing asked.
    let mut browser = Browser::new(&app);
    let landed = browser.authorize(&ask(&app), &JANE).await;
    assert_eq!(org_id(&app, &landed).await, Value::Null);
    acme.add(&app, &app.jane().await).await;
    let page = browser.open(&ask(&app)).await.expect(200);
    assert_eq!(page.form().action, PICKER, "one organization, or none: that is a choice");
    let landed = choose(&mut browser, &page, &[("action", "skip")]).await;
    assert_eq!(org_id(&app, &landed).await, Value::Null);
    let page = browser.open(&ask(&app)).await;
    let landed = choose(&mut browser, &page, &[("organization", &acme.id)]).await;
    assert_eq!(org_id(&app, &landed).await, acme.id);

    prompts(&app, "allow", "pre_login_prompt").await;
    let page = browser.open(&ask(&app)).await;
    let landed = choose(&mut browser, &page, &[("action", "skip")]).await;
    assert_eq!(org_id(&app, &landed).await, Value::Null);

    // A choice made before the application changed its mind counts no more.
    let page = browser.open(&ask(&app)).await;
    let skipped = browser.submit(&page, &[("action", "skip")]).await;
    prompts(&app, "require", "pre_login_prompt").await;
    let asked = browser.follow(skipped).await;
    assert_eq!(asked.form().action, NAME);
}

#[tokio::test]
async fn where_no_page_may_be_shown() {
    let app = TestApp::new().await;
    let acme = Acme::new(&app).await;
    acme.add(&app, &app.jane().await).await;
    let mut browser = Browser::new(&app);
    browser.authorize(&ask(&app), &JANE).await.get("code");
    let silent = ask(&app).with("prompt", "none");
    for behavior in ["pre_login_prompt", "post_login_prompt"] {
        prompts(&app, "require", behavior).await;
        let answer = Landing::of(&browser.open(&silent).await);
        answer.is_error("interaction_required", "Organization selection required");
        prompts(&app, "allow", behavior).await;
        let landed = Landing::of(&browser.open(&silent).await);
        assert_eq!(org_id(&app, &landed).await, Value::Null, "{behavior}: as somebody who was asked nothing");
    }
    // The request that names one is asked nothing.
    prompts(&app, "require", "post_login_prompt").await;
    let landed = browser.authorize(&acme.ask(&app), &JANE).await;
    assert_eq!(org_id(&app, &landed).await, acme.id);
}

/// Security case 13: what somebody chose is not carried over to whoever signs in next in the same browser.
#[tokio::test]
async fn a_choice_is_of_the_person_who_made_it() {
    let app = TestApp::new().await;
    let (acme, jane) = (Acme::new(&app).await, app.jane().await);
    let zeta = Acme::named(&app, "zeta", "Zeta").await;
    for organization in [&acme, &zeta] {
        organization.add(&app, &jane).await;
    }
    prompts(&app, "allow", "post_login_prompt").await;
    let mut browser = Browser::new(&app);
    let login = browser.open(&ask(&app)).await;
    let state = login.form().value("state");
    let page = browser.log_in(&login, &JANE).await;
    let chosen = browser.submit(&page, &[("organization", &zeta.id)]).await;
    assert_eq!(browser.follow(chosen).await.form().action, "/u/consent");
    // Sam is not asked, having none, and gets nothing of Jane's.
    let login = browser.get(&format!("/u/login?state={state}")).await;
    let next = browser.log_in(&login, &SAM).await;
    let landed = Landing::of(&browser.go_through(next, &SAM).await);
    assert_eq!(org_id(&app, &landed).await, Value::Null);
}

#[tokio::test]
async fn names_cannot_be_tried_without_end() {
    let app = TestApp::new().await;
    Acme::new(&app).await;
    prompts(&app, "require", "pre_login_prompt").await;
    let mut browser = Browser::new(&app);
    let page = browser.open(&ask(&app)).await;
    for _ in 0..100 {
        browser.submit(&page, &[("organization", "guess")]).await.expect(400);
    }
    let answer = browser.submit(&page, &[("organization", "acme")]).await.expect(429);
    assert!(answer.header("retry-after").is_some());
}

/// Security case 13: the pages do nothing where the application does not have its users asked.
#[tokio::test]
async fn nobody_chooses_where_nobody_is_asked() {
    let app = TestApp::new().await;
    let (acme, jane) = (Acme::new(&app).await, app.jane().await);
    acme.add(&app, &jane).await;
    acme.give_role(&app, &jane, "Contacts Admin").await;
    let choice = [("organization", "acme"), ("organization", acme.id.as_str()), ("action", "skip")];
    for (usage, behavior) in [
        ("deny", "post_login_prompt"),
        ("deny", "pre_login_prompt"),
        ("allow", "no_prompt"),
        ("require", "no_prompt"),
    ] {
        prompts(&app, usage, behavior).await;
        let asked = if usage == "require" { acme.ask(&app) } else { ask(&app) };
        let mut browser = Browser::new(&app);
        let login = browser.open(&asked.with("prompt", "consent")).await;
        let state = login.form().value("state");
        // Before the login, and again between it and the consent.
        for page in [NAME, PICKER] {
            assert_eq!(browser.get(&format!("{page}?state={state}")).await.status, 303, "{usage} {page}");
            for pair in choice {
                browser.post(page, &[("state", &state), pair]).await.expect(303);
            }
        }
        let consent = browser.log_in(&login, &JANE).await;
        assert_eq!(consent.form().action, "/u/consent", "{usage} {behavior}");
        for page in [NAME, PICKER] {
            for pair in choice {
                browser.post(page, &[("state", &state), pair]).await.expect(303);
            }
        }
        let landed = Landing::of(&browser.go_through(consent, &JANE).await);
        let wanted = if usage == "require" { json!(acme.id) } else { Value::Null };
        assert_eq!(org_id(&app, &landed).await, wanted, "{usage} {behavior}");
    }

    // A choice that was made while there was one counts no more when there is none.
    prompts(&app, "allow", "pre_login_prompt").await;
    let mut browser = Browser::new(&app);
    let page = browser.open(&ask(&app)).await;
    let chosen = browser.submit(&page, &[("organization", "acme")]).await;
    prompts(&app, "deny", "pre_login_prompt").await;
    let login = browser.follow(chosen).await;
    let landed = Landing::of(&browser.go_through(login, &JANE).await);
    assert_eq!(org_id(&app, &landed).await, Value::Null);
}
