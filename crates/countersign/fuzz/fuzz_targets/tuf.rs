//! A mirror of the public-good instance's repository in which one file is any bytes, and any bytes as what was kept: nothing
//! panics, and only the trust root that the instance gave out is ever taken. The length of the input says which file.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use countersign::digest::Digest;
use countersign_sign::{Mirror, TufRepository};

macro_rules! file {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../countersign-sign/tests/public_good/", $name)).as_slice())
    };
}

const FILES: [(&str, &[u8]); 5] = [
    file!("15.root.json"),
    file!("timestamp.json"),
    file!("163.snapshot.json"),
    file!("13.targets.json"),
    file!("targets/6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66.trusted_root.json"),
];

/// Where the good files lie, and an empty folder beside them.
static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let place = std::env::temp_dir().join(format!("countersign-fuzz-tuf-{}", std::process::id()));
    fs::create_dir_all(place.join("mirror/targets")).expect("a folder");
    for (name, bytes) in FILES {
        fs::write(place.join("mirror").join(name), bytes).expect("a file");
    }
    place
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let folder = PLACE.join("kept");
    let _ = fs::remove_dir_all(&folder);
    let anchor = file!("14.root.json").1.to_vec();
    let repository = TufRepository::new(anchor, &folder).expect("a root");
    let check = |mirror: &Path| {
        let mirror = Mirror::named(&format!("file://{}", mirror.display())).expect("a mirror");
        let taken = repository.update(&mirror, "2025-12-20T00:00:00Z".parse().expect("a time"));
        for trust in taken.ok().into_iter().chain(repository.kept().ok().flatten()) {
            assert_eq!(trust.root().digest(), &Digest::sha256(FILES[4].1));
        }
    };
    let Some((name, good)) = FILES.get(bytes.len() % (FILES.len() + 1)) else {
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("kept.json"), bytes).expect("a file");
        return check(&PLACE.join("mirror"));
    };
    let file = PLACE.join("mirror").join(name);
    fs::write(&file, bytes).expect("a file");
    check(&PLACE.join("mirror"));
    fs::write(&file, good).expect("a file");
});
