//! Countersign: testkit.
