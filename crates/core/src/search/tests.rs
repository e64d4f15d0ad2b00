//! What is written, what it fits, what is refused.

use serde_json::{Value, json};

use super::*;

fn jane() -> Value {
    json!({
        "created_at": "2018-01-15T12:00:00.000Z",
        "email": "Jane.Smith@Example.com",
        "email_verified": false,
        "name": "Jane Smith",
        "given_name": "Jane",
        "nickname": "jane:s",
        "user_id": "auth0|5b0e",
        "username": "jane",
        "identities": [
            {"connection": "Users", "provider": "auth0", "user_id": "5b0e", "isSocial": false},
            {"connection": "github", "provider": "github", "user_id": "77", "isSocial": true},
        ],
        "last_login": "2017-12-31T23:30:00.000Z",
        "last_ip": "192.0.2.7",
        "logins_count": 150,
        "locale": "en",
        "app_metadata": {"plan": "Gold", "seats": 12, "tags": ["a b", "c"], "none": null, "empty": {}},
        "user_metadata": {"favorite_color": "blue", "preferences": {"fontSize": 13}, "ok": false, "dotted.name": {"x": "y"},
            "addresses": [{"city": "Paris"}, {"city": "Rome"}]},
    })
}

#[test]
fn fits() {
    for q in [
        "",
        "  ",
        "*",
        "*:*",
        "(*)",
        r#"name:"jane smith""#,
        "name:jane*",
        "name:*smith",
        "name:jane*smith",
        r#"email:"jane.smith@example.com""#,
        "email:JANE.SMITH@EXAMPLE.COM",
        "email.domain:example.com",
        r#"email:("x@x" OR "jane.smith@example.com")"#,
        "email:(x@x jane.smith@example.com)",
        "email.domain:exam*",
        "email.domain:{example.col TO example.con}",
        "jane",
        "Jane",
        "jane nobody",
        "nobody OR jane",
        "+jane nobody",
        "jane -nobody",
        "jane NOT nobody",
        "jane AND !nobody",
        "-nobody",
        "NOT nobody",
        "NOT (nobody OR nothing)",
        "NOT NOT jane",
        "email_verified:false OR NOT _exists_:email_verified",
        "(NOT _exists_:blocked OR blocked:false)",
        "nickname:jane:s",
        r"nickname:jane\:s",
        r"name:jane\ smith",
        "user_id:auth0|5b0e",
        "user_id:auth0*",
        r#"user_id:("auth0|5b0e" OR "auth0|1")"#,
        r#"identities.connection:"github""#,
        "identities.isSocial:true AND identities.user_id:77",
        "logins_count:150",
        "logins_count:[100 TO 200]",
        "logins_count:[150 TO *]",
        "logins_count:{100 TO 200}",
        "logins_count:[* TO 150]",
        "logins_count:>=150",
        "logins_count:>149",
        "logins_count:<151",
        "logins_count:<=150",
        "logins_count:(>100 AND <200)",
        "NOT logins_count:{150 TO *]",
        "last_login:[* TO 2017-12]",
        "last_login:[2017-12 TO 2018-01}",
        "last_login:{2017-11 TO *]",
        "last_login:2017-12-31",
        "last_login:[2017-12-31T23:30:00 TO 2017-12-31T23:30:00]",
        "NOT last_login:[* TO 2017-12-31}",
        "created_at:2018",
        "updated_at:* created_at:2018",
        "NOT updated_at:*",
        "last_ip:192.0.2.7",
        "locale:en",
        "_exists_:locale",
        "NOT _exists_:phone_number",
        "app_metadata.plan:Gold",
        "app_metadata.plan:G*",
        "app_metadata.seats:12",
        "app_metadata.seats:[9 TO 13}",
        r#"app_metadata.tags:"a b""#,
        "app_metadata.tags:(c AND \"a b\")",
        "app_metadata.plan:[Go TO H}",
        "user_metadata.favorite_color:blue",
        "user_metadata.preferences.fontSize:13",
        r#"user_metadata.addresses.city:"Rome""#,
        "user_metadata.ok:false",
        "_exists_:user_metadata.preferences",
        "_exists_:user_metadata.favorite_color",
        "user_metadata.dotted.name.x:y",
        "NOT _exists_:app_metadata.none",
        "NOT _exists_:app_metadata.empty",
        "a && b || jane",
        "jane || a && b",
        "name:j* AND (email:x OR logins_count:150) AND NOT blocked:true",
        "username:[jan TO jaz]",
        "username:jane && username:jane",
        "name:(jane* -john*)",
    ] {
        let query = parse(q, Dialect::Users).unwrap_or_else(|refused| panic!("{q}: {refused}"));
        assert!(query.fits(&jane()), "{q}: {query:?}");
    }
}

#[test]
fn does_not_fit() {
    for q in [
        "nobody",
        "name:jane",
        "name:smith",
        "username:Jane",
        "username:JAN*",
        "user_id:auth0",
        "email.raw:jane",
        r#"name:"jane*""#,
        "blue",
        "Gold",
        "app_metadata.plan:gold",
        "user_metadata.addresses.city:Paris1",
        "+nobody jane",
        "jane -username:jane",
        "jane AND nobody",
        "NOT jane",
        "-jane",
        "jane NOT jane",
        "logins_count:{150 TO *]",
        "logins_count:[* TO 150}",
        "logins_count:>150",
        "last_login:[2018 TO *]",
        "last_login:{2017-12 TO *]",
        "created_at:[* TO 2018-01-15}",
        "app_metadata.seats:[2 TO 9]",
        "identities.provider:google*",
        "_exists_:blocked",
        "_exists_:app_metadata.none",
        "_exists_:user_metadata.no",
        "identities:github",
        "email_verified:true",
        "NOT *",
        "email.domain:jane",
        "NOT NOT NOT jane",
        "email.domain:com",
    ] {
        let query = parse(q, Dialect::Users).unwrap_or_else(|refused| panic!("{q}: {refused}"));
        assert!(!query.fits(&jane()), "{q}: {query:?}");
    }
}

#[test]
fn refused() {
    for (q, said) in [
        ("(((", "nothing between"),
        ("(jane", "not closed"),
        ("jane)", "nothing was opened"),
        ("()", "nothing between"),
        ("email:", "value is missing"),
        ("email: ", "value is missing"),
        (":x", "name of a field"),
        ("email:\"x", "not closed"),
        ("AND", "operator"),
        ("a OR", "value is missing"),
        ("a AND OR b", "operator"),
        ("NOT", "value is missing"),
        ("+", "value is missing"),
        ("name:j?ne", "? is not supported"),
        ("name:jane~", "quote the value"),
        ("name:jane^2", "quote the value"),
        ("name:/jane/", "regular expressions"),
        ("name:[a TO b", "a range is"),
        ("name:[a b]", "a range is"),
        ("name:[a TOb]", "a range is"),
        ("name:[TO b]", "a range is"),
        ("[a TO", "a range is"),
        ("name:*sa", "three characters"),
        ("name:j*s", "three characters"),
        ("logins_count:many", "whole number"),
        ("logins_count:1*", "use a range"),
        ("logins_count:[1 TO x]", "whole number"),
        ("last_login:[yesterday TO *]", "a time"),
        ("last_login:2017*", "use a range"),
        ("user_metadata.color:bl*", "no wildcards"),
        ("user_metadata.age:[1 TO 2]", "no wildcards"),
        ("_exists_:na*", "_exists_:field"),
        ("name:>", "value is missing"),
        ("name:>>a", "value is missing"),
        ("name:>a*", "no asterisk"),
        ("name:x\\", "backslash"),
    ] {
        let refused = parse(q, Dialect::Users).expect_err(q).to_string();
        assert!(refused.contains(said), "{q}: {refused}");
    }
    assert_eq!(parse(&"x".repeat(MOST_BYTES + 1), Dialect::Users), Err(Refused::TooLong));
    assert_eq!(parse(&"(".repeat(100), Dialect::Users), Err(Refused::TooDeep));
    assert_eq!(parse(&"-".repeat(100), Dialect::Users), Err(Refused::TooDeep));
    assert_eq!(parse(&"NOT ".repeat(100), Dialect::Users), Err(Refused::TooDeep));
    assert_eq!(parse(&"a:b ".repeat(MOST_TERMS + 1), Dialect::Users), Err(Refused::TooMany));
    assert_eq!(parse(&"bare ".repeat(MOST_TERMS / 4), Dialect::Users), Err(Refused::TooMany));
    assert!(parse(&"a:b ".repeat(MOST_TERMS), Dialect::Users).is_ok());
}

#[test]
fn covers() {
    let cover = |q: &str| Cover::of(&parse(q, Dialect::Users).unwrap(), false);
    let span = |field: &str, reach: Reach| Cover::Span(Span { field: field.into(), reach });
    let value = |field: &str, value: &str| span(field, Reach::Value(value.into()));
    assert_eq!(cover(""), (Cover::Everything, true));
    assert_eq!(cover("name:Jane"), (value("name", "jane"), true));
    assert_eq!(cover("name:Jane AND locale:en"), (value("name", "jane"), false));
    assert_eq!(cover("name:Jane OR locale:en"), (Cover::Everything, false));
    assert_eq!(cover("NOT name:Jane"), (Cover::Everything, false));
    assert_eq!(cover("blocked:true"), (value("blocked", "true"), true));
    assert_eq!(cover("blocked:false"), (Cover::Everything, false));
    let prefix = Reach::Values((Bound::Included("jan".into()), Bound::Excluded("jao".into())));
    assert_eq!(cover("name:Jan*"), (span("name", prefix.clone()), true));
    assert_eq!(cover("name:Jan*x"), (span("name", prefix), false));
    assert_eq!(cover("name:*ane"), (span("name", Reach::Holding("ane".into())), false));
    assert_eq!(
        cover("logins_count:{3 TO *]"),
        (
            span(
                "logins_count",
                Reach::Values((Bound::Excluded("1000000000000003".into()), Bound::Unbounded))
            ),
            true
        )
    );
    assert_eq!(
        cover("app_metadata.plan:gold"),
        (Cover::Any(vec![value("app_metadata.plan", "gold"), value("*", "app_metadata")]), false)
    );
    let long = "x".repeat(200);
    assert_eq!(cover(&format!("name:{long}")), (value("name", &long[..100]), false));
    // What was cut off may have ended with it.
    assert!(Reach::may_hold("janeane", "ane") && !Reach::may_hold("jane", "anna"));
    assert!(Reach::may_hold(&long[..100], "ane") && !Reach::may_hold(&long[..99], "ane"));
}

use std::ops::Bound;
