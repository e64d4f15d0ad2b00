//! Address ranges whose word is believed about where a request came from.

use std::net::IpAddr;
use std::str::FromStr;

use http::HeaderMap;

/// An address range such as `10.0.0.0/8`, `::1` or `fd00::/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Not an address range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address or a range such as 10.0.0.0/8")]
pub struct NotANetwork(String);

impl Network {
    /// Whether the address lies within.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => same_prefix(net.to_bits(), ip.to_bits(), self.prefix),
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                net.to_bits().checked_shr(128 - u32::from(self.prefix)).unwrap_or(0)
                    == ip.to_bits().checked_shr(128 - u32::from(self.prefix)).unwrap_or(0)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let refused = || NotANetwork(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), str::parse).map_err(|_| refused())?;
        if prefix > most {
            return Err(refused());
        }
        Ok(Self { address, prefix })
    }
}

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
        let lines: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).collect();
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            let Some(hop) = address_of(hop.trim()) else { break };
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

fn same_prefix(a: u32, b: u32, prefix: u8) -> bool {
    let shift = 32 - u32::from(prefix);
    a.checked_shr(shift).unwrap_or(0) == b.checked_shr(shift).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(list: &[&str]) -> Networks {
        Networks(list.iter().map(|n| n.parse().unwrap()).collect())
    }

    #[test]
    fn ranges() {
        let cases = [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("fd00::/8", "fdab::1", true),
            ("::/0", "2001:db8::1", true),
            ("::1", "::2", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("::/0", "192.0.2.1", false),
        ];
        for (network, ip, inside) in cases {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(ip.parse().unwrap()), inside, "{network:?} {ip}");
        }
        for bad in ["", "10", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "a/8", "10.0.0.0/8/8"] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_proxies_are_believed() {
        let trusted = networks(&["10.0.0.0/8"]);
        let ip = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append("x-forwarded-for", line.parse().unwrap());
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
        assert_eq!(ip("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(ip("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
    }
}
