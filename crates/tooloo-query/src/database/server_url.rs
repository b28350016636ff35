//! The URL of a PostgreSQL server, and what it says of TLS.

use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::InvalidUrl;

/// A URL, and what it says of TLS.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct ServerUrl {
    /// The URL without that.
    pub(super) plain: String,
    /// Whether the connection is to be encrypted, and the server to show a certificate for its name.
    pub(super) tls: bool,
    /// The file of the certificates that are trusted, if not the system's.
    roots: Option<String>,
}

impl ServerUrl {
    /// Takes `sslmode` and `sslrootcert` out of a URL's parameters.
    ///
    /// What libpq has between no TLS and a server that is made sure of protects from nobody who can be in between:
    /// `require` and `verify-ca` are taken for `verify-full`, and `allow` and `prefer` for `disable`.
    pub(super) fn parse(url: &str) -> Result<Self, InvalidUrl> {
        let (mut tls, mut roots, mut others) = (false, None, Vec::new());
        let Some((place, parameters)) = url.split_once('?') else {
            let plain = url.to_owned();
            return Ok(Self { plain, tls, roots });
        };
        for parameter in parameters.split('&') {
            match parameter.split_once('=') {
                Some(("sslmode", mode)) => tls = is_encrypted(mode)?,
                Some(("sslrootcert", file)) => roots = Some(decoded(file)?),
                _ => others.push(parameter),
            }
        }
        if roots.is_some() && !tls {
            let reason = "sslrootcert is of use with sslmode=verify-full only";
            return Err(InvalidUrl::new(reason));
        }
        let mut plain = place.to_owned();
        if !others.is_empty() {
            plain.push('?');
            plain.push_str(&others.join("&"));
        }
        Ok(Self { plain, tls, roots })
    }

    /// Returns what to encrypt with.
    pub(super) fn tls_client(&self) -> Result<Arc<ClientConfig>, InvalidUrl> {
        let mut store = RootCertStore::empty();
        match self.roots.as_deref() {
            Some("system") | None => {
                let found = rustls_native_certs::load_native_certs();
                store.add_parsable_certificates(found.certs);
            }
            Some(file) => {
                let broken = |error| InvalidUrl::new(format!("sslrootcert {file}: {error}"));
                for certificate in CertificateDer::pem_file_iter(file).map_err(broken)? {
                    let added = store.add(certificate.map_err(broken)?);
                    added
                        .map_err(|error| InvalidUrl::new(format!("sslrootcert {file}: {error}")))?;
                }
            }
        }
        if store.is_empty() {
            let reason = "no certificates are trusted: name a file of them with sslrootcert";
            return Err(InvalidUrl::new(reason));
        }
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks them")
            .with_root_certificates(store)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

fn is_encrypted(mode: &str) -> Result<bool, InvalidUrl> {
    match mode {
        "disable" | "allow" | "prefer" => Ok(false),
        "require" | "verify-ca" | "verify-full" => Ok(true),
        _ => Err(InvalidUrl::new(
            "sslmode is one of disable, allow, prefer, require, verify-ca and verify-full",
        )),
    }
}

fn decoded(value: &str) -> Result<String, InvalidUrl> {
    let decoded = percent_decode_str(value).decode_utf8();
    let decoded = decoded.map_err(|_| InvalidUrl::new("sslrootcert is not UTF-8"))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> (String, bool, Option<String>) {
        let ServerUrl { plain, tls, roots } = ServerUrl::parse(url).unwrap();
        (plain, tls, roots)
    }

    #[test]
    fn what_a_url_says_of_tls_is_taken_out_of_it() {
        let plain = "postgres://host/data?application_name=a&connect_timeout=3".to_owned();
        assert_eq!(parsed(&plain), (plain.clone(), false, None));
        // Whatever else there is stays to the letter, for the driver to judge.
        for odd in [
            "postgres://a:b?c&&d@host/data",
            "postgres://host/data?",
            "postgres://host",
        ] {
            assert_eq!(parsed(odd), (odd.to_owned(), false, None));
        }
        let url = "postgres://host/data?application_name=a&sslmode=verify-full&connect_timeout=3&sslrootcert=%2Fa%20b.pem";
        assert_eq!(parsed(url), (plain, true, Some("/a b.pem".to_owned())));
        let bare = "postgres://host/data".to_owned();
        assert_eq!(
            parsed("postgres://host/data?sslmode=require"),
            (bare, true, None)
        );
    }

    #[test]
    fn what_makes_no_sense_is_an_error_that_names_it() {
        for (url, named) in [
            ("postgres://h/d?sslmode=sometimes", "sslmode"),
            ("postgres://h/d?sslrootcert=a.pem", "sslrootcert"),
            (
                "postgres://h/d?sslmode=require&sslrootcert=%ff",
                "sslrootcert",
            ),
        ] {
            let error = ServerUrl::parse(url).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        let missing =
            ServerUrl::parse("postgres://h/d?sslmode=require&sslrootcert=no/such.pem").unwrap();
        let error = missing.tls_client().unwrap_err().to_string();
        assert!(error.contains("no/such.pem"), "{error}");
    }
}
