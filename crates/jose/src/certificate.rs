//! Self-signed certificates for signing keys: `x5c` and `x5t` of a key set, and `/cer`, `/pem`.

use crate::der::{self, element};
use crate::{Algorithm, Error, SigningKey, sha1};

/// A self-signed X.509 v3 certificate (RFC 5280) of an RSA key, as DER, signed with sha256WithRSAEncryption.
///
/// Times are seconds since 1970. `common_name` is the host of the tenant; a certificate holds no more than 64 characters
/// of it (upper bound of RFC 5280, appendix A), the rest is left out. Clients read the key from it and nothing else.
///
/// # Errors
/// [`Error::Key`] where the key is not RSA, [`Error::Malformed`] where a time is not between the years 1950 and 9999 or the
/// name is empty, [`Error::Crypto`] where the library fails.
pub fn self_signed_certificate(
    key: &SigningKey,
    common_name: &str,
    not_before_epoch: i64,
    not_after_epoch: i64,
    serial: &[u8; 16],
) -> Result<Vec<u8>, Error> {
    const NOT_RSA: Error = Error::Key("only RSA keys have certificates here");
    let key = key.with_algorithm(Algorithm::RS256).map_err(|_| NOT_RSA)?;
    let spki = key.public_key_der().ok_or(NOT_RSA)?;
    let common_name: String = common_name.chars().take(64).collect();
    if common_name.is_empty() {
        return Err(Error::Malformed("common name"));
    }

    let algorithm = sequence(&[&oid(SHA256_WITH_RSA), &element(der::NULL, &[])]);
    let attribute = sequence(&[&oid(COMMON_NAME), &element(der::UTF8_STRING, &[common_name.as_bytes()])]);
    let name = sequence(&[&element(der::SET, &[&attribute])]);
    let validity = sequence(&[&time(not_before_epoch)?, &time(not_after_epoch)?]);
    let fields = sequence(&[
        &element(der::CONTEXT_0, &[&der::unsigned(&[2])]), // version 3
        &der::unsigned(serial),
        &algorithm,
        &name,
        &validity,
        &name,
        &spki,
        &element(der::CONTEXT_3, &[&extensions(&spki)]),
    ]);
    let signature = key.sign_raw(&fields)?;
    Ok(sequence(&[&fields, &algorithm, &der::bit_string(&signature)]))
}

/// The certificate in the envelope that some tools import: a PKCS #7 `SignedData` that holds certificates and signs nothing
/// (RFC 2315, section 9.1).
pub fn certificate_envelope(certificate: &[u8]) -> Vec<u8> {
    let none = element(der::SET, &[]);
    let signed_data = sequence(&[
        &der::unsigned(&[1]),
        &none,
        &sequence(&[&oid(PKCS7_DATA)]),
        &element(der::CONTEXT_0, &[certificate]),
        &none,
    ]);
    sequence(&[&oid(PKCS7_SIGNED_DATA), &element(der::CONTEXT_0, &[&signed_data])])
}

/// The certificate is its own authority, so it says that it is one; validators that build a chain insist.
fn extensions(spki: &[u8]) -> Vec<u8> {
    let critical = element(der::BOOLEAN, &[&[0xff]]);
    let basic_constraints = sequence(&[&critical]);
    // digitalSignature (0) and keyCertSign (5): six bits, two of the byte unused.
    let key_usage = element(der::BIT_STRING, &[&[2, 0b1000_0100]]);
    let key_identifier = element(der::OCTET_STRING, &[&sha1(spki)]);
    sequence(&[
        &sequence(&[&oid(BASIC_CONSTRAINTS), &critical, &element(der::OCTET_STRING, &[&basic_constraints])]),
        &sequence(&[&oid(KEY_USAGE), &critical, &element(der::OCTET_STRING, &[&key_usage])]),
        &sequence(&[&oid(SUBJECT_KEY_IDENTIFIER), &element(der::OCTET_STRING, &[&key_identifier])]),
    ])
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(der::SEQUENCE, parts)
}

fn oid(bytes: &[u8]) -> Vec<u8> {
    element(der::OBJECT_IDENTIFIER, &[bytes])
}

/// UTCTime through 2049 and GeneralizedTime after it (RFC 5280, section 4.1.2.5).
fn time(epoch: i64) -> Result<Vec<u8>, Error> {
    let (year, month, day) = civil(epoch.div_euclid(86_400));
    let second = epoch.rem_euclid(86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let rest = format!("{month:02}{day:02}{hour:02}{minute:02}{second:02}Z");
    match year {
        1950..2050 => Ok(element(der::UTC_TIME, &[format!("{:02}{rest}", year % 100).as_bytes()])),
        2050..10_000 => Ok(element(der::GENERALIZED_TIME, &[format!("{year}{rest}").as_bytes()])),
        _ => Err(Error::Malformed("time")),
    }
}

/// Year, month and day of the proleptic Gregorian calendar. Counting from 1 March of year 0 puts the leap day at the end of
/// the year, where it disturbs no month.
fn civil(days_since_1970: i64) -> (i64, i64, i64) {
    const DAYS_IN_400_YEARS: i64 = 146_097;
    // From 1 March of year 0 to 1 January 1970.
    let days = days_since_1970 + 719_468;
    let (era, day_of_era) = (days.div_euclid(DAYS_IN_400_YEARS), days.rem_euclid(DAYS_IN_400_YEARS));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March, in runs of five with 153 days.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

/// 1.2.840.113549.1.1.11
const SHA256_WITH_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
/// 1.2.840.113549.1.7.1
const PKCS7_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.7.2
const PKCS7_SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 2.5.4.3
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.19
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
/// 2.5.29.15
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
/// 2.5.29.14
const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x0e];
