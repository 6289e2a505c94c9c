//! Ways to break what a log says of a signature.
//! The signature, its certificate and any timestamp beside the entry are good.

use super::super::Witness::{RekorV1, RekorV1AndTimestamp, RekorV1Intoto, RekorV2AndTimestamp as RekorV2};
use super::super::draft::{Entry, Material};
use super::{Bench, flip};

/// The promise is of another entry.
pub(super) fn promise_of_another_entry(bench: &Bench<'_>) -> Vec<u8> {
    promised(bench, |entry| bench.authority.rekor_v1.promise(b"another entry", entry.index, bench.at))
}

/// The promise states another time.
pub(super) fn promise_of_another_time(bench: &Bench<'_>) -> Vec<u8> {
    promised(bench, |entry| bench.authority.rekor_v1.promise(&entry.body, entry.index, bench.later(1)))
}

/// The promise states another place in the log.
pub(super) fn promise_of_another_place(bench: &Bench<'_>) -> Vec<u8> {
    promised(bench, |entry| bench.authority.rekor_v1.promise(&entry.body, entry.index + 1, bench.at))
}

/// A log that nobody knows has promised, in the name of one that is known.
pub(super) fn promise_by_another_log(bench: &Bench<'_>) -> Vec<u8> {
    let names = bench.authority.rekor_v1.id();
    promised(bench, |entry| bench.another.rekor_v1.promise_as(&names, &entry.body, entry.index, bench.at))
}

/// The log's signature on its promise doesn't hold.
pub(super) fn promise_broken(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1, |entry| flip(entry.promise.as_mut().expect("a promise"), 0))
}

/// There is no promise, and so the time that the entry states is nobody's word; a timestamp stands beside it.
pub(super) fn promise_missing(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1AndTimestamp, |entry| entry.promise = None)
}

/// There is neither a promise nor a time.
pub(super) fn promise_and_time_missing(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1, |entry| (entry.promise, entry.integrated_at) = (None, None))
}

/// The entry states a time a second before the one that the log signed.
pub(super) fn time_changed(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1, |entry| entry.integrated_at = Some(bench.later(-1)))
}

/// The entry states no time, and the log signed one; a timestamp stands beside it.
pub(super) fn time_missing(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1AndTimestamp, |entry| entry.integrated_at = None)
}

/// The entry states another place in the log.
pub(super) fn index_changed(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1, |entry| entry.index += 1)
}

/// The entry names a log that nobody knows.
pub(super) fn log_unknown(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1, |entry| flip(&mut entry.log_id, 0))
}

/// The entry names another log of the same trust root.
pub(super) fn log_swapped(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1, |entry| entry.log_id = bench.authority.rekor_v2.id().to_vec())
}

/// The entry is that of another statement, with all its proofs.
pub(super) fn entry_of_another_statement(bench: &Bench<'_>) -> Vec<u8> {
    let other = bench.good_of(&bench.other_payload(), RekorV1);
    bench.draft(RekorV1, |draft| draft.entries = other.entries)
}

/// A character of the entry is another.
pub(super) fn entry_edited(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1, |entry| {
        let text = String::from_utf8(entry.body.clone()).expect("UTF-8");
        entry.body = text.replace(r#""apiVersion":"0.0.1""#, r#""apiVersion":"0.0.2""#).into_bytes();
    })
}

/// The entry says that it is of another kind than it is.
pub(super) fn entry_of_another_kind(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1Intoto, |entry| entry.kind = ("dsse", "0.0.1"))
}

/// The entry is of a kind that is for messages, not for statements.
pub(super) fn entry_for_messages(bench: &Bench<'_>) -> Vec<u8> {
    bench.draft(RekorV1, |draft| draft.entries = vec![bench.authority.rekor_v1.log_hash(draft, bench.at)])
}

/// A log that nobody knows made the whole entry, in its own name.
pub(super) fn entry_by_another_log(bench: &Bench<'_>) -> Vec<u8> {
    bench.draft(RekorV1, |draft| draft.entries = vec![bench.another.rekor_v1.log_dsse(draft, bench.at)])
}

/// The log wrote down another verifier with the same signature.
pub(super) fn entry_of_another_verifier(bench: &Bench<'_>) -> Vec<u8> {
    bench.draft(RekorV1, |draft| {
        let mut other = draft.clone();
        other.material = Material::Key(bench.another.rekor_v1.public_key_der());
        draft.entries = vec![bench.authority.rekor_v1.log_dsse(&other, bench.at)];
    })
}

/// Beside the good entry stands that of another statement.
pub(super) fn entry_too_many(bench: &Bench<'_>) -> Vec<u8> {
    let other = bench.good_of(&bench.other_payload(), RekorV1);
    bench.draft(RekorV1, |draft| draft.entries.push(bench.authority.rekor_v1.later().log_dsse(&other, bench.at)))
}

/// Beside the good entry stands one that nothing proves.
pub(super) fn entry_without_proof_beside(bench: &Bench<'_>) -> Vec<u8> {
    bench.draft(RekorV1, |draft| {
        let bare = bench.authority.rekor_v1.later().log_intoto(draft, bench.at);
        draft.entries.push(Entry { promise: None, proof: None, ..bare });
    })
}

/// There is a promise, and no proof that it was kept.
pub(super) fn proof_missing(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV1, |entry| entry.proof = None)
}

/// The proof is for another place in the tree.
pub(super) fn proof_index_changed(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| proof.index -= 1)
}

/// A bit of a hash is another.
pub(super) fn proof_hash_flipped(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| flip(&mut proof.hashes[1], 0))
}

/// The last hash is missing.
pub(super) fn proof_hash_missing(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| drop(proof.hashes.pop()))
}

/// A hash follows the last one.
pub(super) fn proof_hash_too_many(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| proof.hashes.push(proof.hashes[0].clone()))
}

/// The proof leads to another root than the one signed.
pub(super) fn proof_root_changed(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| flip(&mut proof.root, 0))
}

/// The proof is for a tree of another size, in which it would lead to the same root.
pub(super) fn proof_size_changed(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| proof.size += 1)
}

/// The log signed the root of another tree.
pub(super) fn checkpoint_of_another_tree(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| proof.checkpoint = bench.authority.rekor_v1.checkpoint(proof.size, &[7; 32]))
}

/// The log signed the root for a tree of another size.
pub(super) fn checkpoint_of_another_size(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| proof.checkpoint = bench.authority.rekor_v1.checkpoint(proof.size + 1, &proof.root))
}

/// A log that nobody knows signed the root.
pub(super) fn checkpoint_by_another_log(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| proof.checkpoint = bench.another.rekor_v1.checkpoint(proof.size, &proof.root))
}

/// The log's signature on the root doesn't hold.
pub(super) fn checkpoint_broken(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| {
        let genuine = bench.authority.rekor_v1.checkpoint(proof.size + 1, &proof.root);
        let (text, _) = proof.checkpoint.split_once("\n\n").expect("a note");
        let (_, signature) = genuine.split_once("\n\n").expect("a note");
        proof.checkpoint = format!("{text}\n\n{signature}");
    })
}

/// A line was written into what the log signed.
pub(super) fn checkpoint_edited(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| proof.checkpoint = proof.checkpoint.replacen("\n\n", "\nmore\n\n", 1))
}

/// Something follows the log's signature.
pub(super) fn checkpoint_with_a_tail(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV1, |proof| proof.checkpoint.push_str("\nmore\n"))
}

/// The entry states another place in the tree.
pub(super) fn second_generation_index_changed(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV2, |entry| entry.index += 1)
}

/// The proof states another place in the tree than the entry.
pub(super) fn second_generation_proof_index_changed(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV2, |proof| proof.index += 1)
}

/// The proof states another root than the one signed.
pub(super) fn second_generation_proof_root_changed(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV2, |proof| flip(&mut proof.root, 0))
}

/// The proof states another size than the one signed.
pub(super) fn second_generation_proof_size_changed(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV2, |proof| proof.size += 1)
}

/// The log's id is cut to what a checkpoint shows of it.
pub(super) fn second_generation_log_cut(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV2, |entry| entry.log_id.truncate(4))
}

/// The entry names another log of the same trust root.
pub(super) fn second_generation_log_swapped(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV2, |entry| entry.log_id = bench.authority.rekor_v1.id().to_vec())
}

/// A bit of a hash is another.
pub(super) fn second_generation_hash_flipped(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV2, |proof| flip(&mut proof.hashes[0], 31))
}

/// The last hash is missing.
pub(super) fn second_generation_hash_missing(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV2, |proof| drop(proof.hashes.pop()))
}

/// Nothing proves that the log has the entry.
pub(super) fn second_generation_proof_missing(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV2, |entry| entry.proof = None)
}

/// A log that nobody knows signed the root, in the same name.
pub(super) fn second_generation_checkpoint_by_another_log(bench: &Bench<'_>) -> Vec<u8> {
    bench.proof(RekorV2, |proof| proof.checkpoint = bench.another.rekor_v2.checkpoint(proof.size, &proof.root))
}

/// The entry is that of another statement, with its proof.
pub(super) fn second_generation_entry_of_another_statement(bench: &Bench<'_>) -> Vec<u8> {
    let other = bench.good_of(&bench.other_payload(), RekorV2);
    bench.draft(RekorV2, |draft| draft.entries = other.entries)
}

/// There is no timestamp, and this log proves no time.
pub(super) fn second_generation_without_timestamp(bench: &Bench<'_>) -> Vec<u8> {
    bench.draft(RekorV2, |draft| draft.tokens.clear())
}

/// A time was written into the entry, which this log never signs.
pub(super) fn second_generation_with_a_time(bench: &Bench<'_>) -> Vec<u8> {
    bench.entry(RekorV2, |entry| entry.integrated_at = Some(bench.at))
}

fn promised(bench: &Bench<'_>, promise: impl FnOnce(&Entry) -> Vec<u8>) -> Vec<u8> {
    bench.entry(RekorV1, |entry| entry.promise = Some(promise(entry)))
}
