//! Names whom a request belongs to, also behind proxies.
//!
//! Layers that treat callers apart share these words: a [`Key`] names a caller, [`ExtractKey`] finds
//! it in a request, and [`TrustedProxies`] tells the client's address where proxies stand in front.
//!
//! ```
//! use http::HeaderMap;
//! use tooloo_key::{Ipv6Prefix, Key, TrustedProxies};
//!
//! let proxies = TrustedProxies::new(["10.0.0.0/8".parse()?]);
//! let mut headers = HeaderMap::new();
//! headers.insert("x-forwarded-for", "203.0.113.9, 198.51.100.7, 10.1.2.3".parse()?);
//!
//! // The left-most address is whatever the client claimed; the right-most untrusted one is true.
//! let client = proxies.client("10.0.0.1".parse()?, &headers);
//! assert_eq!(Key::client(client, Ipv6Prefix::default()), Key::from("198.51.100.7"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod extract;
mod key;
mod proxies;

pub use ipnet::IpNet;

pub use self::{
    extract::ExtractKey,
    key::{Ipv6Prefix, Key},
    proxies::{ForwardedBy, TrustedProxies},
};
