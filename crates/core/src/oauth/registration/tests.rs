use serde_json::json;

use super::*;

const RULES: RegistrationRules =
    RegistrationRules { mode: SecurityMode::Permissive, is_oidc_strict: false, plain_http: false };
const STRICT: RegistrationRules = RegistrationRules { mode: SecurityMode::Strict, ..RULES };

fn read_by(rules: &RegistrationRules, change: &Value) -> Result<Client> {
    let mut metadata = json!({ "redirect_uris": ["https://app.example/cb"] });
    for (name, value) in change.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    let read = Registration::read(metadata.as_object().unwrap(), rules)?;
    let mut client = read.blank("app".to_owned());
    read.describe(&mut client);
    Ok(client)
}

fn read(change: &Value) -> Result<Client> {
    read_by(&RULES, change)
}

#[track_caller]
fn refused(change: &Value, code: &str) {
    let error = read(change).expect_err(&change.to_string());
    assert_eq!(error.code, code, "{change}: {}", error.text);
}

#[test]
fn least() {
    let client = read(&json!({})).unwrap();
    assert!(!client.is_first_party && client.oidc_conformant && !client.is_strict_third_party());
    assert_eq!(
        Value::Object(registered(&client)),
        json!({
            "client_id": "app", "client_name": "app.example", "redirect_uris": ["https://app.example/cb"],
            "grant_types": ["authorization_code"], "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_post", "application_type": "web",
            "subject_type": "public", "id_token_signed_response_alg": "RS256",
        })
    );
    let by_specification = RegistrationRules { is_oidc_strict: true, ..RULES };
    let client = read_by(&by_specification, &json!({})).unwrap();
    assert_eq!(registered(&client)["token_endpoint_auth_method"], "client_secret_basic");
}

#[test]
fn grants_follow_response_types() {
    for (asked, grants) in [
        (json!({"response_types": ["code id_token token"]}), json!(["authorization_code", "implicit"])),
        (json!({"response_types": ["id_token"]}), json!(["implicit"])),
        (
            json!({"response_types": ["token id_token"], "grant_types": ["refresh_token"]}),
            json!(["implicit", "refresh_token"]),
        ),
        (
            json!({"grant_types": ["authorization_code", "refresh_token", "password", "client_credentials"]}),
            json!(["authorization_code", "refresh_token"]),
        ),
        (json!({"response_types": ["code", "none"]}), json!(["authorization_code"])),
    ] {
        assert_eq!(registered(&read(&asked).unwrap())["grant_types"], grants, "{asked}");
    }
    for bad in [
        json!({"grant_types": ["client_credentials"]}),
        json!({"grant_types": ["password"]}),
        json!({"grant_types": "authorization_code"}),
        json!({"response_types": ["none"]}),
        json!({"response_types": "code"}),
    ] {
        refused(&bad, "invalid_client_metadata");
    }
}

/// Security case 3: what nobody vouched for gets neither tokens of its own nor those of the front channel.
#[test]
fn strict_ones_have_codes_alone() {
    let asked = json!({"response_types": ["code", "id_token"], "grant_types": ["authorization_code", "implicit", "password",
        "client_credentials", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]});
    let client = read_by(&STRICT, &asked).unwrap();
    assert!(client.is_strict_third_party());
    assert_eq!(client.grant_types.as_deref().unwrap(), ["authorization_code", "refresh_token"]);
    assert_eq!(registered(&client)["response_types"], json!(["code"]));
    assert!(read_by(&STRICT, &json!({"response_types": ["id_token"]})).is_err());
}

#[test]
fn callbacks() {
    for bad in [
        json!([]),
        json!(null),
        json!("https://app.example/cb"),
        json!([1]),
        json!(["javascript:alert(1)"]),
        json!(["https://app.example/cb#f"]),
        json!(vec!["https://app.example/cb"; 51]),
    ] {
        refused(&json!({ "redirect_uris": bad }), "invalid_redirect_uri");
    }
    let by_browser = json!({"redirect_uris": ["http://localhost/cb"], "response_types": ["id_token"]});
    refused(&by_browser, "invalid_redirect_uri");
    let native = json!({"redirect_uris": ["http://localhost/cb"], "response_types": ["id_token"], "application_type": "native"});
    assert_eq!(read(&native).unwrap().app_type, Some(AppType::Native));
    refused(&json!({"post_logout_redirect_uris": ["data:text/html,x"]}), "invalid_client_metadata");
}

#[test]
fn keys_and_secrets() {
    let jwks = json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]});
    let client = read(&json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": jwks})).unwrap();
    assert_eq!(registered(&client)["token_endpoint_auth_method"], "private_key_jwt");
    let public = read(&json!({"token_endpoint_auth_method": "none"})).unwrap();
    assert!(public.is_public());
    for bad in [
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
        json!({"token_endpoint_auth_method": "client_secret_jwt"}),
        json!({"jwks": jwks, "jwks_uri": "https://app.example/keys"}),
        json!({"jwks": {"keys": []}}),
        json!({"jwks": {"keys": [{"kty": "RSA", "n": "x", "e": "AQAB", "d": "x"}]}}),
        json!({"jwks": {"keys": [{"kty": "oct", "k": "x"}]}}),
        json!({"jwks_uri": "http://app.example/keys"}),
        json!({"jwks_uri": "https://app.example@evil.example/keys"}),
        json!({"request_object_signing_alg": "RS256"}),
        json!({"id_token_signed_response_alg": "none"}),
        json!({"id_token_signed_response_alg": "HS256", "token_endpoint_auth_method": "none"}),
        json!({"userinfo_signed_response_alg": "HS256"}),
        json!({"id_token_encrypted_response_alg": "RSA-OAEP"}),
    ] {
        refused(&bad, "invalid_client_metadata");
    }
}

/// What is nested as deep as a body may be could not be read again within the document of the application.
#[test]
fn keys_keep_what_keys_have() {
    let deep = (0..120).fold(json!("x"), |inner, _| json!([inner]));
    let key = json!({"kty": "RSA", "n": "AQAB", "e": "AQAB", "x5c": ["AQAB"], "key_ops": ["verify"]});
    let mut sent = key.clone();
    (sent["ext"], sent["number"], sent["deep"]) = (json!(true), json!(1.5), deep.clone());
    let client = read(&json!({"jwks": {"keys": [sent], "more": deep}})).unwrap();
    assert_eq!(registered(&client)["jwks"], json!({"keys": [key]}));
    let text = serde_json::to_string(&client).unwrap();
    assert_eq!(serde_json::from_str::<Client>(&text).unwrap(), client);
}

#[test]
fn sectors() {
    let pairwise = |more: Value| {
        let mut asked = json!({"subject_type": "pairwise"});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        asked
    };
    assert_eq!(read(&pairwise(json!({}))).unwrap().pairwise_sector(), Some("app.example"));
    let two = json!({"redirect_uris": ["https://a.example/cb", "https://b.example/cb"]});
    refused(&pairwise(two.clone()), "invalid_client_metadata");
    let mut named = pairwise(two);
    named["sector_identifier_uri"] = json!("https://sector.example/list.json");
    assert_eq!(read(&named).unwrap().pairwise_sector(), Some("sector.example"));
    assert_eq!(
        read(&json!({"sector_identifier_uri": "https://sector.example/"})).unwrap().pairwise_sector(),
        None
    );

    let read = Registration::read(named.as_object().unwrap(), &RULES).unwrap();
    assert_eq!(read.sector_document(), Some("https://sector.example/list.json"));
    assert!(read.check_sector(&json!(["https://b.example/cb", "https://a.example/cb", "x"])).is_ok());
    for bad in [
        json!(["https://a.example/cb"]),
        json!({}),
        json!([1]),
        json!(["https://a.example/cb", 1, "https://b.example/cb"]),
    ] {
        assert_eq!(read.check_sector(&bad).unwrap_err().code, "invalid_client_metadata", "{bad}");
    }
}

/// RFC 9101, section 10.5, and RFC 9126, section 6.
#[test]
fn what_it_demands_of_its_own_requests() {
    let keys = json!({ "jwks_uri": "https://app.example/keys", "redirect_uris": ["https://app.example/cb"] });
    let with = |name: &str, value: Value| {
        let mut all = keys.clone();
        all[name] = value;
        all
    };
    let silent = read(&keys).unwrap();
    assert!(!silent.signs_its_requests() && silent.require_pushed_authorization_requests.is_none());
    assert_eq!(registered(&silent).get("require_signed_request_object"), None);

    let signs = read(&with("require_signed_request_object", json!(true))).unwrap();
    assert!(signs.signs_its_requests());
    assert_eq!(registered(&signs)["require_signed_request_object"], true);
    let pushes = read(&with("require_pushed_authorization_requests", json!(true))).unwrap();
    assert_eq!(pushes.require_pushed_authorization_requests, Some(true));
    assert_eq!(registered(&pushes)["require_pushed_authorization_requests"], true);

    let again = |metadata: &Value, mut client: Client| {
        Registration::read(metadata.as_object().unwrap(), &RULES).unwrap().describe(&mut client);
        client
    };
    assert!(again(&keys, signs.clone()).signs_its_requests(), "saying nothing makes nothing weaker");
    assert!(!again(&with("require_signed_request_object", json!(false)), signs).signs_its_requests());
    let still = |metadata: &Value, client: &Client| {
        let read = Registration::read(metadata.as_object().unwrap(), &RULES).unwrap();
        read.keeps_demands_of(client).is_ok()
    };
    let signs = read(&with("require_signed_request_object", json!(true))).unwrap();
    let bare = json!({ "redirect_uris": ["https://app.example/cb"] });
    let unsigned = with("request_object_signing_alg", json!("none"));
    for (metadata, goes_on) in [
        (&keys, true),
        (&bare, false),
        (&unsigned, false),
        (&with("require_signed_request_object", json!(false)), true),
    ] {
        assert_eq!(still(metadata, &signs), goes_on, "{metadata}");
        assert!(still(metadata, &silent), "{metadata}");
    }
    // Who proves nothing can send nothing ahead, and would be shut out of what it demands.
    let public = with("token_endpoint_auth_method", json!("none"));
    let mut pushes_in_public = public.clone();
    pushes_in_public["require_pushed_authorization_requests"] = json!(true);
    assert_eq!(read(&pushes_in_public).unwrap_err().code, "invalid_client_metadata");
    assert!(still(&keys, &pushes) && !still(&public, &pushes) && still(&public, &silent));
    // What an administrator gave to sign with is still there.
    let mut given = signs;
    let named = json!({ "required": true, "credentials": [{ "id": "cred_1" }] });
    given.signed_request_object = serde_json::from_value(named).unwrap();
    assert!(still(&bare, &given) && !still(&unsigned, &given));
    let strict = with("require_signed_request_object", json!(true));
    assert_eq!(read_by(&STRICT, &strict).unwrap_err().code, "invalid_client_metadata");
    for bad in [
        json!({ "require_signed_request_object": true }),
        with("require_signed_request_object", json!("true")),
        with("require_pushed_authorization_requests", json!(1)),
        json!({ "jwks_uri": "https://app.example/keys", "require_signed_request_object": true,
            "request_object_signing_alg": "none" }),
    ] {
        assert_eq!(read(&bad).unwrap_err().code, "invalid_client_metadata", "{bad}");
    }
}

#[test]
fn names_and_other_members() {
    let client = read(&json!({
        "client_name": "Example", "logo_uri": "https://app.example/logo.png", "default_max_age": 60, "require_auth_time": true,
        "default_acr_values": ["urn:a"], "initiate_login_uri": "https://app.example/start", "contacts": ["a@app.example"],
        "request_uris": ["https://app.example/request.jwt#abc"], "unknown": {"x": 1}, "tos_uri": "",
    }))
    .unwrap();
    let shown = registered(&client);
    assert_eq!(shown["default_max_age"], 60);
    assert_eq!(shown["request_uris"], json!(["https://app.example/request.jwt#abc"]));
    assert_eq!((shown.get("unknown"), shown.get("tos_uri")), (None, None));
    for bad in [
        json!({"client_name": "a\u{202e}b"}),
        json!({"client_name": "<b>"}),
        json!({"client_name": "x".repeat(121)}),
        json!({"client_name": 1}),
        json!({"logo_uri": "javascript:alert(1)"}),
        json!({"policy_uri": "data:text/html,x"}),
        json!({"default_max_age": -1}),
        json!({"default_max_age": "60"}),
        json!({"require_auth_time": "true"}),
        json!({"default_acr_values": ["a b"]}),
        json!({"contacts": vec!["x"; 11]}),
        json!({"initiate_login_uri": "http://app.example/start"}),
        json!({"subject_type": "secret"}),
        json!({"application_type": "toaster"}),
        json!({"request_uris": ["file:///etc/passwd"]}),
    ] {
        refused(&bad, "invalid_client_metadata");
    }
}

/// An update says everything anew, and keeps what is not the application's to say.
#[test]
fn described_again() {
    let mut client =
        read(&json!({"tos_uri": "https://app.example/tos", "response_types": ["code id_token"]})).unwrap();
    let own = client.openid.as_mut().unwrap();
    (own.registered_at, own.registration_token_sha256) = (Some(5), Some("digest".to_owned()));
    let metadata = json!({"redirect_uris": ["https://app.example/other"]});
    Registration::read(metadata.as_object().unwrap(), &RULES).unwrap().describe(&mut client);
    let shown = registered(&client);
    assert_eq!((shown.get("tos_uri"), &shown["response_types"]), (None, &json!(["code"])));
    let own = client.openid.unwrap();
    assert_eq!((own.registered_at, own.registration_token_sha256.as_deref()), (Some(5), Some("digest")));
    assert!(!client.is_first_party);
}

/// OpenID Connect Core 10.2: who wants something encrypted has a key for it.
#[test]
fn what_is_encrypted() {
    let key = chancery_jose::SigningKey::from_pkcs8(
        chancery_jose::Algorithm::ES256,
        "enc",
        &chancery_jose::generate_es256().unwrap(),
    );
    let mut jwk = serde_json::to_value(key.unwrap().public_jwk().unwrap()).unwrap();
    (jwk["use"], jwk["alg"]) = (json!("enc"), json!("ECDH-ES"));
    let jwks = json!({ "keys": [jwk] });
    let shown = |change: &Value| registered(&read(change).unwrap());
    let by_value = shown(&json!({"id_token_encrypted_response_alg": "ECDH-ES", "jwks": jwks}));
    assert_eq!(by_value["id_token_encrypted_response_enc"], "A128CBC-HS256");
    let elsewhere = json!({
        "userinfo_encrypted_response_alg": "RSA-OAEP-256", "userinfo_encrypted_response_enc": "A256GCM",
        "jwks_uri": "https://app.example/keys", "request_object_encryption_alg": "ECDH-ES+A256KW",
    });
    let elsewhere = shown(&elsewhere);
    assert_eq!(elsewhere["userinfo_encrypted_response_enc"], "A256GCM");
    assert_eq!(elsewhere["request_object_encryption_enc"], "A128CBC-HS256");
    let unsigned = json!({"request_object_encryption_alg": "RSA-OAEP", "request_object_signing_alg": "none"});
    assert_eq!(shown(&unsigned)["request_object_encryption_alg"], "RSA-OAEP");
    for bad in [
        json!({"id_token_encrypted_response_alg": "RSA1_5", "jwks": jwks}),
        json!({"id_token_encrypted_response_alg": "dir", "jwks": jwks}),
        json!({"id_token_encrypted_response_alg": "RSA-OAEP", "jwks": jwks}),
        json!({"id_token_encrypted_response_alg": "ECDH-ES+A128KW", "jwks": jwks}),
        json!({"id_token_encrypted_response_alg": "ECDH-ES", "id_token_encrypted_response_enc": "A1", "jwks": jwks}),
        json!({"id_token_encrypted_response_enc": "A128GCM", "jwks": jwks}),
        json!({"userinfo_encrypted_response_alg": "ECDH-ES"}),
        json!({"request_object_encryption_alg": "ECDH-ES"}),
    ] {
        refused(&bad, "invalid_client_metadata");
    }
}

#[test]
fn ends_of_sessions() {
    let both = json!({
        "backchannel_logout_uri": "https://back.example/out", "backchannel_logout_session_required": true,
        "frontchannel_logout_uri": "https://app.example/out?x=1", "frontchannel_logout_session_required": true,
    });
    let mut client = read(&both).unwrap();
    let shown = registered(&client);
    for (name, value) in both.as_object().unwrap() {
        assert_eq!(shown[name], *value, "{name}");
    }
    let heard = |client: &Client| {
        let logout = client.oidc_logout.clone().unwrap_or_default();
        logout.listens(crate::logout::Initiator::RpLogout).map(str::to_owned)
    };
    assert_eq!(heard(&client).as_deref(), Some("https://back.example/out"));
    // What an administrator chose stays when the registration is said anew, what it says itself does not.
    client.oidc_logout.as_mut().unwrap().backchannel_logout_initiators =
        Some(serde_json::from_value(json!({"mode": "all"})).unwrap());
    let metadata = json!({"redirect_uris": ["https://app.example/cb"]});
    Registration::read(metadata.as_object().unwrap(), &RULES).unwrap().describe(&mut client);
    assert_eq!((heard(&client), registered(&client).get("frontchannel_logout_uri")), (None, None));
    assert!(client.oidc_logout.unwrap().backchannel_logout_initiators.is_some());
    assert_eq!(read(&json!({})).unwrap().oidc_logout, None);
    for bad in [
        json!({"backchannel_logout_uri": "http://back.example/out"}),
        json!({"backchannel_logout_uri": "https://back.example/out#x"}),
        json!({"backchannel_logout_session_required": "yes"}),
        json!({"frontchannel_logout_uri": "https://other.example/out"}),
        json!({"frontchannel_logout_uri": "https://app.example:8443/out"}),
        json!({"frontchannel_logout_uri": "javascript:alert(1)"}),
    ] {
        refused(&bad, "invalid_client_metadata");
    }
}
