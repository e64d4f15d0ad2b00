//! Base64 in its two alphabets, and PEM (RFC 7468).

use crate::Error;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;

/// Far above the largest certificate, far below what would hurt.
const MAX_PEM_LENGTH: usize = 64 * 1024;

/// Encodes as base64url without padding (RFC 7515, section 2).
pub fn base64url(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(data)
}

/// Appends the base64url form to `target`, which the caller has sized with [`base64url_length`].
pub(crate) fn push_base64url(data: &[u8], target: &mut String) {
    URL_SAFE_NO_PAD.encode_string(data, target);
}

/// Length of the base64url form of `bytes` bytes.
pub(crate) const fn base64url_length(bytes: usize) -> usize {
    bytes / 3 * 4
        + match bytes % 3 {
            0 => 0,
            rest => rest + 1,
        }
}

/// Decodes base64url strictly: no padding, no white space, no bits left over at the end, so that two texts never
/// mean the same bytes.
///
/// # Errors
/// [`Error::Malformed`].
pub fn base64url_decode(text: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Malformed("base64url"))
}

/// Reads a JSON object: claims, a header, what a browser signed. Nothing else will do: a list would be read as members in the order
/// that the program happens to have them in.
///
/// # Errors
/// [`Error::Malformed`].
pub fn read_object<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    const NO_OBJECT: Error = Error::Malformed("JSON object");
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(NO_OBJECT);
    }
    serde_json::from_slice(json).map_err(|_| NO_OBJECT)
}

/// Encodes as ordinary base64 with padding, as `x5c` wants it (RFC 7517, section 4.7).
pub fn base64(data: &[u8]) -> String {
    STANDARD.encode(data)
}

/// Decodes ordinary base64 with padding, as strictly as [`base64url_decode`].
///
/// # Errors
/// [`Error::Malformed`].
pub fn base64_decode(text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|_| Error::Malformed("base64"))
}

/// DER as PEM with lines of 64 characters; `label` is, for example, `CERTIFICATE`.
pub fn pem(label: &str, der: &[u8]) -> String {
    let encoded = base64(der);
    let mut text = String::with_capacity(encoded.len() + encoded.len() / 64 + 2 * label.len() + 40);
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

/// Label and DER of the first PEM block in `text`; what stands around the block is ignored.
///
/// # Errors
/// [`Error::Malformed`] where there is no whole block or its base64 is wrong; [`Error::TooLong`] over 64 KiB.
pub fn pem_decode(text: &str) -> Result<(&str, Vec<u8>), Error> {
    const MALFORMED: Error = Error::Malformed("PEM");
    if text.len() > MAX_PEM_LENGTH {
        return Err(Error::TooLong);
    }
    let (_, text) = text.split_once("-----BEGIN ").ok_or(MALFORMED)?;
    let (label, text) = text.split_once("-----").ok_or(MALFORMED)?;
    let (body, end) = text.split_once("-----END ").ok_or(MALFORMED)?;
    if !end.strip_prefix(label).is_some_and(|rest| rest.starts_with("-----")) {
        return Err(MALFORMED);
    }
    let body: String = body.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    Ok((label, STANDARD.decode(body).map_err(|_| MALFORMED)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_is_strict() {
        assert_eq!(base64url_decode("_-8").unwrap(), [0xff, 0xef]);
        // Padding, the other alphabet, trailing bits, an impossible length, white space.
        for text in ["_-8=", "/+8", "_-9", "A", "_-8\n", " _-8", "_-8.", "é"] {
            assert_eq!(base64url_decode(text), Err(Error::Malformed("base64url")), "{text:?}");
        }
    }

    #[test]
    fn objects_alone_are_read() {
        #[derive(serde::Deserialize, Debug, PartialEq)]
        struct Claims {
            iss: String,
        }
        let iss = "a".to_owned();
        assert_eq!(read_object(b" \n{\"iss\":\"a\"}"), Ok(Claims { iss }));
        for text in [
            "[\"a\"]",
            " [\"a\"]",
            "\"a\"",
            "null",
            "",
            "{",
            "{}",
            "{\"iss\":\"a\",\"iss\":\"b\"}",
            "{\"iss\":\"a\"}x",
        ] {
            let read = read_object::<Claims>(text.as_bytes());
            assert_eq!(read, Err(Error::Malformed("JSON object")), "{text}");
        }
    }

    #[test]
    fn the_length_is_known_before() {
        for bytes in 0..200 {
            assert_eq!(base64url(&vec![7; bytes]).len(), base64url_length(bytes));
        }
    }

    #[test]
    fn pem_comes_back() {
        for length in [0, 1, 47, 48, 49, 500] {
            let der: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
            let text = format!("subject=CN = x\r\n{}trailing", pem("CERTIFICATE", &der));
            assert!(text.lines().all(|line| line.len() <= 64));
            assert_eq!(pem_decode(&text).unwrap(), ("CERTIFICATE", der));
        }
        assert_eq!(pem("X", &[]), "-----BEGIN X-----\n-----END X-----\n");
    }

    #[test]
    fn broken_pem_is_refused() {
        let whole = pem("PUBLIC KEY", b"hello");
        let cases = [
            String::new(),
            "-----BEGIN PUBLIC KEY-----".into(),
            "-----BEGIN PUBLIC KEY-----\naGVsbG8=\n".into(),
            whole.replace("END PUBLIC", "END PRIVATE"),
            whole.replace('=', "!"),
            whole.replace("-----END PUBLIC KEY-----", "-----END PUBLIC KEY"),
        ];
        for text in cases {
            assert_eq!(pem_decode(&text), Err(Error::Malformed("PEM")), "{text}");
        }
        assert_eq!(pem_decode(&" ".repeat(MAX_PEM_LENGTH + 1)), Err(Error::TooLong));
    }
}
