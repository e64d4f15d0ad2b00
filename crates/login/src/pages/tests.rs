use chancery_core::second_factor::NewFactor;
use serde_json::{Map, Value};

use super::*;
use crate::{
    Language, TextCatalog, Texts,
    consent_lines::{ConsentLines, Line},
};

/// Ends an attribute, then a tag, then tries to run. Every string of a view holds it in turn with the apostrophe form.
const ATTACK: &str = "\"><img src=x onerror=1>'><img src=y onerror=2>";
/// The same where only a link may stand.
const LINK_ATTACK: &str = "https://app.example/\"><img/src=x/onerror=1>'><img/src=y>";

fn texts(language: Language) -> Texts {
    let catalog = TextCatalog::built_in().expect("the text files are well formed");
    (*catalog.of(language)).clone()
}

fn attack() -> String {
    ATTACK.to_owned()
}

fn link() -> Link {
    Link::new(LINK_ATTACK).expect("it is an https address")
}

fn frame() -> Frame {
    Frame {
        tenant_name: attack(),
        logo_name: attack(),
        logo: Some(link()),
        accent: Accent::parse("#e0218a"),
        icon: Some(link()),
    }
}

fn form() -> Form {
    Form { action: link(), state: attack(), csrf: Some(attack()) }
}

fn rules() -> Vec<RuleLine> {
    let rules = [
        (PasswordRule::LengthAtLeast(8), None),
        (PasswordRule::KindsAtLeast(3), Some(true)),
        (PasswordRule::NotCommon, Some(false)),
    ];
    rules.into_iter().map(|(rule, met)| RuleLine { rule, met }).collect()
}

fn login() -> Login {
    Login {
        frame: frame(),
        form: form(),
        client_name: attack(),
        identifier: Identifier::UsernameOrEmail,
        username: attack(),
        problems: Vec::new(),
        forgot_password: Some(link()),
        mailed_code: Some(link()),
        signup: Some(link()),
        passkey: Some(PasskeyForm { form: form(), options: attack(), fills_in: true, has_button: true }),
        presented: Presented { logo: Some(link()), policy: Some(link()), terms: Some(link()) },
    }
}

fn other_ways() -> Vec<OtherWay> {
    let ways = [Way::Otp, Way::RecoveryCode, Way::Key, Way::MakeOtp, Way::MakeRoaming, Way::MakePlatform];
    ways.into_iter().map(|way| OtherWay { way, link: link() }).collect()
}

/// Every page with an attack in every string and link.
fn attacked_pages(t: &Texts) -> Vec<(&'static str, String)> {
    let signup = Signup {
        frame: frame(),
        form: form(),
        client_name: attack(),
        email: attack(),
        username: Some(attack()),
        problems: vec![
            Problem::UserExists,
            Problem::UsernameInvalid { min: 1, max: 15 },
            Problem::PasswordWeak,
        ],
        rules: rules(),
        login: link(),
    };
    let line = Line { title: Some(attack()), text: attack() };
    let consent = Consent {
        frame: frame(),
        form: form(),
        client_name: attack(),
        client_host: Some(attack()),
        client_logo: Some(link()),
        account: attack(),
        not_you: Some(link()),
        groups: vec![ConsentGroup {
            heading: attack(),
            lines: vec![line.clone()],
            choices: vec![Choice { field: attack(), line, is_ticked: true, is_sensitive: true }],
        }],
        step: Some(ConsentStep { number: 1, count: 2, api_name: attack() }),
        asked: attack(),
        choices: attack(),
        withdraw: link(),
        policy: Some(link()),
        terms: Some(link()),
        callback_host: Some(attack()),
    };
    let consents = AccountConsents {
        frame: frame(),
        form: form(),
        account: attack(),
        log_out: link(),
        withdrawn: Some(attack()),
        allowed: vec![AllowedApplication {
            id: attack(),
            client_name: attack(),
            client_logo: Some(link()),
            organization: Some(attack()),
            api: Some(attack()),
            groups: consent.groups.clone(),
            since: attack(),
        }],
    };
    let keys = AccountKeys {
        frame: frame(),
        form: form(),
        account: attack(),
        log_out: link(),
        done: true,
        may_change: true,
        keys: vec![OwnKey {
            id: attack(),
            name: attack(),
            kind: OwnKeyKind::Passkey,
            since: attack(),
            used: Some(attack()),
        }],
        addable: vec![NewFactor::Passkey, NewFactor::Otp],
    };
    let forgot = ForgotPassword {
        frame: frame(),
        form: form(),
        email: attack(),
        problems: vec![Problem::EmailInvalid],
        login: Some(link()),
    };
    let reset = ResetPassword {
        frame: frame(),
        form: form(),
        email: attack(),
        problems: vec![Problem::PasswordsDiffer],
        rules: rules(),
    };
    let check_mail = CheckMail { frame: frame(), form: form(), email: attack(), login: Some(link()) };
    let reset_done = ResetDone { frame: frame(), application: Some((attack(), link())) };
    let confirm_logout = ConfirmLogout { frame: frame(), form: form(), client_name: attack() };
    let confirm_login = ConfirmLogin {
        frame: frame(),
        form: form(),
        client_name: attack(),
        account: attack(),
        not_you: Some(link()),
    };
    let named = NameOrganization {
        frame: frame(),
        form: form(),
        client_name: attack(),
        organization: attack(),
        problems: vec![Problem::OrganizationUnknown],
        may_skip: true,
    };
    let device_code = EnterDeviceCode {
        frame: frame(),
        action: link(),
        user_code: attack(),
        problems: vec![Problem::UserCodeUnknown],
    };
    let device = ConfirmDevice {
        frame: frame(),
        form: form(),
        client_name: attack(),
        client_logo: Some(link()),
        user_code: attack(),
        account: Some(attack()),
        not_you: Some(link()),
    };
    let chosen = ChooseOrganization {
        frame: frame(),
        form: form(),
        client_name: attack(),
        account: attack(),
        not_you: Some(link()),
        choices: vec![OrganizationChoice { id: attack(), title: attack() }],
        may_skip: true,
    };
    let code = |kind| EnterCode {
        frame: frame(),
        form: form(),
        kind,
        mailed_to: Some(attack()),
        account: attack(),
        not_you: link(),
        may_remember: true,
        others: other_ways(),
        problems: vec![Problem::CodeWrong],
    };
    let enrolment = EnrolOtp {
        frame: frame(),
        form: form(),
        account: attack(),
        not_you: Some(link()),
        is_own: false,
        uri: attack(),
        secret: attack(),
        others: other_ways(),
        problems: vec![Problem::CodeMissing],
    };
    let key = |page, options| UseKey {
        frame: frame(),
        form: form(),
        page,
        account: attack(),
        not_you: Some(link()),
        options,
        may_skip: true,
        may_remember: true,
        others: other_ways(),
        problems: vec![Problem::KeyRefused, Problem::PasskeyRefused],
    };
    let kept =
        KeepRecoveryCode { frame: frame(), form: form(), code: attack(), problems: vec![Problem::NotSaved] };
    let error = ErrorPage {
        frame: frame(),
        kind: ErrorKind::Forbidden,
        code: Some(attack()),
        description: Some(attack()),
        request_id: attack(),
        support_email: Some(attack()),
        support_url: Some(link()),
    };
    let field = Hidden { name: attack(), value: attack() };
    let form_post = FormPost { frame: frame(), client_name: attack(), target: link(), fields: vec![field] };
    let response = Map::from_iter([(attack(), Value::String(attack()))]);
    let web_message = WebMessage { target_origin: format!("https://{ATTACK}"), response };
    vec![
        ("login", Login { problems: vec![Problem::WrongCredentials], ..login() }.render(t)),
        ("signup", signup.render(t)),
        ("consent", consent.render(t)),
        ("consents", consents.render(t)),
        ("forgot", forgot.render(t)),
        ("reset", reset.render(t)),
        ("check mail", check_mail.render(t)),
        ("reset done", reset_done.render(t)),
        ("logged out", LoggedOut { frame: frame() }.render(t)),
        ("email verified", EmailVerified { frame: frame() }.render(t)),
        ("unblock", Unblock { frame: frame(), form: form(), email: attack() }.render(t)),
        (
            "confirm approval",
            ConfirmApproval {
                frame: frame(),
                form: form(),
                client_name: attack(),
                client_logo: Some(link()),
                message: attack(),
                account: Some(attack()),
                not_you: Some(link()),
            }
            .render(t),
        ),
        ("approved", ApprovalDone { frame: frame(), is_approved: true }.render(t)),
        ("not approved", ApprovalDone { frame: frame(), is_approved: false }.render(t)),
        (
            "ask for code",
            AskForCode {
                frame: frame(),
                form: form(),
                client_name: attack(),
                email: attack(),
                problems: vec![Problem::EmailInvalid],
                password: Some(link()),
            }
            .render(t),
        ),
        (
            "enter mailed code",
            EnterMailedCode {
                frame: frame(),
                form: form(),
                email: attack(),
                code: attack(),
                problems: vec![Problem::MailedCodeWrong],
                other: link(),
            }
            .render(t),
        ),
        ("unblocked", Unblocked { frame: frame() }.render(t)),
        ("enrolled", Enrolled { frame: frame() }.render(t)),
        ("confirm logout", confirm_logout.render(t)),
        ("confirm login", confirm_login.render(t)),
        ("device code", device_code.render(t)),
        ("confirm device", device.render(t)),
        ("device done", DeviceDone { frame: frame() }.render(t)),
        ("device denied", DeviceDenied { frame: frame() }.render(t)),
        ("organization by name", named.render(t)),
        ("organization by choice", chosen.render(t)),
        ("one-time code", code(CodeKind::OneTime).render(t)),
        ("enrolment", enrolment.render(t)),
        ("recovery code", code(CodeKind::Recovery).render(t)),
        ("recovery code to keep", kept.render(t)),
        ("own keys", keys.render(t)),
        ("key", key(KeyPage::Show, Some(attack())).render(t)),
        ("key of elsewhere", key(KeyPage::Show, None).render(t)),
        ("key to make", key(KeyPage::MakeRoaming, Some(attack())).render(t)),
        ("machine to set up", key(KeyPage::MakePlatform, Some(attack())).render(t)),
        ("passkey to make", key(KeyPage::MakePasskey, Some(attack())).render(t)),
        ("passkey of this machine", key(KeyPage::MakeLocalPasskey, Some(attack())).render(t)),
        ("error", error.render(t)),
        ("form post", form_post.render(t)),
        ("web message", web_message.render(t)),
    ]
}

/// The tags of a page, each as its text between `<` and `>`, quotes respected; fails on a tag that does not end.
fn tags(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let mut quoted = false;
        let end = after.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let end = end.expect("every tag ends");
        tags.push(after[..end].to_owned());
        rest = &after[end..];
    }
    tags
}

#[test]
fn nothing_from_outside_becomes_markup() {
    for language in Language::ALL {
        let harmless = |html: &str| tags(html).iter().map(|tag| tag_shape(tag)).collect::<Vec<_>>();
        for (page, html) in attacked_pages(&texts(language)) {
            for tag in tags(&html) {
                assert!(!tag.contains("onerror=") || tag.contains("&#34;&#62;&#60;img"), "{page}: {tag}");
                assert!(!tag.starts_with("img/") && !tag.starts_with("img src=x"), "{page}: {tag}");
                assert!(!tag_shape(&tag).contains("onerror"), "{page}: {tag}");
            }
            assert!(!html.contains("<img src=x") && !html.contains("<img/"), "{page}");
            assert!(!html.contains(ATTACK), "{page}");
            assert!(!html.contains("<style") && !html.contains(" style="), "{page} has inline style");
            assert!(!html.contains("<script>") && !html.contains("javascript:"), "{page} has inline script");
            assert!(harmless(&html).len() > 5, "{page} was read");
        }
    }
}

/// A tag without its attributes' values.
fn tag_shape(tag: &str) -> String {
    tag.split('"').step_by(2).collect()
}

#[test]
fn links_lead_only_to_the_web() {
    for good in
        ["https://a.example/", "http://localhost:3000/x?y=z#f", "HTTPS://A.example", "/u/login?state=x", "/"]
    {
        assert!(Link::new(good).is_some(), "{good}");
    }
    for bad in [
        "javascript:alert(1)",
        "JaVaScRiPt://a.example/%0aalert(1)",
        "java\nscript:alert(1)",
        " https://a.example",
        "data:text/html,x",
        "vbscript:x",
        "//evil.example",
        "/\\evil.example",
        "https:\\evil.example",
        "/\t/evil.example",
        "u/login",
        "",
        "https:",
    ] {
        assert_eq!(Link::new(bad), None, "{bad}");
    }
}

#[test]
fn every_page_has_a_language_one_heading_and_one_main_landmark() {
    for language in Language::ALL {
        for (page, html) in attacked_pages(&texts(language)) {
            assert!(html.contains(&format!("<html lang=\"{}\"", language.tag())), "{page}");
            let expected = usize::from(page != "web message");
            assert_eq!(html.matches("<h1>").count(), expected, "{page}");
            assert_eq!(html.matches("<main").count(), expected, "{page}");
            assert!(html.matches(" autofocus").count() <= 1, "{page}");
            assert!(!html.contains("${"), "{page} left a placeholder unfilled");
        }
    }
}

#[test]
fn login_has_what_scripts_of_other_people_look_for() {
    let html =
        Login { client_name: "Demo".into(), passkey: None, ..login() }.render(&texts(Language::English));
    assert_eq!(html.matches("id=\"username\"").count(), 1);
    assert_eq!(html.matches("id=\"password\"").count(), 1);
    assert_eq!(html.to_lowercase().matches("continue").count(), 1, "{html}");
    assert!(html.contains("name=\"action\" value=\"default\">Continue</button>"), "{html}");
    assert!(html.contains("autocomplete=\"username\"") && html.contains("autocomplete=\"current-password\""));
}

#[test]
fn the_cursor_goes_where_something_is_missing() {
    let t = texts(Language::English);
    let focused = |html: &str| {
        let focused = tags(html).into_iter().find(|tag| tag.ends_with(" autofocus"));
        focused
            .and_then(|tag| tag.split("id=\"").nth(1).and_then(|id| id.split('"').next()).map(str::to_owned))
    };
    assert_eq!(
        focused(&Login { username: String::new(), ..login() }.render(&t)).as_deref(),
        Some("username")
    );
    assert_eq!(focused(&login().render(&t)).as_deref(), Some("password"));
    let missing = Login { problems: vec![Problem::IdentifierMissing], ..login() };
    assert_eq!(focused(&missing.render(&t)).as_deref(), Some("username"));
}

#[test]
fn errors_are_tied_to_their_fields() {
    let t = texts(Language::English);
    let wrong = Login { problems: vec![Problem::WrongCredentials], ..login() }.render(&t);
    assert_eq!(wrong.matches("aria-invalid=\"true\" aria-describedby=\"alert\"").count(), 2, "{wrong}");
    assert!(
        wrong.contains("id=\"alert\" role=\"alert\">Username or email address or password is wrong.<"),
        "{wrong}"
    );

    let blank = Login { problems: vec![Problem::PasswordMissing], ..login() }.render(&t);
    assert!(blank.contains("aria-invalid=\"true\" aria-describedby=\"password-error\""), "{blank}");
    assert!(blank.contains("id=\"password-error\">Enter your password.<"), "{blank}");
    assert!(blank.contains("role=\"alert\">Please check the marked fields.<"), "{blank}");

    let clean = Login { passkey: None, ..login() }.render(&t);
    assert!(!clean.contains("aria-invalid") && !clean.contains("role=\"alert\""), "{clean}");
}

#[test]
fn refused_passwords_show_which_rules_they_fail() {
    let page = ResetPassword {
        frame: frame(),
        form: form(),
        email: "jane@example.com".into(),
        problems: vec![Problem::PasswordWeak],
        rules: rules(),
    };
    let html = page.render(&texts(Language::English));
    assert!(html.contains("aria-describedby=\"password-error password-rules\""), "{html}");
    assert!(html.contains("<li class=\"rule\">At least 8 characters</li>"), "{html}");
    assert!(html.contains("<li class=\"rule met\">At least 3 of these"), "{html}");
    assert!(html.contains("passwords <span class=\"unseen\">(missing)</span></li>"), "{html}");
}

#[test]
fn a_web_message_goes_to_a_named_origin_or_nowhere() {
    let response =
        Map::from_iter([("code".to_owned(), Value::from("x\"y")), ("expires_in".to_owned(), 600.into())]);
    let message = |origin: &str| WebMessage { target_origin: origin.to_owned(), response: response.clone() };
    let html = message("https://app.example").render(&texts(Language::English));
    assert!(html.contains("data-target-origin=\"https://app.example\""), "{html}");
    let data = "data-response=\"{&#34;code&#34;:&#34;x\\&#34;y&#34;,&#34;expires_in&#34;:600}\"";
    assert!(html.contains(data), "{html}");
    assert_eq!(html.matches("/u/static/").count(), 1, "only its script: {html}");
    for nowhere in ["*", "/", ""] {
        assert!(
            message(nowhere).render(&texts(Language::English)).contains("data-target-origin=\"\""),
            "{nowhere}"
        );
    }
}

#[test]
fn consent_groups_name_the_api_and_the_account() {
    let t = texts(Language::English);
    let line = |text: &str| Line { title: None, text: text.to_owned() };
    let lines = ConsentLines { account: vec![line("a")], api: vec![line("b")] };
    let headings = |lines, api| -> Vec<String> {
        ConsentGroup::of(lines, Vec::new(), api, &t).into_iter().map(|group| group.heading).collect()
    };
    assert_eq!(headings(lines, Some("Contacts API")), ["Contacts API", "Your account"]);
    assert!(headings(ConsentLines::default(), Some("Contacts API")).is_empty());
}
