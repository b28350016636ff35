//! The operations that a service describes.

use serde_json::Value;

/// One operation, as far as an attacker cares.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) method: String,
    /// With its parameters in braces.
    pub(super) path: String,
    /// The names of its query parameters.
    pub(super) query: Vec<String>,
    /// The members of its body, where it takes one.
    pub(super) body: Option<Vec<String>>,
    /// The methods that its path takes.
    pub(super) methods: Vec<String>,
}

/// Reads every operation of an `OpenAPI` document.
pub(super) fn all(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("a document has paths") {
        let described = item.as_object().expect("a path has operations").iter();
        let methods: Vec<_> = described
            .clone()
            .map(|(method, _)| method.to_uppercase())
            .collect();
        for (method, operation) in described {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let query = parameters.filter(|parameter| parameter["in"] == "query");
            let body = operation
                .get("requestBody")
                .map(|body| members(document, body));
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                query: query
                    .filter_map(|parameter| Some(parameter["name"].as_str()?.to_owned()))
                    .collect(),
                body,
                methods: methods.clone(),
            });
        }
    }
    operations
}

/// Whether web passes requests on to this service.
pub(super) fn is_passed_on(service: &str) -> bool {
    !matches!(service, "web" | "simulator")
}

fn members(document: &Value, body: &Value) -> Vec<String> {
    let mut schema = &body["content"]["application/json"]["schema"];
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|name| name.strip_prefix('#'))
    {
        schema = document.pointer(name).expect("a reference leads somewhere");
    }
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.map(|(name, _)| name.clone()).collect()
}
