//! Countersign: capture.
