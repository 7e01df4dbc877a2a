//! Tests of Flagger's loop.
