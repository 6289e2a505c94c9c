//! Any bytes as a git commit, and as the tree of a commit that is as it must be: reading ends, and a commit that is read
//! is byte for byte what its id names. Each input becomes objects of a bare repository, uncompressed.
#![no_main]

use std::fs;
use std::path::{Path, PathBuf};

use countersign::digest::{check_git_object, hex};
use countersign_capture::git::Repository;
use sha1_checked::{Digest as _, Sha1};

thread_local! {
    static REPOSITORY: (PathBuf, Repository) = {
        let folder = std::env::temp_dir().join(format!("countersign-fuzz-{}.git", std::process::id()));
        for name in ["objects", "refs/heads"] {
            fs::create_dir_all(folder.join(name)).expect("a folder");
        }
        fs::write(folder.join("HEAD"), "ref: refs/heads/main\n").expect("a file");
        fs::write(folder.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n").expect("a file");
        let repository = Repository::discover(&folder).expect("a repository");
        (folder.join("objects"), repository)
    };
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    REPOSITORY.with(|(objects, repository)| {
        let made = Object::write(objects, "commit", bytes);
        if let Ok(commit) = repository.commit(&made.id) {
            assert_eq!((commit.object.as_slice(), commit.id.hex()), (bytes, made.id.as_str()));
            assert_eq!(check_git_object(&commit.id, bytes), Ok(()));
            assert!(commit.parents.iter().chain([&commit.tree]).all(|id| id.hex().len() == 40));
        }
        let tree = Object::write(objects, "tree", bytes);
        let person = "Maintainer <maintainer@example.test> 0 +0000";
        let text = format!("tree {}\nauthor {person}\ncommitter {person}\n\nmessage\n", tree.id);
        let made = Object::write(objects, "commit", text.as_bytes());
        let _ = repository.file_at(&made.id, "folder/file");
    });
});

/// A loose object, there for as long as this is.
struct Object {
    id: String,
    path: PathBuf,
}

impl Object {
    fn write(objects: &Path, kind: &str, content: &[u8]) -> Self {
        let whole = [format!("{kind} {}\0", content.len()).as_bytes(), content].concat();
        let id = hex(&Sha1::digest(&whole));
        let (folder, name) = id.split_at(2);
        fs::create_dir_all(objects.join(folder)).expect("a folder");
        let path = objects.join(folder).join(name);
        fs::write(&path, zlib(&whole)).expect("an object");
        Self { id, path }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// The form of zlib that compresses nothing (RFC 1950 §2.2; RFC 1951 §3.2.4).
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(0xFFFF).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("a block");
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        stream.extend(block);
    }
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    stream.extend((b << 16 | a).to_be_bytes());
    stream
}
