//! Where bundles lie, and how they are found again: a directory, or memory.
//! A store finds and never believes: whatever it hands over is verified by whoever asked.
//!
//! ```
//! use countersign::bundle::Bundle;
//! use countersign::inquiry::{Found, Inquiry, Wanted};
//! use countersign_store::{StoreError, answer, create, open};
//!
//! fn keep(bundle: &Bundle) -> Result<(), StoreError> {
//!     let store = create("dir:.countersign/evidence")?;
//!     println!("{}  {}", bundle.digest().hex(), store.put(bundle)?);
//!     Ok(())
//! }
//!
//! fn supply(inquiry: &mut Inquiry<'_>) -> Result<(), StoreError> {
//!     let store = open("dir:.countersign/evidence")?;
//!     while let Some(wanted) = inquiry.next() {
//!         inquiry.supply(&wanted, answer(&*store, &wanted));
//!     }
//!     Ok(())
//! }
//! ```

mod error;
mod store;
mod lookup;
mod memory;
mod dir;
mod uri;

pub use dir::DirStore;
pub use error::StoreError;
pub use memory::MemoryStore;
pub use store::{Location, Store, answer};
pub use uri::{create, open};
