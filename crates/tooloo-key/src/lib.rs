//! Names whom a request belongs to, also behind proxies.
