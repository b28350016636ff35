//! Tests of the bookkeeping.
