//! The two layouts of auth0-deploy-cli: one YAML file with pages and scripts beside it, or a folder of JSON files.

mod directory;
mod yaml_file;

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use super::assets::Assets;
use super::files::{Folder, Written};
use super::keywords::Keywords;

/// Reads either, by what is there.
pub(crate) fn read(path: &Path, keywords: Keywords) -> Result<Assets> {
    if path.is_dir() {
        return directory::read(&Folder::open(path, keywords)?);
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        bail!("{}: a YAML file, or the folder of a configuration", path.display());
    };
    if !path.exists() {
        bail!("{}: there is no such file or folder", path.display());
    }
    yaml_file::read(&Folder::open(folder, keywords)?, name)
}

/// Parts of these layouts that are not handled here.
pub(super) fn other_parts() -> impl Iterator<Item = &'static str> {
    directory::other_parts()
}

/// Writes the layout that the path asks for: a YAML file where it ends so, a folder otherwise.
pub(crate) fn written(path: &Path, parts: Map<String, Value>) -> Written {
    match yaml_name(path) {
        Some(name) => yaml_file::written(name, parts),
        None => directory::written(parts),
    }
}

/// The name of the file, where the path is that of a YAML file.
pub(crate) fn yaml_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    (name.ends_with(".yaml") || name.ends_with(".yml")).then_some(name)
}

/// A text of an object.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::deploy::assets;

    fn parts() -> Map<String, Value> {
        let parts = json!({
            "resourceServers": [{"name": "A/B", "identifier": "https://a.example", "scopes": [{"value": "read:a"}]},
                {"name": "A?B", "identifier": "https://b.example"}],
            "clients": [{"name": "App", "custom_login_page": "<p>\n page ##X## </p>", "callbacks": []}],
            "clientGrants": [{"client_id": "App", "audience": "https://a.example", "scope": ["read:a"]},
                {"client_id": "App", "audience": "https://a.example", "scope": [], "subject_type": "user"}],
            "roles": [{"name": "Clerk", "permissions": [
                {"permission_name": "read:a", "resource_server_identifier": "https://a.example"}]}],
            "databases": [{"name": "Users", "strategy": "auth0", "options": {"customScripts": {"login": "go();\n"}}}],
            "connections": [{"name": "mail", "strategy": "email", "options": {"email": {"body": "<b>x</b>"}}}],
            "organizations": [{"name": "acme", "connections": [{"name": "Users"}]}],
            "tenant": {"friendly_name": "T: x", "enabled_locales": ["en"]},
            "pages": [{"name": "error_page", "html": "<html></html>", "url": ""}, {"name": "password_reset", "enabled": false}],
            "emailProvider": {"name": "smtp", "credentials": {"smtp_host": "h"}},
            "emailTemplates": [{"template": "verify_email", "body": "<p>hello</p>\n"}],
            "branding": {"colors": {"primary": "#000000"}, "templates": [{"template": "universal_login", "body": "<html>"}]},
            "themes": [{"displayName": "Theme", "fonts": {"title": {"size": 150}}}],
            "prompts": {"identifier_first": true, "customText": {"en": {"login": {"login": {"title": "Hi"}}}},
                "partials": {"login": {"login": {"form-content-start": "<div/>"}}},
                "screenRenderers": [{"prompt": "login", "screen": "login", "rendering_mode": "standard"}]},
            "attackProtection": {"captcha": {"active_provider_id": "x"}, "botDetection": {"allowlist": []}},
        });
        parts.as_object().cloned().unwrap()
    }

    fn units(assets: &Assets) -> Vec<(String, Value)> {
        let (units, left_out) = assets.units(&assets.spoken()).unwrap();
        assert_eq!(left_out, Vec::<String>::new());
        let mut units: Vec<_> =
            units.into_iter().map(|unit| (unit.to_string(), Value::Object(unit.value))).collect();
        units.sort_by(|a, b| a.0.cmp(&b.0));
        units
    }

    #[test]
    fn what_is_written_is_read_in_both_layouts() {
        let given = Assets { parts: parts(), ..Assets::default() };
        for name in ["tenant.yaml", "folder"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            let all = written(&path, parts());
            all.write(if yaml_name(&path).is_some() { folder.path() } else { &path }).unwrap();
            let back = read(&path, Keywords::default()).unwrap();
            assert_eq!(back.strange, Vec::<String>::new());
            assert_eq!(units(&back), units(&given), "{name}");
            // And from units to parts again.
            let (found, _) = back.units(&back.spoken()).unwrap();
            let again = written(&path, assets(&found));
            assert_eq!(again.0.len(), all.0.len(), "{name}");
        }
    }

    #[test]
    fn what_is_no_part_of_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("roles")).unwrap();
        std::fs::create_dir(folder.path().join("actions")).unwrap();
        std::fs::write(folder.path().join("README.md"), "").unwrap();
        std::fs::write(folder.path().join(".gitignore"), "").unwrap();
        let found = read(folder.path(), Keywords::default()).unwrap();
        assert_eq!(found.strange, ["README.md"]);
        assert_eq!(found.spoken().into_iter().collect::<Vec<_>>(), ["actions", "roles"]);
        found.check_names(&[]).unwrap();
        std::fs::create_dir(folder.path().join("clientz")).unwrap();
        let found = read(folder.path(), Keywords::default()).unwrap();
        let said = found.check_names(&[]).unwrap_err().to_string();
        assert_eq!(
            said,
            "clientz is no part of the layout: is clients meant? --exclude clientz leaves it out"
        );
        found.check_names(&["clientz".to_owned()]).unwrap();
    }
}
