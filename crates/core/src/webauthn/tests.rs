//! Ceremonies with an authenticator made of software.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use chancery_jose::{base64url, sha256};
use serde_json::{Value, json};

use super::*;

const ORIGIN: &str = "https://login.example.com";
const HOST: &str = "login.example.com";
const CHALLENGE: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const PRESENT: u8 = 1;
const VERIFIED: u8 = 4;
const ELIGIBLE: u8 = 8;
const BACKED_UP: u8 = 16;

/// What goes into an answer; each test bends one thing.
struct Ceremony {
    kind: &'static str,
    challenge: String,
    origin: String,
    more: &'static str,
    host: &'static str,
    flags: u8,
    count: u32,
    format: &'static str,
    handle: Option<&'static [u8]>,
    id: Vec<u8>,
}

impl Ceremony {
    fn new(kind: &'static str) -> Self {
        Self {
            kind,
            challenge: CHALLENGE.to_owned(),
            origin: ORIGIN.to_owned(),
            more: "",
            host: HOST,
            flags: PRESENT | VERIFIED,
            count: 1,
            format: "none",
            handle: Some(b"jane"),
            id: b"credential".to_vec(),
        }
    }

    fn client_data(&self) -> String {
        let Self { kind, challenge, origin, more, .. } = self;
        format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}"{more}}}"#)
    }

    fn data(&self, attested: &[u8]) -> Vec<u8> {
        let flags = self.flags | if attested.is_empty() { 0 } else { 1 << 6 };
        [&sha256(self.host.as_bytes())[..], &[flags], &self.count.to_be_bytes(), attested].concat()
    }

    fn create(&self, key: &Key) -> String {
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let attested = [&[7; 16], &length[..], &self.id, &key.cose()].concat();
        let data = self.data(&attested);
        let signature = key.sign(&[&data[..], &sha256(self.client_data().as_bytes())].concat());
        let statement = match self.format {
            "packed" => [&[0xa2, 0x63][..], b"alg", &[0x26, 0x63], b"sig", &bytes(&signature)].concat(),
            _ => vec![0xa0],
        };
        let format = u8::try_from(self.format.len()).unwrap();
        let object = [
            &[0xa3, 0x63][..],
            b"fmt",
            &[0x60 | format],
            self.format.as_bytes(),
            &[0x67],
            b"attStmt",
            &statement,
            &[0x68],
            b"authData",
            &bytes(&data),
        ]
        .concat();
        self.answer(json!({"attestationObject": base64url(&object), "transports": ["usb", "X<>"]}))
    }

    fn get(&self, key: &Key) -> String {
        let data = self.data(&[]);
        let signature = key.sign(&[&data[..], &sha256(self.client_data().as_bytes())].concat());
        self.answer(json!({
            "authenticatorData": base64url(&data),
            "signature": base64url(&signature),
            "userHandle": self.handle.map(base64url),
        }))
    }

    fn answer(&self, mut response: Value) -> String {
        response["clientDataJSON"] = base64url(self.client_data().as_bytes()).into();
        let id = base64url(&self.id);
        json!({"id": id, "rawId": id, "type": "public-key", "response": response}).to_string()
    }
}

struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    fn cose(&self) -> Vec<u8> {
        let point = self.0.public_key().as_ref();
        [&[0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 0x20], &point[1..33], &[0x22, 0x58, 0x20], &point[33..]]
            .concat()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }
}

/// A byte string of CBOR.
fn bytes(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap();
    match length {
        0..24 => [&[0x40 | u8::try_from(length).unwrap()], content].concat(),
        24..256 => [&[0x58, u8::try_from(length).unwrap()], content].concat(),
        _ => [&[0x59], &length.to_be_bytes()[..], content].concat(),
    }
}

const EXPECTED: Expected<'_> =
    Expected { challenge: CHALLENGE, origins: &[ORIGIN], relying_party: HOST, verified: true };

fn made(ceremony: &Ceremony, key: &Key) -> Result<NewCredential, Refused> {
    Registration::parse(&ceremony.create(key))?.verify(&EXPECTED)
}

fn shown(ceremony: &Ceremony, key: &Key, count: u32) -> Result<Shown, Refused> {
    let known = Known {
        public_key: &key.cose(),
        sign_count: count,
        backup_eligible: Some(false),
        user_handle: Some(b"jane"),
    };
    Assertion::parse(&ceremony.get(key))?.verify(&EXPECTED, &known)
}

#[test]
fn made_and_shown() {
    let key = Key::new();
    let credential = made(&Ceremony::new("webauthn.create"), &key).unwrap();
    assert_eq!((credential.id.as_slice(), credential.public_key), (&b"credential"[..], key.cose()));
    assert_eq!((credential.sign_count, credential.aaguid, credential.verified), (1, [7; 16], true));
    assert_eq!(credential.transports, ["usb"], "words alone");
    made(&Ceremony { format: "packed", ..Ceremony::new("webauthn.create") }, &key).unwrap();
    let said = shown(&Ceremony::new("webauthn.get"), &key, 0).unwrap();
    assert_eq!(said, Shown { sign_count: 1, backed_up: false, verified: true });
}

type Bend = fn(&mut Ceremony);

#[test]
fn whatever_is_bent_is_refused() {
    let cases: [(&str, Refused, Bend); 15] = [
        ("another ceremony", Refused::Type, |c| c.kind = "payment.get"),
        ("another challenge", Refused::Challenge, |c| c.challenge = base64url(&[1; 32])),
        ("no challenge", Refused::Challenge, |c| c.challenge = String::new()),
        ("a prefix of it", Refused::Challenge, |c| c.challenge.truncate(40)),
        ("another site", Refused::Origin, |c| c.origin = "https://badlogin.example.com".into()),
        ("a suffix", Refused::Origin, |c| c.origin = "https://login.example.com.evil.example".into()),
        ("another port", Refused::Origin, |c| c.origin.push_str(":8443")),
        ("without TLS", Refused::Origin, |c| c.origin = "http://login.example.com".into()),
        ("a slash", Refused::Origin, |c| c.origin.push('/')),
        ("framed", Refused::CrossOrigin, |c| c.more = r#","crossOrigin":true"#),
        ("framed", Refused::CrossOrigin, |c| c.more = r#","topOrigin":"https://evil.example""#),
        ("another relying party", Refused::RelyingParty, |c| c.host = "example.com"),
        ("nobody there", Refused::NotPresent, |c| c.flags = VERIFIED),
        ("anybody", Refused::NotVerified, |c| c.flags = PRESENT),
        ("a copy of what has none", Refused::Backup, |c| c.flags |= BACKED_UP),
    ];
    let key = Key::new();
    for (what, refused, bend) in cases {
        let mut create = Ceremony::new("webauthn.create");
        bend(&mut create);
        assert_eq!(made(&create, &key), Err(refused), "{what}");
        let mut get = Ceremony::new("webauthn.get");
        bend(&mut get);
        assert_eq!(shown(&get, &key, 0), Err(refused), "{what}");
    }
    // Neither is good for the other.
    assert_eq!(made(&Ceremony::new("webauthn.get"), &key), Err(Refused::Type));
    assert_eq!(shown(&Ceremony::new("webauthn.create"), &key, 0), Err(Refused::Type));
}

#[test]
fn counters_copies_and_handles() {
    let key = Key::new();
    let at = |count, before| {
        shown(&Ceremony { count, ..Ceremony::new("webauthn.get") }, &key, before).map(|said| said.sign_count)
    };
    assert_eq!(at(0, 0), Ok(0), "without a counter");
    assert_eq!((at(6, 5), at(500, 5)), (Ok(6), Ok(500)));
    for (count, before) in [(5, 5), (4, 5), (0, 5)] {
        assert_eq!(at(count, before), Err(Refused::Counter), "{count} {before}");
    }
    let copied =
        Ceremony { flags: PRESENT | VERIFIED | ELIGIBLE | BACKED_UP, ..Ceremony::new("webauthn.get") };
    assert_eq!(shown(&copied, &key, 0), Err(Refused::Backup), "it was not to be copied");
    let other = Ceremony { handle: Some(b"sam"), ..Ceremony::new("webauthn.get") };
    assert_eq!(shown(&other, &key, 0), Err(Refused::UserHandle));
    assert!(shown(&Ceremony { handle: None, ..Ceremony::new("webauthn.get") }, &key, 0).is_ok());

    let (one, another) = (Key::new(), Key::new());
    let known =
        Known { public_key: &another.cose(), sign_count: 0, backup_eligible: None, user_handle: None };
    let assertion = Assertion::parse(&Ceremony::new("webauthn.get").get(&one)).unwrap();
    assert_eq!(assertion.verify(&EXPECTED, &known), Err(Refused::Signature));
}

#[test]
fn attestations_that_nobody_asked_for() {
    let key = Key::new();
    for format in ["fido-u2f", "android-key", ""] {
        let ceremony = Ceremony { format, ..Ceremony::new("webauthn.create") };
        assert_eq!(made(&ceremony, &key), Err(Refused::Attestation), "{format}");
    }
    // Signed with another key.
    let mut answer: Value =
        serde_json::from_str(&Ceremony { format: "packed", ..Ceremony::new("webauthn.create") }.create(&key))
            .unwrap();
    let object = answer["response"]["attestationObject"].as_str().unwrap();
    let mut object = chancery_jose::base64url_decode(object).unwrap();
    let at = object.windows(3).position(|three| three == b"sig").unwrap() + 40;
    object[at] ^= 1;
    answer["response"]["attestationObject"] = base64url(&object).into();
    let registration = Registration::parse(&answer.to_string()).unwrap();
    assert_eq!(registration.verify(&EXPECTED), Err(Refused::Attestation));
}

#[test]
fn bytes_that_were_cut_or_added() {
    let key = Key::new();
    let good = Ceremony::new("webauthn.get").data(&[]);
    for length in 0..good.len() {
        assert!(authenticator::Authenticator::parse(&good[..length]).is_err(), "{length}");
    }
    assert!(authenticator::Authenticator::parse(&[&good[..], &[0]].concat()).is_err());
    for json in
        ["", "{}", "[]", "null", r#"{"type":"public-key"}"#, r#"{"type":"public-key","id":"","response":{}}"#]
    {
        assert!(Assertion::parse(json).is_err() && Registration::parse(json).is_err(), "{json}");
    }
    let long = Ceremony { id: vec![1; 12_000], ..Ceremony::new("webauthn.get") };
    assert_eq!(
        Assertion::parse(&long.get(&key)).map(|_| ()),
        Err(Refused::Malformed("the answer is too long"))
    );
    let twice =
        Ceremony { more: r#","origin":"https://login.example.com""#, ..Ceremony::new("webauthn.get") };
    assert_eq!(shown(&twice, &key, 0), Err(Refused::Malformed("clientDataJSON")));
}

#[test]
fn ids_of_methods_are_those_of_their_credentials() {
    let id = method_id(PASSKEY, b"credential");
    assert_eq!((id.len(), id.get(..12)), ("passkey|dev_".len() + 16, Some("passkey|dev_")));
    assert_eq!(id, method_id(PASSKEY, b"credential"));
    assert_ne!(id, method_id(PASSKEY, b"credentials"));
}

#[test]
fn a_challenge_is_for_one_thing_and_a_short_time() {
    let challenge = Challenge {
        value: CHALLENGE.to_owned(),
        made_at: 1000,
        purpose: Purpose::SecondFactor,
        session_id: Some("s".to_owned()),
    };
    assert!(challenge.is_for(Purpose::SecondFactor, Some("s"), 1000 + LIFETIME - 1));
    assert!(!challenge.is_for(Purpose::SecondFactor, Some("s"), 1000 + LIFETIME));
    assert!(!challenge.is_for(Purpose::SecondFactor, Some("s"), 999), "clocks that go back");
    assert!(!challenge.is_for(Purpose::SignIn, Some("s"), 1000));
    assert!(!challenge.is_for(Purpose::SecondFactor, None, 1000));
    assert!(!challenge.is_for(Purpose::SecondFactor, Some("t"), 1000));
}

/// Members in the order of the program's own structure are not what a browser writes.
#[test]
fn a_list_is_no_client_data() {
    let list = json!(["webauthn.get", CHALLENGE, ORIGIN, false, null]).to_string();
    let object = json!({ "type": "webauthn.get", "challenge": CHALLENGE, "origin": ORIGIN }).to_string();
    assert_eq!(client_data::check(object.as_bytes(), "webauthn.get", &EXPECTED), Ok(()));
    let refused = Err(Refused::Malformed("clientDataJSON"));
    assert_eq!(client_data::check(list.as_bytes(), "webauthn.get", &EXPECTED), refused);
}
