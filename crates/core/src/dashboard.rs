//! The dashboard: an application of the product's own, which signs its administrators in as any application does.

use crate::model::Client;
use crate::oauth::origin_of;

/// Its id, the same in every tenant. Applications made through the API are never called so.
pub const CLIENT_ID: &str = "chancery-dashboard";

/// Where it is served, on each origin of a tenant.
pub const PATH: &str = "/dashboard/";

/// Where applications are called back that its playground tries out.
pub const PLAYGROUND_CALLBACK: &str = "/dashboard/playground/callback";

/// Name of the role that its administrators are given.
pub const ROLE: &str = "Dashboard Admin";

/// Its address at an origin, which has no slash at its end. It is called back there too.
pub fn url(origin: &str) -> String {
    format!("{origin}{PATH}")
}

/// Whether the dashboard asks, to be answered at the origin that it is served from: this server asks itself, so there is
/// nobody to be warned of.
pub fn asks_itself(client: &Client, redirect_uri: &str, origin: &str) -> bool {
    client.client_id == CLIENT_ID
        && client.is_first_party
        && origin_of(redirect_uri).is_some_and(|answered_at| answered_at == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_itself_at_home() {
        let dashboard = Client { client_id: CLIENT_ID.into(), is_first_party: true, ..Client::default() };
        let home = "https://a.example";
        assert!(asks_itself(&dashboard, &url(home), home));
        for elsewhere in
            ["https://a.example.evil/dashboard/", "http://a.example/dashboard/", "a.example", "app://x"]
        {
            assert!(!asks_itself(&dashboard, elsewhere, home), "{elsewhere}");
        }
        let other = Client { client_id: "other".into(), is_first_party: true, ..Client::default() };
        assert!(!asks_itself(&other, &url(home), home));
        let third = Client { is_first_party: false, ..dashboard };
        assert!(!asks_itself(&third, &url(home), home));
    }
}
