//! Address ranges whose word is believed about where a request came from.

use std::net::IpAddr;

use chancery_core::network::Network;
use http::HeaderMap;

/// The proxies in front of the server. Empty: nobody's word is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<Network>);

impl Networks {
    /// Whether the address is one of a proxy.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|n| n.contains(ip))
    }

    /// The address of the client: the peer, or, when the peer is a trusted proxy, the last address of
    /// `X-Forwarded-For` that is not one. What stands left of that was written by the client itself.
    pub fn client_ip(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut ip = peer.to_canonical();
        if !self.contains(ip) {
            return ip;
        }
        // As bytes: the client chooses what stands on the left, and no letter of its own makes the rest of the line unreadable.
        let lines: Vec<&[u8]> = headers.get_all("x-forwarded-for").iter().map(|v| v.as_bytes()).collect();
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
            let hop = std::str::from_utf8(hop).ok().and_then(|hop| address_of(hop.trim()));
            let Some(hop) = hop else { break };
            ip = hop;
            if !self.contains(ip) {
                break;
            }
        }
        ip
    }
}

/// Proxies write addresses bare, with a port, or in brackets.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|t| t.split_once(']')).map_or(text, |(inside, _)| inside);
    let parsed = bare.parse::<IpAddr>().ok();
    parsed.or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|a| a.ip())).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn networks(list: &[&str]) -> Networks {
        Networks(list.iter().map(|n| n.parse().unwrap()).collect())
    }

    #[test]
    fn only_proxies_are_believed() {
        let trusted = networks(&["10.0.0.0/8"]);
        let ip = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            trusted.client_ip(peer.parse().unwrap(), &headers).to_string()
        };
        assert_eq!(ip("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(ip("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(ip("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(ip("10.0.0.1", &["6.6.6.6", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(ip("10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(ip("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(ip("10.0.0.1", &["rubbish"]), "10.0.0.1");
        // What a client sends and a proxy writes on behind: otherwise it would go by the address of the proxy.
        assert_eq!(ip("10.0.0.1", &["\u{e9}, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(ip("10.0.0.1", &["\u{e9}", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(ip("10.0.0.1", &["198.51.100.1, \u{e9}"]), "10.0.0.1");
        assert_eq!(ip("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(ip("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    }
}
