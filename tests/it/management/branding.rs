//! `/branding`: what an administrator writes shows on the hosted pages.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn logo_colour_and_icon_show() {
    let app = TestApp::new().await;
    let page = async || Browser::new(&app).open(&app.ask("openid")).await.expect(200);
    assert!(!page().await.body.contains("/u/static/theme-"));
    let looks = json!({"colors": {"primary": "#e0218a"}, "logo_url": "https://cdn.example/logo.png?a=1&b=\"", "favicon_url": "https://cdn.example/icon.ico"});
    app.manage("PATCH", "/branding", looks).await;
    let branded = page().await;
    for part in [
        "href=\"/u/static/theme-e0218a-",
        "src=\"https://cdn.example/logo.png?a=1&#38;b=&#34;\"",
        "<link rel=\"icon\" href=\"https://cdn.example/icon.ico\">",
    ] {
        assert!(branded.body.contains(part), "{part}: {}", branded.body);
    }
    let sheet = branded.body.split('"').find(|part| part.starts_with("/u/static/theme-")).unwrap().to_owned();
    let sheet = app.send(Call::get(&sheet)).await.expect(200);
    assert!(sheet.body.starts_with(".primary{background:#"), "{}", sheet.body);
    assert!(!branded.header("content-security-policy").unwrap().contains("unsafe"));
    // What is cleared is ours again.
    app.manage("PATCH", "/branding", json!({"colors": null, "logo_url": null, "favicon_url": null})).await;
    let plain = page().await.body;
    assert!(!plain.contains("/u/static/theme-") && !plain.contains("cdn.example"), "{plain}");
}

#[tokio::test]
async fn a_theme_counts_before_the_brand() {
    let app = TestApp::new().await;
    app.manage(
        "PATCH",
        "/branding",
        json!({"colors": {"primary": "#111111"}, "logo_url": "https://a.example/brand"}),
    )
    .await;
    let font = json!({"bold": false, "size": 100});
    let colour = |name: &str| (name.to_owned(), json!("#000000"));
    let mut colors: serde_json::Map<String, Value> = [
        "body_text",
        "error",
        "header",
        "icons",
        "input_background",
        "input_border",
        "input_filled_text",
        "input_labels_placeholders",
        "links_focused_components",
        "primary_button_label",
        "secondary_button_border",
        "secondary_button_label",
        "success",
        "widget_background",
        "widget_border",
    ]
    .map(colour)
    .into_iter()
    .collect();
    colors.insert("primary_button".to_owned(), "#123456".into());
    let theme = json!({
        "borders": {"button_border_radius": 3, "button_border_weight": 1, "buttons_style": "rounded", "input_border_radius": 3, "input_border_weight": 1, "inputs_style": "rounded", "show_widget_shadow": true, "widget_border_weight": 0, "widget_corner_radius": 5},
        "colors": colors,
        "fonts": {"body_text": font, "buttons_text": font, "font_url": "", "input_labels": font, "links": font, "links_style": "normal", "reference_text_size": 16, "subtitle": font, "title": font},
        "page_background": {"background_color": "#ffffff", "background_image_url": "", "page_layout": "center"},
        "widget": {"header_text_alignment": "center", "logo_height": 52, "logo_position": "center", "logo_url": "", "social_buttons_layout": "bottom"},
    });
    app.api("POST", "/branding/themes", theme).await.expect(200);
    let page = Browser::new(&app).open(&app.ask("openid")).await.expect(200).body;
    assert!(page.contains("/u/static/theme-123456-"), "{page}");
    assert!(page.contains("https://a.example/brand"), "the theme says nothing of a logo: {page}");
}

/// Nothing that runs, and nothing that breaks out of its attribute, gets onto a page.
#[tokio::test]
async fn looks_cannot_run() {
    let app = TestApp::new().await;
    for bad in ["javascript:alert(1)", "http://a.example/x", "//a.example/x", "data:image/svg+xml,<svg/>"] {
        app.api("PATCH", "/branding", json!({"logo_url": bad})).await.expect(400);
    }
    app.manage("PATCH", "/branding", json!({"logo_url": "https://a.example/\"><script>alert(1)</script>"}))
        .await;
    let page = Browser::new(&app).open(&app.ask("openid")).await.expect(200).body;
    assert!(!page.contains("<script>alert"), "{page}");
}
