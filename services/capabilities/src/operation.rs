//! An operation that some service offers.

use serde::Serialize;
use utoipa::ToSchema;

/// One operation of one service, as its document describes it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation {
    /// The service and the operation's own id; stays the same as long as these do.
    #[schema(examples("training.overview"))]
    pub(crate) id: String,
    pub(crate) service: String,
    #[schema(examples("GET"))]
    pub(crate) method: String,
    #[schema(examples("/api/v1/training/overview"))]
    pub(crate) path: String,
    pub(crate) summary: Option<String>,
    /// Whether it can be called as it stands: a GET that needs no parameter.
    pub(crate) callable: bool,
    /// Whether its service counts calls to it; health and figures are not counted.
    pub(crate) counted: bool,
}
