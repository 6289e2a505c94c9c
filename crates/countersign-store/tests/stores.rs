//! Every store keeps the contract; each kind's own promises stand in its module.
//! What bundles mean isn't tested here.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail, and say why")]

mod bundles;
mod contract;
mod directory;
mod memory {
    use countersign_store::MemoryStore;

    crate::contract::keeps_the_contract!(|| ((), MemoryStore::new()));
}
mod names;
