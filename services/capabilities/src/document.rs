//! Reads operations out of an `OpenAPI` document.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde::Deserialize;

use crate::operation::Operation;

/// The longest operation id and the longest path, in bytes.
const LONGEST_NAME: usize = 256;

/// The longest summary that is kept whole, in characters.
const LONGEST_SUMMARY: usize = 200;

/// Operations with this tag are left out of their service's figures.
const UNCOUNTED_TAG: &str = "system";

/// Why a document is of no use.
#[derive(Debug)]
pub(crate) enum Unusable {
    Malformed(serde_json::Error),
    Version(String),
    TooMany { limit: usize },
}

#[derive(Deserialize)]
struct Document {
    openapi: String,
    #[serde(default)]
    paths: BTreeMap<String, PathItem>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PathItem {
    parameters: Vec<Parameter>,
    get: Option<Described>,
    put: Option<Described>,
    post: Option<Described>,
    delete: Option<Described>,
    options: Option<Described>,
    head: Option<Described>,
    patch: Option<Described>,
    trace: Option<Described>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Described {
    operation_id: Option<String>,
    summary: Option<String>,
    tags: Vec<String>,
    parameters: Vec<Parameter>,
    request_body: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Parameter {
    required: bool,
    #[serde(rename = "$ref")]
    reference: Option<serde::de::IgnoredAny>,
}

/// Reads the operations of `service`, in the order of their paths, at most `limit`.
///
/// Where an operation has no id, or shares it with another, its method and path stand in for it.
pub(crate) fn operations(
    service: &str,
    document: &[u8],
    limit: usize,
) -> Result<Vec<Operation>, Unusable> {
    let document: Document = serde_json::from_slice(document).map_err(Unusable::Malformed)?;
    if !document.openapi.starts_with("3.") {
        return Err(Unusable::Version(shortened(&document.openapi)));
    }
    let described: Vec<_> = document
        .paths
        .iter()
        .filter(|(path, _)| path.starts_with('/') && is_name(path))
        .flat_map(|(path, item)| {
            let methods = item.operations().into_iter();
            methods.map(move |(method, described)| (path, item, method, described))
        })
        .take(limit + 1)
        .collect();
    if described.len() > limit {
        return Err(Unusable::TooMany { limit });
    }
    let mut uses: HashMap<&str, usize> = HashMap::new();
    for id in described
        .iter()
        .filter_map(|(_, _, _, described)| described.id())
    {
        *uses.entry(id).or_default() += 1;
    }
    let operations = described.iter().map(|&(path, item, method, described)| {
        let own = described.id().filter(|id| uses[id] == 1);
        let own = own.map_or_else(|| format!("{method} {path}"), str::to_owned);
        Operation {
            id: format!("{service}.{own}"),
            service: service.to_owned(),
            method: method.to_owned(),
            path: path.clone(),
            summary: described.summary.as_deref().map(shortened),
            callable: method == "GET" && !path.contains('{') && described.needs_nothing(item),
            counted: described.tags.iter().all(|tag| tag != UNCOUNTED_TAG),
        }
    });
    Ok(operations.collect())
}

impl PathItem {
    fn operations(&self) -> impl IntoIterator<Item = (&'static str, &Described)> {
        let methods = [
            ("GET", &self.get),
            ("PUT", &self.put),
            ("POST", &self.post),
            ("DELETE", &self.delete),
            ("OPTIONS", &self.options),
            ("HEAD", &self.head),
            ("PATCH", &self.patch),
            ("TRACE", &self.trace),
        ];
        methods
            .into_iter()
            .filter_map(|(method, described)| Some((method, described.as_ref()?)))
    }
}

impl Described {
    fn id(&self) -> Option<&str> {
        let id = self.operation_id.as_deref()?;
        is_name(id).then_some(id)
    }

    fn needs_nothing(&self, item: &PathItem) -> bool {
        // What a reference stands for is not looked up: it may be required.
        let mut parameters = self.parameters.iter().chain(&item.parameters);
        self.request_body.is_none()
            && parameters.all(|parameter| !parameter.required && parameter.reference.is_none())
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => write!(f, "the document is malformed: {error}"),
            Self::Version(version) => {
                write!(f, "the document's OpenAPI version is {version:?}, not 3")
            }
            Self::TooMany { limit } => write!(f, "the document has more than {limit} operations"),
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_NAME && !text.contains(char::is_control)
}

/// Returns the beginning of a text, without a NUL: no text in PostgreSQL holds one.
fn shortened(text: &str) -> String {
    let start: String = text.chars().take(LONGEST_SUMMARY).collect();
    start.replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn read(document: &Value) -> Vec<Operation> {
        operations("training", document.to_string().as_bytes(), 100).unwrap()
    }

    fn ids(document: &Value) -> Vec<String> {
        read(document)
            .into_iter()
            .map(|operation| operation.id)
            .collect()
    }

    #[test]
    fn reads_what_a_document_says_of_an_operation() {
        let document = json!({"openapi": "3.1.0", "paths": {"/api/v1/x": {
            "get": {"operationId": "show_x", "summary": "Shows x", "tags": ["x"]},
            "post": {"operationId": "make_x", "summary": "Make\0", "requestBody": {"content": {}}},
        }}});
        let operations = read(&document);
        assert_eq!(operations.len(), 2);
        let show = &operations[0];
        assert_eq!(
            (show.id.as_str(), show.method.as_str()),
            ("training.show_x", "GET")
        );
        assert_eq!(
            (show.path.as_str(), show.summary.as_deref()),
            ("/api/v1/x", Some("Shows x"))
        );
        assert!(show.callable && show.counted);
        assert_eq!(operations[1].id, "training.make_x");
        assert_eq!(operations[1].summary.as_deref(), Some("Make\u{fffd}"));
        assert!(!operations[1].callable);
    }

    #[test]
    fn tells_which_operations_can_be_called_as_they_stand() {
        let document = json!({"openapi": "3.0.3", "paths": {
            "/a": {"get": {"parameters": [{"name": "q", "in": "query", "required": true}]}},
            "/b": {"get": {"parameters": [{"name": "q", "in": "query"}]}},
            "/c/{id}": {"get": {}},
            "/d": {"parameters": [{"$ref": "#/components/parameters/q"}], "get": {}},
            "/e": {"post": {}},
            "/livez": {"get": {"tags": ["system"]}},
        }});
        let callable: Vec<bool> = read(&document).iter().map(|o| o.callable).collect();
        assert_eq!(callable, [false, true, false, false, false, true]);
        assert!(!read(&document)[5].counted);
    }

    #[test]
    fn names_an_operation_without_an_id_of_its_own_by_method_and_path() {
        let document = json!({"openapi": "3.1.0", "paths": {
            "/a": {"get": {}, "put": {"operationId": "twice"}},
            "/b": {"get": {"operationId": "twice"}, "post": {"operationId": "once"}},
            "no-slash": {"get": {"operationId": "skipped"}},
            "/nul\0": {"get": {"operationId": "skipped"}},
        }});
        let expected = ["GET /a", "PUT /a", "GET /b", "once"].map(|id| format!("training.{id}"));
        assert_eq!(ids(&document), expected);
    }

    #[test]
    fn refuses_what_is_no_document_or_too_much_of_one() {
        let refused = |document: &str, limit| {
            operations("x", document.as_bytes(), limit)
                .unwrap_err()
                .to_string()
        };
        assert!(refused("{", 1).contains("malformed"));
        assert!(refused("[]", 1).contains("malformed"));
        assert!(refused(r#"{"openapi": "3.1.0", "paths": {"/a": 7}}"#, 1).contains("malformed"));
        assert!(refused(r#"{"openapi": "2.0"}"#, 1).contains("\"2.0\""));
        let two = r#"{"openapi": "3.1.0", "paths": {"/a": {"get": {}, "put": {}}}}"#;
        assert!(refused(two, 1).contains("more than 1"));
        assert_eq!(operations("x", two.as_bytes(), 2).unwrap().len(), 2);
    }

    proptest! {
        #[test]
        fn reads_any_bytes_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = operations("x", &bytes, 10);
        }

        #[test]
        fn every_id_is_unique(
            paths in proptest::collection::btree_map("/[a-c]{0,2}", proptest::option::of("[a-c]{1,2}"), 0..8),
        ) {
            let item = |id: &Option<String>| json!({"get": {"operationId": id}, "put": {}});
            let paths: serde_json::Map<String, Value> =
                paths.iter().map(|(path, id)| (path.clone(), item(id))).collect();
            let count = paths.len() * 2;
            let mut ids = ids(&json!({"openapi": "3.1.0", "paths": paths}));
            ids.sort();
            ids.dedup();
            prop_assert_eq!(ids.len(), count);
        }
    }
}
