//! Writes every page with sample data to a folder, to be looked at: `cargo run -p chancery-login --example gallery -- DIR`.

use std::{env, error::Error, fs, path::Path};

use chancery_core::second_factor::NewFactor;
use chancery_login::{
    Language, TextCatalog, Texts,
    assets::{ASSET_PATH, File, asset, asset_url, theme_url},
    consent_lines::{AskedScope, consent_lines},
    csp::{PageKind, csp, form_target},
    pages::{
        AccountConsents, AccountKeys, AllowedApplication, ApprovalDone, AskForCode, CheckMail, Choice,
        ChooseOrganization, CodeKind, ConfirmApproval, ConfirmDevice, ConfirmLogin, ConfirmLogout, Consent,
        ConsentGroup, DeviceDenied, DeviceDone, EnrolOtp, Enrolled, EnterCode, EnterDeviceCode,
        EnterMailedCode, ErrorKind, ErrorPage, ForgotPassword, Form, FormPost, Frame, Hidden, Identifier,
        KeepRecoveryCode, KeyPage, Link, LoggedOut, Login, NameOrganization, OrganizationChoice, OtherWay,
        OwnKey, OwnKeyKind, PasskeyForm, PasswordRule, Presented, Problem, ResetDone, ResetPassword,
        RuleLine, Signup, Unblock, Unblocked, UseKey, Way, WebMessage,
    },
    theme::Accent,
};
use serde_json::{Map, Value};

const LONG_CLIENT: &str =
    "Donaudampfschifffahrtsgesellschaftskapitänspatentverwaltung International (Staging)";
const LONG_EMAIL: &str = "wilhelmina.featherstonehaugh-cholmondeley@students.faculty.university.example.com";

struct Page {
    name: String,
    kind: PageKind,
    html: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: gallery DIR")?;
    let folder = Path::new(&folder);
    let catalog = TextCatalog::built_in()?;
    let mut index = String::from("<!DOCTYPE html><html lang=\"en\"><title>Gallery</title><ul>\n");
    for language in Language::ALL {
        for page in pages(&catalog.of(language))? {
            let name = format!("{}-{}.html", page.name, language.tag());
            fs::create_dir_all(folder)?;
            fs::write(folder.join(&name), with_policy(&page))?;
            index.push_str(&format!("<li><a href=\"{name}\">{name}</a>\n"));
        }
    }
    fs::write(folder.join("index.html"), index)?;
    write_assets(folder)
}

/// The policy travels as a header; files have none.
fn with_policy(page: &Page) -> String {
    let targets: Vec<String> = form_target("https://app.example/callback").into_iter().collect();
    let policy = csp(page.kind, &targets).replace("; frame-ancestors 'none'", "");
    let meta = format!("<head>\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    page.html
        .replacen("<head>", &meta, 1)
        .replace(&format!("\"{ASSET_PATH}"), &format!("\"{}", &ASSET_PATH[1..]))
}

fn write_assets(folder: &Path) -> Result<(), Box<dyn Error>> {
    let files = [
        File::Style,
        File::FormPostScript,
        File::WebMessageScript,
        File::ShowPasswordScript,
        File::Logo,
        File::Icon,
    ];
    let themes = ["#e0218a", "#ffe100", "#101010"].into_iter().filter_map(Accent::parse).map(theme_url);
    for url in files.into_iter().map(asset_url).chain(themes) {
        let name = url.strip_prefix(ASSET_PATH).ok_or("an asset outside its folder")?;
        let path = folder.join(&ASSET_PATH[1..]).join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        fs::write(path, asset(name).ok_or("an asset without content")?.bytes)?;
    }
    Ok(())
}

fn pages(t: &Texts) -> Result<Vec<Page>, Box<dyn Error>> {
    let mut pages = Vec::new();
    let mut add =
        |name: &str, kind: PageKind, html: String| pages.push(Page { name: name.to_owned(), kind, html });

    add("login", PageKind::Password, login()?.render(t));
    let wrong = Login {
        username: "jane@example.com".into(),
        problems: vec![Problem::WrongCredentials],
        identifier: Identifier::UsernameOrEmail,
        ..login()?
    };
    add("login-wrong", PageKind::Password, wrong.render(t));
    let empty = Login { problems: vec![Problem::IdentifierMissing, Problem::PasswordMissing], ..login()? };
    add("login-empty", PageKind::Password, empty.render(t));
    let bare =
        Login { signup: None, forgot_password: None, problems: vec![Problem::TooManyAttempts], ..login()? };
    add("login-attempts", PageKind::Password, bare.render(t));
    let long = Login { client_name: LONG_CLIENT.into(), username: LONG_EMAIL.into(), ..login()? };
    add("login-long", PageKind::Password, long.render(t));
    for (name, accent) in [("pink", "#e0218a"), ("yellow", "#ffe100"), ("black", "#101010")] {
        let frame = Frame { accent: Accent::parse(accent), ..frame() };
        let themed = Login { frame, ..login()? };
        add(&format!("login-{name}"), PageKind::Password, themed.render(t));
    }

    let approval = ConfirmApproval {
        frame: frame(),
        form: form("/u/device")?,
        client_name: LONG_CLIENT.into(),
        client_logo: None,
        message: "Pay 12.50 EUR to ACME, ref: #7".into(),
        account: Some(LONG_EMAIL.into()),
        not_you: Some(link("/u/login")?),
    };
    add("approval", PageKind::Plain, approval.render(t));
    add("approved", PageKind::Plain, ApprovalDone { frame: frame(), is_approved: true }.render(t));
    let ask = AskForCode {
        frame: frame(),
        form: form("/u/login-passwordless-email")?,
        client_name: "Demo Web".into(),
        email: "jane@example.com".into(),
        problems: vec![Problem::EmailInvalid],
        password: Some(link("/u/login")?),
    };
    add("passwordless-email", PageKind::Plain, ask.render(t));
    let mailed = EnterMailedCode {
        frame: frame(),
        form: form("/u/passwordless-email-challenge")?,
        email: LONG_EMAIL.into(),
        code: "123456".into(),
        problems: vec![Problem::MailedCodeWrong],
        other: link("/u/login-passwordless-email")?,
    };
    add("passwordless-code", PageKind::Plain, mailed.render(t));
    let both = Login { mailed_code: Some(link("/u/login-passwordless-email")?), ..login()? };
    add("login-both", PageKind::Password, both.render(t));
    let unblock = Unblock { frame: frame(), form: form("/u/unblock")?, email: LONG_EMAIL.into() };
    add("unblock", PageKind::Plain, unblock.render(t));
    add("unblocked", PageKind::Plain, Unblocked { frame: frame() }.render(t));
    add("signup", PageKind::Password, signup()?.render(t));
    let weak = Signup {
        email: "jane@example.com".into(),
        username: Some("j".into()),
        problems: vec![
            Problem::UserExists,
            Problem::UsernameInvalid { min: 3, max: 15 },
            Problem::PasswordWeak,
        ],
        rules: rules(&[Some(true), Some(false), Some(false)]),
        ..signup()?
    };
    add("signup-weak", PageKind::Password, weak.render(t));

    add(
        "consent",
        PageKind::Plain,
        consent(t, &["openid", "profile", "email", "read:contacts", "delete:contacts"])?.render(t),
    );
    let many = [
        "openid",
        "profile",
        "email",
        "address",
        "phone",
        "offline_access",
        "read:messages",
        "write:messages",
        "delete:messages",
        "create:address_books",
        "update:address_books",
        "approve:invoices",
        "timesheets",
        "https://api.example.com/a/very/long/scope/name/that/has/no/place/to/break",
    ];
    let frame_pink = Frame { accent: Accent::parse("#e0218a"), ..frame() };
    let many = Consent {
        client_name: LONG_CLIENT.into(),
        account: LONG_EMAIL.into(),
        frame: frame_pink,
        ..consent(t, &many)?
    };
    add("consent-long", PageKind::Plain, many.render(t));
    let choice = |scope: &str, is_ticked: bool| {
        let asked = AskedScope { value: scope.to_owned(), description: None };
        let line = consent_lines(&[asked], false, t).api.into_iter().next();
        line.map(|line| Choice { field: format!("allow:{scope}"), line, is_ticked, is_sensitive: !is_ticked })
    };
    let mut chosen = consent(t, &["openid", "profile", "read:contacts", "offline_access"])?;
    chosen.groups[0].choices = ["update:contacts", "share:address_books"]
        .iter()
        .filter_map(|scope| choice(scope, true))
        .chain(choice("delete:contacts", false))
        .collect();
    add("consent-choices", PageKind::Plain, chosen.render(t));
    let allowed = |id: &str, client_name: &str, scopes: &[&str], api: Option<&str>| {
        let asked: Vec<AskedScope> =
            scopes.iter().map(|s| AskedScope { value: (*s).to_owned(), description: None }).collect();
        AllowedApplication {
            id: id.to_owned(),
            client_name: client_name.to_owned(),
            client_logo: None,
            organization: (id == "2").then(|| "Acme Corporation".to_owned()),
            api: None,
            groups: ConsentGroup::of(consent_lines(&asked, false, t), Vec::new(), api, t),
            since: "2026-11-26".to_owned(),
        }
    };
    let consents = AccountConsents {
        frame: frame(),
        form: form("/u/account/consents")?,
        account: LONG_EMAIL.into(),
        log_out: link("/oidc/logout")?,
        withdrawn: Some("Demo Web".into()),
        allowed: vec![
            allowed(
                "1",
                "Demo SPA",
                &["openid", "profile", "read:contacts", "offline_access"],
                Some("Contacts API"),
            ),
            allowed(
                "2",
                LONG_CLIENT,
                &[
                    "read:messages",
                    "delete:messages",
                    "https://api.example.com/a/scope/that/has/no/place/to/break",
                ],
                Some("https://api.example.com/with/a/long/identifier/that/does/not/break"),
            ),
            allowed("3", "Third", &["openid"], None),
        ],
    };
    add("consents", PageKind::Plain, consents.render(t));
    add(
        "consents-none",
        PageKind::Plain,
        AccountConsents { allowed: Vec::new(), withdrawn: None, ..consents }.render(t),
    );
    let described = Consent {
        client_name: "Agent".into(),
        client_host: Some("agent.a-rather-long-name-of-a-host.example".into()),
        callback_host: Some("127.0.0.1:49152".into()),
        ..consent(t, &["read:contacts"])?
    };
    add("consent-described", PageKind::Plain, described.render(t));
    add("consent-none", PageKind::Plain, Consent { groups: Vec::new(), ..consent(t, &[])? }.render(t));

    let forgot = ForgotPassword {
        frame: frame(),
        form: form("/u/forgot-password")?,
        email: String::new(),
        problems: Vec::new(),
        login: Some(link("/u/login?state=x")?),
    };
    add("forgot", PageKind::Plain, forgot.render(t));
    let wrong = ForgotPassword { email: "jane".into(), problems: vec![Problem::EmailInvalid], ..forgot };
    add("forgot-invalid", PageKind::Plain, wrong.render(t));
    let check = CheckMail {
        frame: frame(),
        form: form("/u/check-mail")?,
        email: "jane@example.com".into(),
        login: Some(link("/u/login?state=x")?),
    };
    add("check-mail", PageKind::Plain, check.render(t));
    let reset = ResetPassword {
        frame: frame(),
        form: form("/u/reset-password")?,
        email: "jane@example.com".into(),
        problems: Vec::new(),
        rules: rules(&[None, None, None]),
    };
    add("reset", PageKind::Password, reset.render(t));
    let differ = ResetPassword { problems: vec![Problem::PasswordsDiffer], ..reset };
    add("reset-differ", PageKind::Password, differ.render(t));
    let done =
        ResetDone { frame: frame(), application: Some(("Demo SPA".into(), link("https://app.example/")?)) };
    add("reset-done", PageKind::Plain, done.render(t));

    let client_name = String::from("Demo SPA");
    let logout = ConfirmLogout { frame: frame(), form: form("/u/logout")?, client_name: client_name.clone() };
    add("logout", PageKind::Plain, logout.render(t));
    add("logged-out", PageKind::Plain, LoggedOut { frame: frame() }.render(t));
    let confirm = ConfirmLogin {
        frame: frame(),
        form: form("/u/confirm")?,
        client_name: client_name.clone(),
        account: "jane@example.com".into(),
        not_you: Some(link("/u/login?state=x&switch")?),
    };
    add("confirm", PageKind::Plain, confirm.render(t));
    organizations(&mut add, t)?;
    second_factors(&mut add, t)?;
    keys(&mut add, t)?;
    devices(&mut add, t)?;
    for (name, kind, description) in errors() {
        let error = ErrorPage {
            frame: frame(),
            kind,
            code: description.map(|(code, _)| code.to_owned()),
            description: description.map(|(_, text)| text.to_owned()),
            request_id: "01kb2m8x4t9q7d".into(),
            support_email: Some("support@acme.example".into()),
            support_url: Some(link("https://acme.example/help")?),
        };
        add(&format!("error-{name}"), PageKind::Plain, error.render(t));
    }
    let fields = vec![Hidden { name: "code".into(), value: "x\"y".into() }];
    let form_post =
        FormPost { frame: frame(), client_name, target: link("http://127.0.0.1:9/callback")?, fields };
    add("form-post", PageKind::FormPost, form_post.render(t));
    let response = Map::from_iter([("code".to_owned(), Value::from("x"))]);
    let message = WebMessage { target_origin: "https://app.example".into(), response };
    add("web-message", PageKind::WebMessage, message.render(t));
    Ok(pages)
}

fn devices(add: &mut impl FnMut(&str, PageKind, String), t: &Texts) -> Result<(), Box<dyn Error>> {
    let action = Link::new("/activate").ok_or("a path is no link")?;
    let enter = EnterDeviceCode { frame: frame(), action, user_code: String::new(), problems: Vec::new() };
    add("device", PageKind::Plain, enter.render(t));
    let unknown =
        EnterDeviceCode { user_code: "WDJB-MJHT".into(), problems: vec![Problem::UserCodeUnknown], ..enter };
    add("device-unknown", PageKind::Plain, unknown.render(t));
    let confirm = ConfirmDevice {
        frame: frame(),
        form: form("/u/device")?,
        client_name: "Demo TV".into(),
        client_logo: None,
        user_code: "WDJB-MJHT".into(),
        account: None,
        not_you: None,
    };
    add("device-confirm", PageKind::Plain, confirm.render(t));
    let long = ConfirmDevice {
        client_name: LONG_CLIENT.into(),
        user_code: "W".repeat(20),
        account: Some(LONG_EMAIL.into()),
        not_you: Link::new("/u/login"),
        ..confirm
    };
    add("device-confirm-long", PageKind::Plain, long.render(t));
    add("device-done", PageKind::Plain, DeviceDone { frame: frame() }.render(t));
    add("device-denied", PageKind::Plain, DeviceDenied { frame: frame() }.render(t));
    Ok(())
}

fn way(way: Way, path: &str) -> Result<Vec<OtherWay>, String> {
    Ok(vec![OtherWay { way, link: link(path)? }])
}

fn keys(add: &mut impl FnMut(&str, PageKind, String), t: &Texts) -> Result<(), Box<dyn Error>> {
    let passkey = PasskeyForm {
        form: form("/u/login/passkey")?,
        options: "{}".into(),
        fills_in: true,
        has_button: true,
    };
    let with_passkey = Login { passkey: Some(passkey), ..login()? };
    add("login-passkey", PageKind::Password, with_passkey.render(t));
    let show = UseKey {
        frame: frame(),
        form: form("/u/mfa-webauthn-challenge")?,
        page: KeyPage::Show,
        account: "jane@example.com".into(),
        not_you: Link::new("/u/login"),
        options: Some("{}".into()),
        may_skip: false,
        may_remember: true,
        others: way(Way::Otp, "/u/mfa-otp-challenge")?,
        problems: Vec::new(),
    };
    add("key", PageKind::SecurityKey, show.render(t));
    let own = |id: &str, name: &str, kind| OwnKey {
        id: id.into(),
        name: name.into(),
        kind,
        since: "2026-11-26".into(),
        used: Some("2026-11-27".into()),
    };
    let keys = AccountKeys {
        frame: frame(),
        form: form("/u/account/keys")?,
        account: "jane@example.com".into(),
        log_out: link("/oidc/logout")?,
        done: true,
        may_change: true,
        keys: vec![
            own("a", "", OwnKeyKind::Passkey),
            own("b", "Green one", OwnKeyKind::Roaming),
            own("c", "", OwnKeyKind::Otp),
        ],
        addable: vec![
            NewFactor::Passkey,
            NewFactor::WebauthnRoaming,
            NewFactor::WebauthnPlatform,
            NewFactor::Otp,
        ],
    };
    add("account-keys", PageKind::Plain, keys.render(t));
    let none = AccountKeys { keys: Vec::new(), done: false, ..keys.clone() };
    add("account-keys-none", PageKind::Plain, none.render(t));
    let fixed = AccountKeys { may_change: false, done: false, addable: Vec::new(), ..keys };
    add("account-keys-fixed", PageKind::Plain, fixed.render(t));
    let wrong = UseKey { problems: vec![Problem::KeyRefused], account: LONG_EMAIL.into(), ..show.clone() };
    add("key-wrong", PageKind::SecurityKey, wrong.render(t));
    let elsewhere = UseKey { options: None, ..show.clone() };
    add("key-elsewhere", PageKind::SecurityKey, elsewhere.render(t));
    for (name, page) in [
        ("key-make", KeyPage::MakeRoaming),
        ("key-make-platform", KeyPage::MakePlatform),
        ("passkey-make", KeyPage::MakePasskey),
        ("passkey-make-local", KeyPage::MakeLocalPasskey),
    ] {
        let may_skip = matches!(page, KeyPage::MakePasskey | KeyPage::MakeLocalPasskey);
        let others = if may_skip { Vec::new() } else { way(Way::MakeOtp, "/u/mfa-otp-enrollment-qr")? };
        let make = UseKey { page, may_skip, may_remember: false, others, ..show.clone() };
        add(name, PageKind::SecurityKey, make.render(t));
    }
    for (name, page) in [
        ("key-add", KeyPage::AddRoaming),
        ("key-add-platform", KeyPage::AddPlatform),
        ("passkey-add", KeyPage::AddPasskey),
    ] {
        let others = way(Way::OwnKeys, "/u/account/keys")?;
        let make = UseKey { page, may_remember: false, not_you: None, others, ..show.clone() };
        add(name, PageKind::SecurityKey, make.render(t));
    }
    Ok(())
}

fn second_factors(add: &mut impl FnMut(&str, PageKind, String), t: &Texts) -> Result<(), Box<dyn Error>> {
    let not_you = Link::new("/u/login").ok_or("a path is no link")?;
    let enrol = EnrolOtp {
        frame: frame(),
        form: form("/u/mfa-otp-enrollment-qr")?,
        account: "jane@example.com".into(),
        not_you: Some(not_you.clone()),
        is_own: false,
        uri: "otpauth://totp/Contacts%20Demo:jane%40example%2Ecom?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Contacts%20Demo"
            .into(),
        secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into(),
        others: way(Way::MakeRoaming, "/u/mfa-webauthn-roaming-enrollment")?,
        problems: Vec::new(),
    };
    add("otp-enrol", PageKind::Plain, enrol.render(t));
    let own = EnrolOtp {
        is_own: true,
        not_you: None,
        others: way(Way::OwnKeys, "/u/account/keys")?,
        ..enrol.clone()
    };
    add("otp-enrol-own", PageKind::Plain, own.render(t));
    add("enrolled", PageKind::Plain, Enrolled { frame: frame() }.render(t));
    let again = EnrolOtp { account: LONG_EMAIL.into(), problems: vec![Problem::CodeWrong], ..enrol };
    add("otp-enrol-wrong", PageKind::Plain, again.render(t));
    let enter = EnterCode {
        frame: frame(),
        form: form("/u/mfa-otp-challenge")?,
        kind: CodeKind::OneTime,
        mailed_to: None,
        account: "jane@example.com".into(),
        not_you,
        may_remember: true,
        others: way(Way::RecoveryCode, "/u/mfa-recovery-code-challenge")?,
        problems: Vec::new(),
    };
    add("otp", PageKind::Plain, enter.render(t));
    let wrong = EnterCode { problems: vec![Problem::CodeWrong], ..enter.clone() };
    add("otp-wrong", PageKind::Plain, wrong.render(t));
    let mailed = EnterCode {
        kind: CodeKind::Mailed,
        mailed_to: Some("j***@e***.com".into()),
        form: form("/u/mfa-email-challenge")?,
        ..enter.clone()
    };
    add("mailed-factor", PageKind::Plain, mailed.render(t));
    let recovery = EnterCode {
        form: form("/u/mfa-recovery-code-challenge")?,
        kind: CodeKind::Recovery,
        may_remember: false,
        account: LONG_EMAIL.into(),
        others: way(Way::Otp, "/u/mfa-otp-challenge")?,
        problems: vec![Problem::RecoveryCodeWrong],
        ..enter
    };
    add("recovery-code", PageKind::Plain, recovery.render(t));
    let keep = KeepRecoveryCode {
        frame: frame(),
        form: form("/u/mfa-recovery-code-enrollment")?,
        code: "ABCDEFGHJKLMNPQRSTUVWXYZ".into(),
        problems: Vec::new(),
    };
    add("recovery-code-keep", PageKind::Plain, keep.render(t));
    add(
        "recovery-code-keep-wrong",
        PageKind::Plain,
        KeepRecoveryCode { problems: vec![Problem::NotSaved], ..keep }.render(t),
    );
    Ok(())
}

fn organizations(add: &mut impl FnMut(&str, PageKind, String), t: &Texts) -> Result<(), Box<dyn Error>> {
    let name = NameOrganization {
        frame: frame(),
        form: form("/u/organization")?,
        client_name: "Demo SPA".into(),
        organization: String::new(),
        problems: Vec::new(),
        may_skip: false,
    };
    add("organization", PageKind::Plain, name.render(t));
    let unknown = NameOrganization {
        organization: "Acmme".into(),
        problems: vec![Problem::OrganizationUnknown],
        may_skip: true,
        ..name
    };
    add("organization-unknown", PageKind::Plain, unknown.render(t));
    let choice = |title: &str| OrganizationChoice { id: "org_0123456789abcdef".into(), title: title.into() };
    let choose = ChooseOrganization {
        frame: frame(),
        form: form("/u/organization-picker")?,
        client_name: "Demo SPA".into(),
        account: "jane@example.com".into(),
        not_you: Some(link("/u/login?state=x")?),
        choices: vec![choice("Acme Inc."), choice("Rocky Mountain Adventures"), choice(LONG_CLIENT)],
        may_skip: true,
    };
    add("organization-picker", PageKind::Plain, choose.render(t));
    Ok(())
}

/// Name of the page, kind, and `error` with its description.
type SampleError = (&'static str, ErrorKind, Option<(&'static str, &'static str)>);

fn errors() -> [SampleError; 8] {
    let callback = "The provided redirect_uri is not in the list of allowed callback URLs: \
                    https://evil.example/a/path/that/goes/on?and=on&and=on";
    [
        ("callback", ErrorKind::Forbidden, Some(("unauthorized_client", callback))),
        (
            "request",
            ErrorKind::InvalidRequest,
            Some(("invalid_request", "Missing required parameter: client_id")),
        ),
        ("not-found", ErrorKind::NotFound, None),
        ("expired", ErrorKind::SessionExpired, None),
        ("link", ErrorKind::UsedLink, None),
        ("rate", ErrorKind::TooManyRequests, None),
        ("server", ErrorKind::ServerError, None),
        ("busy", ErrorKind::Unavailable, None),
    ]
}

fn frame() -> Frame {
    Frame { tenant_name: "Acme".into(), logo_name: "Acme".into(), logo: None, accent: None, icon: None }
}

fn link(url: &str) -> Result<Link, String> {
    Link::new(url).ok_or_else(|| format!("{url} is no link"))
}

fn form(action: &str) -> Result<Form, String> {
    Ok(Form { action: link(action)?, state: "tx_01kb2m8x".into(), csrf: Some("c5f8".into()) })
}

fn login() -> Result<Login, String> {
    Ok(Login {
        frame: frame(),
        form: form("/u/login?state=x")?,
        client_name: "Demo SPA".into(),
        identifier: Identifier::Email,
        username: String::new(),
        problems: Vec::new(),
        forgot_password: Some(link("/u/forgot-password?state=x")?),
        mailed_code: None,
        signup: Some(link("/u/signup?state=x")?),
        passkey: None,
        presented: Presented::default(),
    })
}

fn signup() -> Result<Signup, String> {
    Ok(Signup {
        frame: frame(),
        form: form("/u/signup?state=x")?,
        client_name: "Demo SPA".into(),
        email: String::new(),
        username: None,
        problems: Vec::new(),
        rules: rules(&[None, None, None]),
        login: link("/u/login?state=x")?,
    })
}

fn rules(met: &[Option<bool>; 3]) -> Vec<RuleLine> {
    let rules = [PasswordRule::LengthAtLeast(8), PasswordRule::KindsAtLeast(3), PasswordRule::NotCommon];
    rules.into_iter().zip(met).map(|(rule, met)| RuleLine { rule, met: *met }).collect()
}

fn consent(t: &Texts, scopes: &[&str]) -> Result<Consent, String> {
    let asked: Vec<AskedScope> =
        scopes.iter().map(|value| AskedScope { value: (*value).to_owned(), description: None }).collect();
    Ok(Consent {
        frame: frame(),
        form: form("/u/consent")?,
        client_name: "Demo SPA".into(),
        client_host: None,
        client_logo: None,
        account: "jane@example.com".into(),
        not_you: Some(link("/u/login?state=x&switch")?),
        groups: ConsentGroup::of(consent_lines(&asked, false, t), Vec::new(), Some("Contacts API"), t),
        step: None,
        asked: String::new(),
        choices: String::new(),
        withdraw: link("/u/account/consents")?,
        policy: Some(link("https://app.example/privacy")?),
        terms: Some(link("https://app.example/terms")?),
        callback_host: Some("app.example".into()),
    })
}
