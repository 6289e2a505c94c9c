//! What is sealed can be opened by whoever holds the key, message by message, until it's shredded; and by nobody else.
//! Which messages a record commits to is tested in the heart.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use countersign::json::Json;
use countersign::seal::Disclosure;

use crate::scene::{DEPENDENCIES, Ended, Scene, named, text};

const ARGUMENTS: &[&str] = &["--", "sh", "-c", "echo $$ >> greeting.txt; git commit -qam more", "sh", "what was asked"];

impl Scene {
    /// Lays out a key for openings that is locked with `correct horse`, and a policy that allows what the agent commits.
    fn with_openings() -> Self {
        let scene = Self::new();
        fs::write(scene.home.join("passphrase"), "correct horse\n").unwrap();
        let made = scene.countersign("key generate --openings --passphrase-file ../home/passphrase", &[]);
        assert_eq!(made.status, 0, "{}", made.stderr);
        let policy = format!(
            r#"version: 1
id: demo
expires: 2100-01-01T00:00:00Z
time: unwitnessed
signers:
  - id: local
    kind: automation
    key: {}
    mayAttest: [{{predicate: "https://slsa.dev/provenance/v1", buildType: "https://countersign.dev/agent-run/v1", ceiling: harness}}]
resources:
  - match: "https://example.test/demo.git"
    source: {{repository: "https://example.test/demo.git", refs: [refs/heads/main]}}
    builders: [{{signer: local, builderId: "https://countersign.dev/builder/local/v1", buildTypes: ["https://countersign.dev/agent-run/v1"], level: 1}}]
environments: {{staging: {{requirements: [by-agent]}}}}
requirements:
  - {{id: by-agent, kind: agent, about: source, allow: [claude-code], basis: harness}}
"#,
            scene.countersign("key public --format der-base64", &[]).stdout
        );
        fs::write(scene.home.join("policy.yaml"), policy).unwrap();
        scene
    }

    /// Runs an agent, and returns the records of its prompt and, with a transcript, of its transcript.
    fn sealed(&self, line: &str, arguments: &[&str]) -> Vec<String> {
        let run = self.countersign(&format!("run --agent claude-code --out ../home/run.json {line}"), arguments);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(run.stderr.contains("and what opens them is kept, encrypted"), "{}", run.stderr);
        let hinted = run.stderr.lines().filter_map(|line| line.split_once("`countersign disclose ")?.1.split(' ').next());
        hinted.map(str::to_owned).collect()
    }

    fn openings(&self) -> PathBuf {
        self.home.join(".local/share/countersign/openings")
    }

    fn opening(&self, record: &str) -> PathBuf {
        self.openings().join(record.strip_prefix("sha256:").unwrap())
    }

    fn disclose(&self, record: &str, rest: &str) -> Ended {
        self.countersign(&format!("disclose --passphrase-file ../home/passphrase {record} {rest}"), &[])
    }

    fn is_allowed(&self) -> bool {
        self.countersign("verify git:HEAD --policy ../home/policy.yaml", &[]).status == 0
    }
}

fn assert_refused(ended: &Ended, code: &str) {
    assert_eq!((ended.status, ended.stdout.as_str()), (3, ""), "{}", ended.stderr);
    assert!(ended.stderr.contains(&format!("error[{code}]")), "{code}: {}", ended.stderr);
}

#[test]
fn every_message_of_a_run_can_be_disclosed_and_checked_against_its_bundle() {
    let scene = Scene::with_openings();
    let transcript = Scene::transcript("greeting");
    let records = scene.sealed(&format!("--transcript {transcript}"), ARGUMENTS);
    assert_eq!(records.len(), 2, "{records:?}");
    for record in &records {
        let list = scene.disclose(record, "--list");
        assert_eq!(list.status, 0, "{}", list.stderr);
        let count = list.stdout.lines().count();
        assert!(count > 0);
        for message in 0..count {
            let disclosed = scene.disclose(record, &format!("--message {message}"));
            assert_eq!(disclosed.status, 0, "{}", disclosed.stderr);
            let disclosure = Disclosure::parse(disclosed.stdout.trim_end().as_bytes()).unwrap();
            let message = disclosure.check(disclosure.claimed_record()).unwrap();
            let listed = list.stdout.lines().nth(usize::try_from(disclosure.index()).unwrap()).unwrap();
            assert_eq!(listed.split_whitespace().skip(1).collect::<Vec<_>>(), [message.body.len().to_string().as_str(), &message.kind]);
            fs::write(scene.home.join("message.json"), disclosed.stdout).unwrap();
            let shown = scene.countersign("inspect ../home/message.json --bundle ../home/run.json", &[]);
            assert_eq!(shown.status, 0, "{}", shown.stderr);
            assert!(shown.stdout.starts_with("OPENS  ../home/message.json"), "{}", shown.stdout);
        }
        assert_refused(&scene.disclose(record, &format!("--message {count}")), "message-missing");
    }
    let asked = scene.disclose(&records[0], "--message 0").stdout + &scene.disclose(&records[1], "--message 1").stdout;
    assert!(asked.contains("what was asked") || asked.contains("greeting"), "{asked}");
}

#[test]
fn a_record_is_found_by_its_digest_its_root_and_its_openings_path() {
    let scene = Scene::with_openings();
    let record = scene.sealed("", ARGUMENTS).remove(0);
    let by_digest = scene.disclose(&record, "--message 0").stdout;
    assert!(by_digest.contains("what was asked"), "{by_digest}");
    let root = text(&Json::parse(by_digest.trim_end().as_bytes()).unwrap(), "/record/root").unwrap().to_owned();
    let place = scene.opening(&record);
    for name in [root.clone(), format!("sha256:{root}"), place.display().to_string(), place.join("leaves").display().to_string()] {
        assert_eq!(scene.disclose(&name, "--message 0").stdout, by_digest, "{name}");
    }
    for name in ["0".repeat(64), "nowhere".to_owned(), "greeting.txt".to_owned()] {
        assert_refused(&scene.disclose(&name, "--message 0"), "opening-missing");
    }
    let out = scene.disclose(&record, "--message 0 --out ../home/message.json");
    assert_eq!((out.status, out.stdout.as_str()), (0, ""), "{}", out.stderr);
    assert_eq!(fs::read_to_string(scene.home.join("message.json")).unwrap(), by_digest);
    assert_eq!(fs::metadata(scene.home.join("message.json")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_refused(&scene.disclose(&record, "--message 0 --out ../home/message.json"), "output-exists");
}

#[test]
fn the_same_word_is_sealed_as_another_leaf_each_time_and_found_in_no_record() {
    let scene = Scene::with_openings();
    let script = ["--", "sh", "-c", "echo $$ >> greeting.txt; git commit -qam more", "yes"];
    let roots = [(); 2].map(|()| {
        let record = scene.sealed("", &script).remove(0);
        let disclosure = Json::parse(scene.disclose(&record, "--message 0").stdout.trim_end().as_bytes()).unwrap();
        ["/record/root", "/salt", "/text"].map(|place| text(&disclosure, place).unwrap().to_owned())
    });
    let [[root, salt, said], [other_root, other_salt, other_said]] = roots;
    assert_eq!(said, other_said);
    assert!(root != other_root && salt != other_salt);
    let published = fs::read_to_string(scene.home.join("run.json")).unwrap();
    assert!(!published.contains(&salt) && !published.contains(&other_salt));
}

#[test]
fn a_disclosure_is_checked_against_a_bundle_and_a_changed_one_is_refused() {
    let scene = Scene::with_openings();
    let record = scene.sealed("", ARGUMENTS).remove(0);
    fs::rename(scene.home.join("run.json"), scene.home.join("first.json")).unwrap();
    scene.sealed("", ARGUMENTS);
    let line = scene.disclose(&record, "--message 0").stdout;
    let inspect = |line: &str, bundles: &str| {
        fs::write(scene.home.join("message.json"), line).unwrap();
        scene.countersign(&format!("inspect ../home/message.json {bundles}"), &[])
    };
    let alone = inspect(&line, "");
    assert!(alone.status == 0 && alone.stdout.starts_with("UNVERIFIED"), "{}", alone.stdout);
    let both = inspect(&line, "--bundle ../home/run.json --bundle ../home/first.json --format json");
    let shown = Json::parse(both.stdout.trim_end().as_bytes()).unwrap();
    assert_eq!((text(&shown, "/opens/0/record"), text(&shown, "/disclosure/kind")), (Some("prompt"), Some("argv")));
    assert_eq!(shown.get("verified"), Some(&Json::Bool(false)));
    assert_refused(&inspect(&line, "--bundle ../home/run.json"), "disclosure-invalid");
    for (from, to) in [("what was asked", "what was said"), ("\"kind\":\"argv\"", "\"kind\":\"prompt\"")] {
        let changed = line.replacen(from, to, 1);
        assert_ne!(changed, line);
        assert_refused(&inspect(&changed, "--bundle ../home/first.json"), "disclosure-invalid");
        assert_refused(&inspect(&changed, ""), "disclosure-invalid");
    }
    assert_refused(&inspect(&line.replacen('{', "{ ", 1), "--bundle ../home/first.json"), "malformed");
}

#[test]
fn without_a_key_nothing_is_kept_and_that_is_said() {
    let scene = Scene::new();
    let run = scene.countersign("run --agent claude-code", ARGUMENTS);
    assert!(
        run.status == 0 && run.stderr.contains("there is no key to keep openings under, so they can't be disclosed later"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("hint: `countersign key generate --openings` makes one"), "{}", run.stderr);
    assert!(!scene.openings().exists());
}

#[test]
fn only_the_passphrase_opens_and_keeping_asks_for_none() {
    let scene = Scene::with_openings();
    let record = scene.sealed("", ARGUMENTS).remove(0);
    fs::write(scene.home.join("passphrase"), "incorrect horse\n").unwrap();
    assert_refused(&scene.disclose(&record, "--message 0"), "passphrase-wrong");
    assert_refused(&scene.countersign(&format!("disclose {record} --message 0"), &[]), "passphrase-needed");
    let again = scene.countersign("key generate --openings --no-passphrase", &[]);
    assert_refused(&again, "key-exists");
    fs::set_permissions(scene.home.join(".local/share/countersign/keys/openings.key"), PermissionsExt::from_mode(0o644)).unwrap();
    assert_refused(&scene.disclose(&record, "--message 0"), "key-exposed");
}

#[test]
fn an_opening_is_its_owners_only_and_shows_no_word() {
    let scene = Scene::with_openings();
    let place = scene.opening(&scene.sealed("", ARGUMENTS).remove(0));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&scene.openings()), mode(&place)), (0o700, 0o700));
    for name in ["record", "key", "leaves"] {
        assert_eq!(mode(&place.join(name)), 0o600, "{name}");
        let bytes = fs::read(place.join(name)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("asked"), "{name}");
    }
}

#[test]
fn an_opening_that_was_changed_anywhere_opens_nothing() {
    let scene = Scene::with_openings();
    let transcript = Scene::transcript("greeting");
    let records = scene.sealed(&format!("--transcript {transcript}"), ARGUMENTS);
    let place = scene.opening(&records[0]);
    let refused = |what: &str| {
        let ended = scene.disclose(&place.display().to_string(), "--message 0");
        assert_eq!((ended.status, ended.stdout.as_str()), (3, ""), "{what}");
        assert!(ended.stderr.contains("error[opening-"), "{what}: {}", ended.stderr);
    };
    let with = |name: &str, bytes: &[u8], what: &str| {
        let good = fs::read(place.join(name)).unwrap();
        assert_ne!(good, bytes, "{what}");
        fs::write(place.join(name), bytes).unwrap();
        refused(what);
        fs::write(place.join(name), good).unwrap();
    };
    let leaves = fs::read(place.join("leaves")).unwrap();
    for at in [0, 3, 4, 20, 60, leaves.len() - 1] {
        let mut changed = leaves.clone();
        changed[at] ^= 1;
        with("leaves", &changed, &format!("byte {at}"));
    }
    let mut at = 0;
    let mut frames = Vec::new();
    while at < leaves.len() {
        let length = 4 + u32::from_be_bytes(leaves[at..at + 4].try_into().unwrap()) as usize;
        frames.push(leaves[at..at + length].to_vec());
        at += length;
    }
    let (end, messages) = frames.split_last().unwrap();
    let (first, rest) = messages.split_first().unwrap();
    with("leaves", &[messages.concat()].concat(), "no end");
    with("leaves", &[rest.concat(), end.clone()].concat(), "no first message");
    with("leaves", &[messages.concat(), first.clone(), end.clone()].concat(), "a message twice");
    with("leaves", &[frames.concat(), vec![0]].concat(), "more behind the end");
    with("leaves", &leaves[..leaves.len() - 1], "cut off");
    with("leaves", b"", "empty");
    with("leaves", &u32::MAX.to_be_bytes(), "a huge frame");
    if let Some(second) = rest.first() {
        let others = rest[1..].concat();
        with("leaves", &[second.clone(), first.clone(), others, end.clone()].concat(), "swapped");
    }
    with("key", &[9; 32], "another key");
    with("key", &[0; 32], "a key of small order");
    with("key", b"", "no key");
    let other = scene.opening(&records[1]);
    for name in ["record", "key", "leaves"] {
        with(name, &fs::read(other.join(name)).unwrap(), &format!("another record's {name}"));
    }
    assert_eq!(scene.disclose(&records[0], "--message 0").status, 0);
}

#[test]
fn what_was_shredded_is_opened_by_nobody_and_still_verifies() {
    let scene = Scene::with_openings();
    let record = scene.sealed("", ARGUMENTS).remove(0);
    let line = scene.disclose(&record, "--message 0").stdout;
    fs::write(scene.home.join("message.json"), line).unwrap();
    assert!(scene.is_allowed());
    let shred = scene.countersign(&format!("shred {record}"), &[]);
    assert_eq!((shred.status, shred.stdout.as_str()), (0, format!("shredded  {record}\n").as_str()), "{}", shred.stderr);
    assert!(!scene.opening(&record).exists());
    assert_refused(&scene.disclose(&record, "--message 0"), "opening-missing");
    assert_refused(&scene.countersign(&format!("shred {record}"), &[]), "opening-missing");
    assert!(scene.is_allowed());
    // What was disclosed before can't be taken back.
    let shown = scene.countersign("inspect ../home/message.json --bundle ../home/run.json", &[]);
    assert!(shown.stdout.starts_with("OPENS"), "{}", shown.stdout);
}

#[test]
fn a_key_that_is_destroyed_is_said_to_be_whatever_can_not_be_removed() {
    let scene = Scene::with_openings();
    let record = scene.sealed("", ARGUMENTS).remove(0);
    let leaves = scene.opening(&record).join("leaves");
    fs::remove_file(&leaves).unwrap();
    fs::create_dir(&leaves).unwrap();
    for _ in 0..2 {
        let shred = scene.countersign(&format!("shred {record}"), &[]);
        assert_refused(&shred, "shredding-incomplete");
        let told =
            format!("the key is destroyed, so that nothing opens it any more; these files could not be removed: `{}`", leaves.display());
        assert!(shred.stderr.contains(&told), "{}", shred.stderr);
        assert_refused(&scene.disclose(&record, "--list"), "opening-shredded");
    }
    // Overwritten, and not taken away: it's as good as gone.
    fs::write(scene.opening(&record).join("key"), [0; 32]).unwrap();
    assert_refused(&scene.disclose(&record, "--list"), "opening-shredded");
    fs::remove_dir(&leaves).unwrap();
    assert_eq!(scene.countersign(&format!("shred {record}"), &[]).status, 0);
    assert!(!scene.opening(&record).exists());
}

#[test]
fn what_seals_nothing_needs_no_key_for_openings() {
    let scene = Scene::with_openings();
    fs::write(scene.home.join(".local/share/countersign/keys/openings.pub"), "torn").unwrap();
    let gate = scene.countersign("attest gate --subject git:HEAD --name tests --result PASSED", &[]);
    assert_eq!(gate.status, 0, "{}", gate.stderr);
    let run = scene.countersign("run --agent claude-code", ARGUMENTS);
    assert_eq!(run.status, 125, "{}", run.stderr);
    assert!(run.stderr.contains("error[key-malformed]") && run.stderr.contains("hint: put the file back"), "{}", run.stderr);
}

#[test]
fn a_link_in_the_place_of_a_key_is_not_followed() {
    let scene = Scene::with_openings();
    let record = scene.sealed("", ARGUMENTS).remove(0);
    let (key, mine) = (scene.opening(&record).join("key"), scene.home.join("mine"));
    fs::write(&mine, "mine").unwrap();
    fs::remove_file(&key).unwrap();
    std::os::unix::fs::symlink(&mine, &key).unwrap();
    assert_refused(&scene.countersign(&format!("shred {record}"), &[]), "shredding-failed");
    assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
}

#[test]
fn a_shredding_that_was_killed_is_finished_by_the_next() {
    let scene = Scene::with_openings();
    let record = scene.sealed("", ARGUMENTS).remove(0);
    let place = scene.opening(&record);
    fs::remove_file(place.join("key")).unwrap();
    assert_refused(&scene.disclose(&record, "--message 0"), "opening-shredded");
    fs::remove_file(place.join("leaves")).unwrap();
    let shred = scene.countersign(&format!("shred {record}"), &[]);
    assert_eq!(shred.status, 0, "{}", shred.stderr);
    assert!(!place.exists());
}

#[test]
fn what_a_kill_leaves_behind_is_swept_away_and_what_another_writes_is_not() {
    let scene = Scene::with_openings();
    let record = scene.sealed("", ARGUMENTS).remove(0);
    // Killed while it was written: the leaves are there, and the key that opens them never reached a disk.
    let unfinished = |name: &str| {
        let place = scene.openings().join(format!(".unfinished-{name}"));
        fs::create_dir(&place).unwrap();
        fs::copy(scene.opening(&record).join("leaves"), place.join("leaves")).unwrap();
        place
    };
    let (left, busy) = (unfinished("left"), unfinished("busy"));
    let writing = File::open(busy.join("leaves")).unwrap();
    writing.lock().unwrap();
    assert_refused(&scene.disclose(&left.display().to_string(), "--message 0"), "opening-missing");
    scene.sealed("", ARGUMENTS);
    assert!(!left.exists() && busy.exists());
    drop(writing);
    scene.sealed("", ARGUMENTS);
    assert!(!busy.exists());
}

#[test]
fn a_run_that_fails_in_between_leaves_no_opening_half_written() {
    let scene = Scene::with_openings();
    let sessionless = scene.home.join("sessionless.jsonl");
    fs::write(&sessionless, "{\"type\":\"user\"}\n").unwrap();
    let run = scene.countersign(&format!("run --agent claude-code --transcript {}", sessionless.display()), ARGUMENTS);
    assert_eq!(run.status, 125, "{}", run.stderr);
    let left: Vec<_> = fs::read_dir(scene.openings()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".lock"]);
}

#[test]
fn openings_never_lie_in_a_work_tree() {
    let scene = Scene::with_openings().with("XDG_DATA_HOME", "");
    let inside = scene.work.join("data");
    let scene = scene.with("XDG_DATA_HOME", inside.to_str().unwrap());
    assert_refused(&scene.countersign("key generate --openings --no-passphrase", &[]), "key-exposed");
    scene.shell("mkdir -p data/countersign && cp -r ~/.local/share/countersign/keys data/countersign/ && rm data/countersign/keys/*.key");
    let run =
        scene.countersign("run --agent claude-code --signer file:../home/keys/locked.key --passphrase-file ../home/passphrase", ARGUMENTS);
    assert_eq!(run.status, 125, "{}", run.stderr);
    assert!(run.stderr.contains("error[openings-exposed]"), "{}", run.stderr);
    assert!(!inside.join("countersign/openings").exists());
}

#[test]
fn a_statement_is_signed_even_where_its_opening_cannot_be_kept() {
    let scene = Scene::with_openings();
    // No directory, so nothing can be made in it once the command has run.
    let script = "rmdir ~/.local/share/countersign/openings; touch ~/.local/share/countersign/openings; echo $$ >> greeting.txt; git commit -qam more";
    let run = scene.countersign("run --agent claude-code", &["--", "sh", "-c", script]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let record = text(named(&scene.statement(), DEPENDENCIES, "prompt").unwrap(), "/digest/sha256").unwrap().to_owned();
    let lost = format!("warning: what opens the prompt, sha256:{record}, is lost and can't be had again");
    assert!(run.stderr.contains(&lost) && run.stderr.contains("could not be kept") && !run.stderr.contains("error["), "{}", run.stderr);
    assert!(scene.is_allowed());
    // What can't be kept from the beginning is told before the command.
    let run = scene.countersign("run --agent claude-code", &["--", "touch", "ran"]);
    assert_eq!(run.status, 125, "{}", run.stderr);
    assert!(run.stderr.contains("error[openings-unwritable]") && !scene.work.join("ran").exists(), "{}", run.stderr);
}

#[test]
fn secrets_are_taken_out_before_anything_is_sealed_or_kept_and_counted_by_kind() {
    let scene = Scene::with_openings();
    let token = format!("{}_{}", "ghp", "c3".repeat(18));
    let script = "echo $$ >> greeting.txt; git commit -qam more";
    let run = scene
        .countersign("run --agent claude-code --out ../home/run.json", &["--", "sh", "-c", script, &token, "--password=hunter2hunter2"]);
    assert!(run.status == 0 && run.stderr.contains("secrets were found in the prompt"), "{}", run.stderr);
    let statement = scene.statement();
    let redacted = statement.pointer("/predicate/runDetails/metadata/countersign_redacted").unwrap();
    assert_eq!(redacted.canonical(), br#"{"prompt":{"github-token":1,"password":1}}"#);
    let record = text(named(&statement, DEPENDENCIES, "prompt").unwrap(), "/digest/sha256").unwrap().to_owned();
    let disclosed = scene.disclose(&format!("sha256:{record}"), "--message 0");
    let said = text(&Json::parse(disclosed.stdout.trim_end().as_bytes()).unwrap(), "/text").unwrap().to_owned();
    assert_eq!(said, format!("sh\0-c\0{script}\0[redacted:github-token]\0--password=[redacted:password]\0"));
    let shown = scene.countersign("inspect ../home/run.json", &[]);
    assert!(shown.stdout.contains("prompt: github-token 1, password 1"), "{}", shown.stdout);
}
