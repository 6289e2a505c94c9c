//! A policy that was just written, filled in, is one that our own statements can satisfy, or are told why they don't.
//! What stands in each preset is shown by the transcripts.

use std::fs;

use crate::scene::Scene;

#[test]
fn a_preset_that_is_filled_in_allows_a_commit_however_the_repository_is_cloned() {
    for origin in [
        "git@github.com:me/app.git",
        "https://github.com/me/app.git",
        "https://github.com/me/app/",
        "ssh://git@github.com/me/app",
        "https://example.test/app.git",
    ] {
        for (preset, environment) in [("solo", "local"), ("team", "merge")] {
            let scene = Scene::new();
            scene.shell(&format!("git remote set-url origin {origin}"));
            let policy = filled_in(&scene, preset);
            let made = scene.countersign("run --agent claude-code --on-behalf-of me@here -- git commit -q --allow-empty -m two", &[]);
            assert_eq!(made.status, 0, "{}", made.stderr);
            let asked = |more: &[&str]| {
                let asked = ["--policy", &policy, "--trust", "../root.json", "--environment", environment];
                scene.countersign("verify git:HEAD", &[&asked[..], more].concat())
            };
            let answer = asked(&[]);
            assert_eq!(answer.status, 0, "{preset} {origin}: {}{}", answer.stdout, answer.stderr);
            if preset == "team" && origin.contains("github.com") {
                // As the same question is asked in a job of GitHub Actions.
                let answer = asked(&["--resource", "https://github.com/me/app"]);
                assert_eq!(answer.status, 0, "{preset} {origin}: {}{}", answer.stdout, answer.stderr);
            }
        }
    }
}

#[test]
fn nothing_is_odd_about_a_preset_that_is_filled_in() {
    for preset in ["solo", "team", "regulated"] {
        let scene = Scene::new();
        let policy = filled_in(&scene, preset);
        let checked = scene.countersign("policy check", &[&policy]);
        assert_eq!((checked.status, checked.stderr.as_str()), (0, ""), "{preset}");
    }
}

#[test]
fn says_why_a_build_shows_nothing_of_the_commit_that_it_names() {
    let scene = Scene::new();
    let policy = filled_in(&scene, "solo");
    let made = scene.countersign("run -- git commit -q --allow-empty -m two", &[]);
    assert_eq!(made.status, 0, "{}", made.stderr);
    let told = scene.countersign("explain git:HEAD", &["--policy", &policy]);
    assert_eq!(told.status, 1, "{}", told.stderr);
    let why =
        "the statement names the commit, and provenance of build type `https://countersign.dev/local-build/v1` never counts for a commit";
    assert_eq!(told.stdout.matches(why).count(), 2, "{}", told.stdout);
}

/// Writes a preset, and outside of the clone a policy in which each of its placeholders is replaced; returns that one's name.
fn filled_in(scene: &Scene, preset: &str) -> String {
    let written = scene.countersign("init --preset", &[preset]);
    assert_eq!(written.status, 0, "{}", written.stderr);
    let mut policy = fs::read_to_string(scene.work.join(".countersign/policy.yaml")).unwrap();
    for (placeholder, value) in [
        ("<your name>@<your host>", "me@here"),
        ("<your branch>", "main"),
        ("<your build workflow>", "build"),
        ("<your agent workflow>", "agent"),
        ("<your organisation>/<your repository>", "me/app"),
        ("<your agent platform>", "platform.example.test"),
    ] {
        policy = policy.replace(placeholder, value);
    }
    fs::write(scene.work.join("../policy.yaml"), policy).unwrap();
    fs::write(scene.work.join("../root.json"), sigstore_trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT).unwrap();
    "../policy.yaml".to_owned()
}
