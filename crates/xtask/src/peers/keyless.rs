//! A real instance of Sigstore, with a log of either generation, signed with by our own command line, and cosign 3.1.3 on both
//! sides of it. How the instance comes about stands in `instance`.

use super::cosign;
use super::faults;
use super::instance::{Generation, Instance, JOBS, PEOPLE};
use super::report::Report;
use super::scene::Scene;
use super::workshop::Workshop;
use crate::run::{Answer, Program};

/// Asks an instance with Rekor v2 and timestamps.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    ask_of(Generation::Second, workshop, scene, report)
}

/// Asks an instance with Rekor v1, and with a certificate log that keeps what it promises.
pub(super) fn ask_first(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    ask_of(Generation::First, workshop, scene, report)
}

/// Asks everything; what cosign is asked only where it's there.
fn ask_of(generation: Generation, workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let instance = Instance::start(workshop, scene, generation)?;
    let keyless = Keyless { instance: &instance, scene };
    keyless.statements(report)?;
    keyless.jobs(report)?;
    keyless.messages(report)?;
    keyless.commits(report)?;
    keyless.without_hashes(report)?;
    faults::ask(scene, &instance, report)?;
    if !workshop.has(cosign::FOLDER) {
        println!("SKIPPED cosign with the instance: it isn't there");
        return Ok(());
    }
    keyless.both_ways(&workshop.place(cosign::FOLDER).join("cosign").display().to_string(), report)
}

struct Keyless<'a> {
    instance: &'a Instance<'a>,
    scene: &'a Scene,
}

impl Keyless<'_> {
    /// A person signs a build, and a policy names that person.
    fn statements(&self, report: &mut Report) -> Result<(), String> {
        let scene = self.scene;
        let token = self.instance.token(PEOPLE, &format!("email={PERSON}"))?;
        scene.write("person.token", token.as_bytes())?;
        self.attest("keyless-build", &format!("keyless:file:{}", scene.at("person.token")))?.accepted()?;
        report.check("signs a build for an identity, which we allow", self.allows("keyless-build", PERSON, &issuer(PEOPLE)));
        let denied = self.verify("demo.tar", "keyless-build", "other@example.test", &issuer(PEOPLE));
        report.check(
            "signs a build that we deny where the policy names another identity",
            denied.and_then(|answer| answer.ended(1, "signer-unknown")),
        );
        let denied = self.verify("demo.tar", "keyless-build", PERSON, &issuer(JOBS));
        report.check(
            "signs a build that we deny where the policy names another issuer",
            denied.and_then(|answer| answer.ended(1, "signer-unknown")),
        );
        let denied = self.verify("tampered/demo.tar", "keyless-build", PERSON, &issuer(PEOPLE));
        report.check("signs a build that we deny for another file", denied.and_then(|answer| answer.ended(1, "\"deny\"")));
        // What a token of another audience is told, and that it isn't shown.
        let strange = self.instance.token(PEOPLE, &format!("email={PERSON}&aud=elsewhere"))?;
        scene.write("strange.token", strange.as_bytes())?;
        let refused = self.attest("never", &format!("keyless:file:{}", scene.at("strange.token")))?;
        report.check("refuses a token for another audience, and we say so", refused.refused("error[service-refused]"));
        Ok(())
    }

    /// A job signs with a token from an endpoint like that of GitHub Actions.
    fn jobs(&self, report: &mut Report) -> Result<(), String> {
        let sha = "a".repeat(40);
        let claims = format!("sub=repo:demo&job_workflow_ref={WORKFLOW}&repository=owner/demo&ref=refs/heads/main&sha={sha}");
        let endpoint = format!("http://127.0.0.1:{JOBS}/token?{claims}");
        let program = self.attesting("job-build", "keyless:");
        let program = program.with("ACTIONS_ID_TOKEN_REQUEST_URL", endpoint).with("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "any");
        program.answer()?.accepted()?;
        let subject = format!("https://forge.example.test/{WORKFLOW}");
        report.check("signs a build for a job, which we allow", self.allows("job-build", &subject, &issuer(JOBS)));
        Ok(())
    }

    /// The conformance suite's verbs, for an artifact and for a statement.
    fn messages(&self, report: &mut Report) -> Result<(), String> {
        for (what, flags) in [("message", &[][..]), ("statement", &["--in-toto"][..])] {
            let artifact = if flags.is_empty() { "demo.tar" } else { "statement.json" };
            let signed = self.sign_bundle(what, flags, artifact);
            report.check(&format!("signs a {what} by sign-bundle"), signed.and_then(Answer::accepted).map(drop));
            let verified = self.verify_bundle(&self.bundle(what), PERSON, "demo.tar")?;
            report.check(&format!("signs a {what} that verify-bundle accepts"), verified.accepted().map(drop));
            let refused = self.verify_bundle(&self.bundle(what), "other@example.test", "demo.tar")?;
            report.check(
                &format!("signs a {what} that verify-bundle refuses for another identity"),
                refused.refused("error[signer-unknown]"),
            );
            let refused = self.verify_bundle(&self.bundle(what), PERSON, "tampered/demo.tar")?;
            report.check(&format!("signs a {what} that verify-bundle refuses for another file"), refused.refused("error["));
        }
        Ok(())
    }

    /// A person signs what an agent did for a commit, whose object has a hash that every log takes.
    fn commits(&self, report: &mut Report) -> Result<(), String> {
        let (signer, transcript) = (format!("keyless:file:{}", self.scene.at("person.token")), self.scene.transcript());
        let run = ["agent-run", "--subject", "git:HEAD", "--agent", "claude-code", "--transcript", transcript];
        report.check("signs an agent's run for an identity", self.stating(&run, "run", &signer).answer()?.accepted().map(drop));
        let verified = self.verify_bundle(&self.bundle("run"), PERSON, "commit-object")?;
        report.check("signs an agent's run that verify-bundle accepts for the commit's own bytes", verified.accepted().map(drop));
        Ok(())
    }

    /// A gate is about a tree, which has no hash that a verifier of Rekor v1 begins with: that log is never asked.
    fn without_hashes(&self, report: &mut Report) -> Result<(), String> {
        let signer = format!("keyless:file:{}", self.scene.at("person.token"));
        let before = (self.instance.entries()?, self.instance.certificates()?);
        let gate = ["gate", "--subject", "git:HEAD", "--name", "unit-tests", "--result", "PASSED"];
        let answer = self.stating(&gate, "gate", &signer).answer()?;
        let after = (self.instance.entries()?, self.instance.certificates()?);
        if self.instance.generation() == Generation::Second {
            report.check("signs a statement about a tree alone", answer.accepted().map(drop));
            return Ok(());
        }
        // What it says is left is what was left.
        let left = (after.0 - before.0, after.1.zip(before.1).map(|(after, before)| after - before));
        let said = answer.refused("neither sha256 nor sha512; a certificate was issued, which certificate logs publish");
        report.check("signs no statement about a tree alone, and we say why", said);
        let told = if left == (0, Some(1)) { Ok(()) } else { Err(format!("{left:?} entries and certificates were made for it")) };
        report.check("has no entry of it, but the certificate that we speak of", told);
        let is_kept = std::path::Path::new(&self.bundle("gate")).exists();
        report.check("leaves no bundle of it", if is_kept { Err("there is one".to_owned()) } else { Ok(()) });
        Ok(())
    }

    /// cosign verifies what we signed, and we verify what cosign signed.
    fn both_ways(&self, cosign: &str, report: &mut Report) -> Result<(), String> {
        let scene = self.scene;
        let run = |arguments: &[&str]| self.instance.inside(cosign, arguments).with("TUF_ROOT", scene.at("tuf")).answer();
        let [root, config] = ["trusted_root.json", "signing_config.json"].map(|name| self.instance.at(name));
        let [file, tampered] = ["demo.tar", "tampered/demo.tar"].map(|name| scene.at(name));
        let issuer = issuer(PEOPLE);
        let who = |subject| ["--certificate-identity", subject, "--certificate-oidc-issuer", issuer.as_str()];
        let statement = |bundle: &str, subject, file: &str| {
            let asked = [
                "verify-blob-attestation",
                "--new-bundle-format",
                "--trusted-root",
                &root,
                "--bundle",
                bundle,
                "--type",
                "slsaprovenance1",
            ];
            run(&[&asked[..], &who(subject), &[file]].concat())
        };
        for ours in ["keyless-build", "statement"] {
            let bundle = self.bundle(ours);
            report.check(&format!("cosign verifies our {ours}"), statement(&bundle, PERSON, &file)?.accepted().map(drop));
            report.check(
                &format!("cosign refuses our {ours} for another identity"),
                statement(&bundle, "other@example.test", &file)?.refused("expected SAN value"),
            );
            report.check(
                &format!("cosign refuses our {ours} for another file"),
                statement(&bundle, PERSON, &tampered)?.refused("provided artifact digest"),
            );
        }
        let [commit, _] = scene.commit_and_tree();
        let run_of = |commit: &str| {
            let asked = ["verify-blob-attestation", "--new-bundle-format", "--trusted-root", &root, "--bundle", &self.bundle("run")];
            let judged = ["--type", "slsaprovenance1", "--digest", commit, "--digestAlg", "gitCommit"];
            run(&[&asked[..], &who(PERSON), &judged].concat())
        };
        report.check("cosign verifies our run by the commit's id", run_of(commit)?.accepted().map(drop));
        report.check("cosign refuses our run for another commit", run_of(&"1".repeat(40))?.refused("digest"));
        let message = |bundle: &str, file: &str| {
            let asked = ["verify-blob", "--new-bundle-format", "--trusted-root", &root, "--bundle", bundle];
            run(&[&asked[..], &who(PERSON), &[file]].concat())
        };
        let ours = self.bundle("message");
        report.check("cosign verifies our message", message(&ours, &file)?.accepted().map(drop));
        report.check("cosign refuses our message for another file", message(&ours, &tampered)?.refused("error"));

        let theirs = self.bundle("theirs-keyless");
        let token = self.instance.token(PEOPLE, &format!("email={PERSON}"))?;
        let with = ["--yes", "--identity-token", &token, "--signing-config", &config, "--trusted-root", &root, "--bundle", &theirs];
        let said = ["--statement", &scene.at("statement.json")];
        run(&[&["attest-blob"][..], &with, &said, &[&file]].concat())?.accepted()?;
        report.check("cosign signs a statement that we allow", self.allows("theirs-keyless", PERSON, &issuer));
        let theirs = self.bundle("theirs-message");
        let with = ["--yes", "--identity-token", &token, "--signing-config", &config, "--trusted-root", &root, "--bundle", &theirs];
        run(&[&["sign-blob"][..], &with, &[&file]].concat())?.accepted()?;
        report.check(
            "cosign signs a message that verify-bundle accepts",
            self.verify_bundle(&theirs, PERSON, "demo.tar")?.accepted().map(drop),
        );
        Ok(())
    }

    fn attest(&self, bundle: &str, signer: &str) -> Result<Answer, String> {
        self.attesting(bundle, signer).answer()
    }

    /// Names our own command line, stating a build of demo.tar with the instance.
    fn attesting(&self, bundle: &str, signer: &str) -> Program {
        let subject = self.scene.at("demo.tar");
        self.stating(&["build", "--subject", &subject, "--source", "HEAD"], bundle, signer)
    }

    /// Names our own command line, stating something with the instance.
    fn stating(&self, what: &[&str], bundle: &str, signer: &str) -> Program {
        let [root, config] = ["trusted_root.json", "signing_config.json"].map(|name| self.instance.at(name));
        let (store, out) = (self.scene.store(), self.bundle(bundle));
        let with = ["--signer", signer, "--trust", &root, "--signing-config", &config, "--store", &store, "--out", &out];
        self.instance.inside(&self.scene.countersign_path(), &[&["attest"], what, &with[..]].concat())
    }

    fn sign_bundle(&self, name: &str, flags: &[&str], artifact: &str) -> Result<Answer, String> {
        let token = self.instance.token(PEOPLE, &format!("email={PERSON}"))?;
        let [root, config] = ["trusted_root.json", "signing_config.json"].map(|name| self.instance.at(name));
        let (bundle, artifact) = (self.bundle(name), self.scene.at(artifact));
        let given = ["--identity-token", &token, "--bundle", &bundle, "--trusted-root", &root, "--signing-config", &config, &artifact];
        self.instance.countersign(&[&["sign-bundle"][..], flags, &given].concat())
    }

    fn verify_bundle(&self, bundle: &str, subject: &str, artifact: &str) -> Result<Answer, String> {
        let (issuer, root, artifact) = (issuer(PEOPLE), self.instance.at("trusted_root.json"), self.scene.at(artifact));
        let asked = ["verify-bundle", "--bundle", bundle, "--certificate-identity", subject, "--certificate-oidc-issuer", &issuer];
        self.scene.countersign(&[&asked[..], &["--trusted-root", &root, &artifact]].concat()).answer()
    }

    fn bundle(&self, name: &str) -> String {
        self.instance.at(&format!("{name}.sigstore.json"))
    }

    fn allows(&self, bundle: &str, subject: &str, issuer: &str) -> Result<(), String> {
        self.verify("demo.tar", bundle, subject, issuer)?.ended(0, "\"allow\"")
    }

    /// Asks our own command line, which needs no namespace: it asks nobody.
    fn verify(&self, file: &str, bundle: &str, subject: &str, issuer: &str) -> Result<Answer, String> {
        let scene = self.scene;
        let (file, bundle, root) = (scene.at(file), self.bundle(bundle), self.instance.at("trusted_root.json"));
        let policy = scene.identity_policy(&root, subject, issuer)?;
        let asked = ["verify", &file, "--policy", &policy, "--environment", "test", "--format", "json"];
        scene.countersign(&[&asked[..], &["--bundle", &bundle, "--trust", &root]].concat()).answer()
    }
}

fn issuer(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

const PERSON: &str = "maintainer@example.test";
const WORKFLOW: &str = "owner/demo/.github/workflows/build.yml@refs/heads/main";
