//! Traces requests.
