//! A real instance of Sigstore, signed with by our own command line, and cosign 3.1.3 on both sides of it.
//! How the instance comes about stands in `instance`.

use super::cosign;
use super::instance::{Instance, JOBS, PEOPLE};
use super::report::Report;
use super::scene::Scene;
use super::workshop::Workshop;
use crate::run::{Answer, Program};

/// Asks everything; what cosign is asked only where it's there.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let instance = Instance::start(workshop, scene)?;
    let keyless = Keyless { instance: &instance, scene };
    keyless.statements(report)?;
    keyless.jobs(report)?;
    keyless.messages(report)?;
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
            let verified = self.verify_bundle(&self.scene.at(&format!("{what}.sigstore.json")), PERSON, "demo.tar")?;
            report.check(&format!("signs a {what} that verify-bundle accepts"), verified.accepted().map(drop));
            let refused = self.verify_bundle(&self.scene.at(&format!("{what}.sigstore.json")), "other@example.test", "demo.tar")?;
            report.check(
                &format!("signs a {what} that verify-bundle refuses for another identity"),
                refused.refused("error[signer-unknown]"),
            );
            let refused = self.verify_bundle(&self.scene.at(&format!("{what}.sigstore.json")), PERSON, "tampered/demo.tar")?;
            report.check(&format!("signs a {what} that verify-bundle refuses for another file"), refused.refused("error["));
        }
        Ok(())
    }

    /// cosign verifies what we signed, and we verify what cosign signed.
    fn both_ways(&self, cosign: &str, report: &mut Report) -> Result<(), String> {
        let scene = self.scene;
        let run = |arguments: &[&str]| self.instance.inside(cosign, arguments).with("TUF_ROOT", scene.at("tuf")).answer();
        let [root, config, file, tampered] =
            ["trusted_root.json", "signing_config.json", "demo.tar", "tampered/demo.tar"].map(|name| scene.at(name));
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
            let bundle = scene.at(&format!("{ours}.sigstore.json"));
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
        let message = |bundle: &str, file: &str| {
            let asked = ["verify-blob", "--new-bundle-format", "--trusted-root", &root, "--bundle", bundle];
            run(&[&asked[..], &who(PERSON), &[file]].concat())
        };
        let ours = scene.at("message.sigstore.json");
        report.check("cosign verifies our message", message(&ours, &file)?.accepted().map(drop));
        report.check("cosign refuses our message for another file", message(&ours, &tampered)?.refused("error"));

        let theirs = scene.at("theirs-keyless.sigstore.json");
        let token = self.instance.token(PEOPLE, &format!("email={PERSON}"))?;
        let with = ["--yes", "--identity-token", &token, "--signing-config", &config, "--trusted-root", &root, "--bundle", &theirs];
        let said = ["--statement", &scene.at("statement.json")];
        run(&[&["attest-blob"][..], &with, &said, &[&file]].concat())?.accepted()?;
        report.check("cosign signs a statement that we allow", self.allows("theirs-keyless", PERSON, &issuer));
        let theirs = scene.at("theirs-message.sigstore.json");
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
        let [subject, root, config, evidence, out] =
            ["demo.tar", "trusted_root.json", "signing_config.json", "evidence", &format!("{bundle}.sigstore.json")]
                .map(|name| self.scene.at(name));
        let store = format!("dir:{evidence}");
        let stated = ["attest", "build", "--subject", &subject, "--source", "HEAD", "--store", &store, "--out", &out];
        let with = ["--signer", signer, "--trust", &root, "--signing-config", &config];
        self.instance.inside(&self.scene.countersign_path(), &[&stated[..], &with].concat())
    }

    fn sign_bundle(&self, name: &str, flags: &[&str], artifact: &str) -> Result<Answer, String> {
        let token = self.instance.token(PEOPLE, &format!("email={PERSON}"))?;
        let [bundle, root, config, artifact] =
            [&format!("{name}.sigstore.json"), "trusted_root.json", "signing_config.json", artifact].map(|name| self.scene.at(name));
        let given = ["--identity-token", &token, "--bundle", &bundle, "--trusted-root", &root, "--signing-config", &config, &artifact];
        self.instance.countersign(&[&["sign-bundle"][..], flags, &given].concat())
    }

    fn verify_bundle(&self, bundle: &str, subject: &str, artifact: &str) -> Result<Answer, String> {
        let (issuer, root, artifact) = (issuer(PEOPLE), self.scene.at("trusted_root.json"), self.scene.at(artifact));
        let asked = ["verify-bundle", "--bundle", bundle, "--certificate-identity", subject, "--certificate-oidc-issuer", &issuer];
        self.scene.countersign(&[&asked[..], &["--trusted-root", &root, &artifact]].concat()).answer()
    }

    fn allows(&self, bundle: &str, subject: &str, issuer: &str) -> Result<(), String> {
        self.verify("demo.tar", bundle, subject, issuer)?.ended(0, "\"allow\"")
    }

    /// Asks our own command line, which needs no namespace: it asks nobody.
    fn verify(&self, file: &str, bundle: &str, subject: &str, issuer: &str) -> Result<Answer, String> {
        let scene = self.scene;
        let policy = scene.identity_policy(subject, issuer)?;
        let (file, bundle, root) = (scene.at(file), scene.at(&format!("{bundle}.sigstore.json")), scene.at("trusted_root.json"));
        scene.countersign(&["verify", &file, "--policy", &policy, "--bundle", &bundle, "--trust", &root, "--format", "json"]).answer()
    }
}

fn issuer(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

const PERSON: &str = "maintainer@example.test";
const WORKFLOW: &str = "owner/demo/.github/workflows/build.yml@refs/heads/main";
