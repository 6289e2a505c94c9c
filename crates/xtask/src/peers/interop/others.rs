//! How each of the others is asked to verify a bundle of ours, and to sign what we judge; with the reasons for which somebody
//! is known to refuse, each told by words of the refusal.

use super::table::Cell;
use super::{Content, PLAIN_PREDICATE, Signer, VAULT_KEY, Who, World, issuer};
use crate::peers::{cosign, python, sigstore_go, sigstore_js};
use crate::run::{Answer, Program};

/// Somebody else's program.
pub(super) struct Other {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    /// Where it's kept.
    pub(super) folder: &'static str,
    verify: fn(&World<'_>, Content, Signer, &str, Who) -> Asked,
    sign: fn(&World<'_>, Content, Signer, &str) -> Asked,
    /// For what it refuses: words of its own, and the reason.
    refusals: &'static [(&'static str, &'static str)],
}

/// A program that asks it, or why there is none.
type Asked = Result<Result<Program, &'static str>, String>;

pub(super) const OTHERS: &[Other] = &[
    Other { name: "cosign", version: "3.1.3", folder: cosign::FOLDER, verify: cosign_verify, sign: cosign_sign, refusals: &[] },
    Other {
        name: "sigstore-python",
        version: "4.5.1",
        folder: python::FOLDER,
        verify: python_verify,
        sign: python_sign,
        refusals: &[("gitCommit.[key]", "it knows no git commit as a subject")],
    },
    Other {
        name: "sigstore-js",
        version: "4.1.3",
        folder: sigstore_js::FOLDER,
        verify: js_verify,
        sign: js_sign,
        refusals: &[("invalid type, must be hashedrekord", "it asks Rekor v2 for an entry of a type that it doesn't have")],
    },
    Other { name: "sigstore-go", version: "1.3.0", folder: sigstore_go::FOLDER, verify: go_verify, sign: go_sign, refusals: &[] },
];

/// Why we refuse what others sign.
const OUR_REFUSALS: &[(&str, &str)] = &[("error[log-entry-invalid]: the bundle has no log entry", "we ask for a log entry or a timestamp")];

impl Other {
    /// Has it verify ours: for the signer, and for another, whom it must refuse.
    pub(super) fn verifies(&self, world: &World<'_>, content: Content, signer: Signer, bundle: &str) -> Result<Cell, String> {
        let ask =
            |who| (self.verify)(world, content, signer, bundle, who)?.map(Program::answer).map_or_else(|why| Ok(Err(why)), |a| a.map(Ok));
        match ask(Who::Signer)? {
            Err(why) => Ok(Cell::Cannot(why)),
            Ok(answer) if !answer.succeeded() => known(&answer, self.refusals),
            Ok(_) => match ask(Who::Another)? {
                Ok(answer) if answer.succeeded() => Err(format!("{} verifies it for another signer, too", self.name)),
                _ => Ok(Cell::Yes),
            },
        }
    }

    /// Has it sign, and judges that: for the signer, and for another, whom we must refuse.
    pub(super) fn signs(&self, world: &World<'_>, content: Content, signer: Signer) -> Result<Cell, String> {
        let signer_name = signer.name().replace([' ', ','], "-");
        let bundle = world.scene.at(&format!("interop/{}-{content:?}-{signer_name}.sigstore.json", self.name));
        let signed = match (self.sign)(world, content, signer, &bundle)? {
            Err(why) => return Ok(Cell::Cannot(why)),
            Ok(program) => program.answer()?,
        };
        if !signed.succeeded() {
            return known(&signed, self.refusals);
        }
        let answer = world.judge(content, signer, &bundle, Who::Signer)?;
        if !answer.succeeded() {
            return known(&answer, OUR_REFUSALS);
        }
        if world.judge(content, signer, &bundle, Who::Another)?.succeeded() {
            return Err("we verify it for another signer, too".to_owned());
        }
        Ok(Cell::Yes)
    }
}

/// Finds the reason for a refusal in its words.
fn known(answer: &Answer, reasons: &[(&str, &'static str)]) -> Result<Cell, String> {
    let found = reasons.iter().find(|(words, _)| answer.holds(words));
    found.map(|(_, why)| Cell::Refuses(why)).ok_or_else(|| answer.told("is refused for a reason that isn't known"))
}

fn cosign_verify(world: &World<'_>, content: Content, signer: Signer, bundle: &str, who: Who) -> Asked {
    let scene = world.scene;
    let (file, issuer, key) = (scene.at("demo.tar"), issuer(), world.key(signer, who));
    let [commit, _] = scene.commit_and_tree();
    let (verb, judged): (&[&str], &[&str]) = match content {
        Content::Artifact => (&["verify-blob"], &[&file]),
        Content::File => (&["verify-blob-attestation", "--type", "slsaprovenance1"], &[&file]),
        Content::Commit => (&["verify-blob-attestation", "--type", "slsaprovenance1"], &["--digest", commit, "--digestAlg", "gitCommit"]),
    };
    let root;
    let by: &[&str] = if let Signer::Identity(generation) = signer {
        root = world.instance(generation)?.at("trusted_root.json");
        &["--new-bundle-format", "--trusted-root", &root, "--certificate-identity", who.email(), "--certificate-oidc-issuer", &issuer]
    } else {
        &["--insecure-ignore-tlog", "--key", &key]
    };
    let binary = cosign::binary(world.workshop).display().to_string();
    let program = scene.program(&binary, &[verb, &["--bundle", bundle], by, judged].concat());
    Ok(Ok(program.with("TUF_ROOT", scene.at("tuf"))))
}

fn cosign_sign(world: &World<'_>, content: Content, signer: Signer, bundle: &str) -> Asked {
    let scene = world.scene;
    let [file, object, build, run, key] =
        ["demo.tar", "commit-object", "statement.json", "run-statement.json", "imported-p256.key"].map(|name| scene.at(name));
    let (verb, said): (&str, &[&str]) = match content {
        Content::Artifact => ("sign-blob", &[&file]),
        Content::File => ("attest-blob", &["--statement", &build, &file]),
        Content::Commit => ("attest-blob", &["--statement", &run, &object]),
    };
    let (token, root, config);
    let by: &[&str] = match signer {
        Signer::Identity(generation) => {
            let instance = world.instance(generation)?;
            (root, config) = (instance.at("trusted_root.json"), instance.at("signing_config.json"));
            token = std::fs::read_to_string(world.token_file(instance)?).map_err(|error| format!("can't read a token: {error}"))?;
            &["--identity-token", &token, "--signing-config", &config, "--trusted-root", &root]
        }
        _ => {
            (root, config) = (scene.at("nobody.json"), scene.at("nowhere.json"));
            &["--key", if signer == Signer::Vault { VAULT_KEY } else { &key }, "--signing-config", &config, "--trusted-root", &root]
        }
    };
    let binary = cosign::binary(world.workshop).display().to_string();
    let arguments = [&[verb, "--yes", "--bundle", bundle], by, said].concat();
    let program = match signer {
        Signer::Identity(generation) => world.instance(generation)?.inside(&binary, &arguments),
        Signer::Vault => world.vault()?.let_in(scene.program(&binary, &arguments)),
        Signer::Key => scene.program(&binary, &arguments).with("COSIGN_PASSWORD", cosign::PASSPHRASE),
    };
    Ok(Ok(program.with("TUF_ROOT", scene.at("tuf"))))
}

fn python_verify(world: &World<'_>, content: Content, signer: Signer, bundle: &str, who: Who) -> Asked {
    let Signer::Identity(generation) = signer else { return Ok(Err("verifies certificates only")) };
    let file = world.scene.at(if content == Content::Commit { "commit-object" } else { "demo.tar" });
    let (config, issuer) = (world.instance(generation)?.at("trust_config.json"), issuer());
    let asked = ["--trust-config", &config, "verify", "identity", "--offline", "--bundle", bundle];
    let by = ["--cert-identity", who.email(), "--cert-oidc-issuer", &issuer, &file];
    Ok(Ok(world.scene.program(&python_binary(world), &[&asked[..], &by].concat())))
}

fn python_sign(world: &World<'_>, content: Content, signer: Signer, bundle: &str) -> Asked {
    let Signer::Identity(generation) = signer else { return Ok(Err("signs by an identity only")) };
    let instance = world.instance(generation)?;
    let (config, file, predicate) = (instance.at("trust_config.json"), world.scene.at("demo.tar"), world.scene.at(PLAIN_PREDICATE));
    let said: &[&str] = match content {
        Content::Artifact => &["sign"],
        Content::File => &["attest", "--predicate", &predicate, "--predicate-type", "https://slsa.dev/provenance/v1"],
        Content::Commit => return Ok(Err("states something of files only")),
    };
    let token = std::fs::read_to_string(world.token_file(instance)?).map_err(|error| format!("can't read a token: {error}"))?;
    let with = ["--identity-token", &token, "--overwrite", "--bundle", bundle, &file];
    Ok(Ok(instance.inside(&python_binary(world), &[&["--trust-config", &config], said, &with].concat())))
}

fn python_binary(world: &World<'_>) -> String {
    world.workshop.place(python::FOLDER).join("bin/sigstore").display().to_string()
}

fn js_verify(world: &World<'_>, content: Content, signer: Signer, bundle: &str, who: Who) -> Asked {
    let (file, issuer, key, script) = (world.scene.at("demo.tar"), issuer(), world.key(signer, who), sigstore_js::script(world.workshop)?);
    let Signer::Identity(generation) = signer else {
        return Ok(Ok(world.scene.program("node", &[&script, "verify", bundle, &key])));
    };
    let root = world.instance(generation)?.at("trusted_root.json");
    // It leaves subjects to whoever asks.
    let judged: &[&str] = if content == Content::Artifact { &[&file] } else { &[] };
    let asked = [&script, "verify-keyless", bundle, &root, who.email(), &issuer];
    Ok(Ok(world.scene.program("node", &[&asked[..], judged].concat())))
}

fn js_sign(world: &World<'_>, content: Content, signer: Signer, bundle: &str) -> Asked {
    let (file, key, script) = (said(world, content), world.scene.at("p256.key"), sigstore_js::script(world.workshop)?);
    match signer {
        Signer::Vault => Ok(Err("has no way to Vault")),
        Signer::Key if content == Content::Artifact => Ok(Err("leaves keys to its callers, who sign the bytes themselves")),
        Signer::Key => Ok(Ok(world.scene.program("node", &[&script, "sign", &file, &key, bundle]))),
        Signer::Identity(generation) => {
            let instance = world.instance(generation)?;
            let (config, token) = (instance.at("signing_config.json"), world.token_file(instance)?);
            Ok(Ok(instance.inside("node", &[&script, "sign-keyless", &file, &config, &token, bundle])))
        }
    }
}

fn go_verify(world: &World<'_>, content: Content, signer: Signer, bundle: &str, who: Who) -> Asked {
    let [commit, _] = world.scene.commit_and_tree();
    let judged = if content == Content::Commit { format!("gitCommit:{commit}") } else { world.scene.at("demo.tar") };
    let (issuer, key) = (issuer(), world.key(signer, who));
    let binary = sigstore_go::binary(world.workshop).display().to_string();
    let Signer::Identity(generation) = signer else {
        return Ok(Ok(world.scene.program(&binary, &["verify", bundle, &key, &judged])));
    };
    let root = world.instance(generation)?.at("trusted_root.json");
    Ok(Ok(world.scene.program(&binary, &["verify-keyless", bundle, &root, who.email(), &issuer, &judged])))
}

fn go_sign(world: &World<'_>, content: Content, signer: Signer, bundle: &str) -> Asked {
    let (file, key) = (said(world, content), world.scene.at("p256.key"));
    let binary = sigstore_go::binary(world.workshop).display().to_string();
    match signer {
        Signer::Vault => Ok(Err("has no way to Vault")),
        Signer::Key => Ok(Ok(world.scene.program(&binary, &["sign", &file, &key, bundle]))),
        Signer::Identity(generation) => {
            let instance = world.instance(generation)?;
            let [root, config] = ["trusted_root.json", "signing_config.json"].map(|name| instance.at(name));
            let token = world.token_file(instance)?;
            Ok(Ok(instance.inside(&binary, &["sign-keyless", &file, &root, &config, &token, bundle])))
        }
    }
}

/// Returns what is signed, as a file.
fn said(world: &World<'_>, content: Content) -> String {
    world.scene.at(match content {
        Content::Artifact => "demo.tar",
        Content::File => "statement.json",
        Content::Commit => "run-statement.json",
    })
}
