//! Countersign: sign.
