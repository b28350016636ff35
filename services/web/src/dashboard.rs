//! A page that shows the fleet, made of four files and nothing from elsewhere.

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::get,
};
use utoipa_axum::router::OpenApiRouter;

/// Nothing but what this server sends may run, show or be asked.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One file of the page.
#[derive(Clone, Copy)]
struct File {
    path: &'static str,
    content_type: &'static str,
    content: &'static str,
}

const FILES: [File; 4] = [
    File {
        path: "/",
        content_type: "text/html; charset=utf-8",
        content: include_str!("dashboard/index.html"),
    },
    File {
        path: "/dashboard.css",
        content_type: "text/css; charset=utf-8",
        content: include_str!("dashboard/dashboard.css"),
    },
    File {
        path: "/dashboard.js",
        content_type: "text/javascript; charset=utf-8",
        content: include_str!("dashboard/dashboard.js"),
    },
    File {
        path: "/dashboard.svg",
        content_type: "image/svg+xml",
        content: include_str!("dashboard/dashboard.svg"),
    },
];

/// Collects the page's routes.
pub(crate) fn router() -> OpenApiRouter {
    FILES
        .into_iter()
        .fold(OpenApiRouter::new(), |router, file| {
            router.route(file.path, get(move || async move { file.into_response() }))
        })
}

impl IntoResponse for File {
    fn into_response(self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.content_type),
            (header::CONTENT_SECURITY_POLICY, POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            // A new version is seen at once.
            (header::CACHE_CONTROL, "no-cache"),
        ];
        let headers: [(HeaderName, HeaderValue); 5] =
            headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        (headers, self.content).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_from_elsewhere_or_stands_inline() {
        for file in FILES {
            let named = file.content.replace("http://www.w3.org/2000/svg", "");
            assert!(!named.contains("://"), "{}", file.path);
            assert!(
                !named.contains("style=\"") && !named.contains("innerHTML"),
                "{}",
                file.path
            );
        }
        let page = FILES[0].content;
        assert!(!page.contains("<style") && !page.contains("onclick"));
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script src=").count()
        );
    }

    #[test]
    fn every_file_the_page_names_is_served() {
        for file in &FILES[1..] {
            assert!(FILES[0].content.contains(file.path), "{}", file.path);
        }
    }
}
