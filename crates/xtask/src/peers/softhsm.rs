//! SoftHSM 2, a PKCS#11 module that keeps its tokens in files, as the system has it: keys of every type that signs, made on it by
//! OpenSC's `pkcs11-tool` and used by ours; names that fit several, PINs, and public halves wherever they lie.

use std::path::Path;

use super::report::Report;
use super::scene::Scene;
use super::workshop::Workshop;
use super::{cosign, openssl};
use crate::run::Program;

/// Looks whether it's there; it's installed by the system's own packages.
pub(super) fn obtain(workshop: &Workshop) -> Result<(), String> {
    for (tool, argument) in [("softhsm2-util", "--version"), ("pkcs11-tool", "--list-slots"), ("openssl", "version")] {
        // Nothing is listed without a module, which is an end that isn't a failure to start.
        if !Program::new("sh", &["-c", &format!("command -v {tool} && {tool} {argument}; test $? -lt 126")]).works() {
            return Err(format!("{tool} isn't there; Debian has it in softhsm2, opensc or openssl"));
        }
    }
    module().ok_or("SoftHSM's module isn't where it usually is")?;
    workshop.obtain(FOLDER, "as the system has it", |_| Ok(Vec::new()))
}

/// Asks everything.
pub(super) fn ask(workshop: &Workshop, scene: &Scene, report: &mut Report) -> Result<(), String> {
    let tokens = Tokens::make(scene)?;
    for (kind, _) in TYPES {
        keys_of(&tokens, kind, report)?;
    }
    if workshop.has(cosign::FOLDER) {
        for (kind, _) in TYPES {
            let verified = cosign::judges_build(workshop, scene, kind, &tokens.bundle(kind))?;
            if kind == "secp384r1" {
                report.check("LIMIT of cosign: verifies P-384 by SHA-256 alone", verified.refused("could not verify envelope"));
            } else {
                report.check(&format!("has signed what cosign verifies ({kind})"), verified.accepted().map(drop));
            }
        }
    } else {
        println!("SKIPPED softhsm: what cosign says of its keys: cosign isn't there");
    }
    names(&tokens, report)?;
    pins(&tokens, report)?;
    public_halves(&tokens, report)?;
    keys_that_ask_each_time(&tokens, report)?;
    let observed = "test -z \"$COSIGN_PKCS11_PIN\" && echo made >made.tar";
    let (signer, out) = (tokens.key("object=prime256v1"), tokens.bundle("run"));
    let run = ["run", "--signer", &signer, "--artifact", "made.tar", "--out", &out, "--", "sh", "-c", observed];
    report.check("keeps the PIN from the command that is observed", tokens.let_in(scene.countersign(&run)).answer()?.accepted().map(drop));
    Ok(())
}

/// Two tokens in the scene: one with the keys, one that is only in the way.
struct Tokens<'a> {
    scene: &'a Scene,
    module: &'static str,
}

impl<'a> Tokens<'a> {
    fn make(scene: &'a Scene) -> Result<Self, String> {
        let tokens = Self { scene, module: module().ok_or("SoftHSM's module isn't there any more")? };
        let folder = scene.at("softhsm");
        std::fs::create_dir(&folder).map_err(|error| format!("can't make `{folder}`: {error}"))?;
        scene.write(
            "softhsm2.conf",
            format!("directories.tokendir = {folder}\nobjectstore.backend = file\nlog.level = ERROR\n").as_bytes(),
        )?;
        for label in [TOKEN, "other"] {
            let init = ["--init-token", "--free", "--label", label, "--so-pin", "135790", "--pin", PIN];
            tokens.see(scene.program("softhsm2-util", &init)).output()?;
        }
        for (id, (kind, algorithm)) in TYPES.iter().enumerate() {
            tokens.generate(algorithm, &format!("{id:02x}"), kind, &[])?;
        }
        Ok(tokens)
    }

    /// Makes a key.
    fn generate(&self, algorithm: &str, id: &str, label: &str, more: &[&str]) -> Result<(), String> {
        self.tool(&[&["--login", "--pin", PIN, "--keypairgen", "--key-type", algorithm, "--id", id, "--label", label], more].concat())
    }

    /// Asks OpenSC's tool for something on the token.
    fn tool(&self, arguments: &[&str]) -> Result<(), String> {
        let to = ["--module", self.module, "--token-label", TOKEN];
        self.see(self.scene.program("pkcs11-tool", &[&to[..], arguments].concat())).output().map(drop)
    }

    /// Lets a program see the tokens.
    fn see(&self, program: Program) -> Program {
        program.with("SOFTHSM2_CONF", self.scene.at("softhsm2.conf")).without(PIN_VARIABLE)
    }

    /// Lets a program see the tokens, and know the module and the PIN.
    fn let_in(&self, program: Program) -> Program {
        self.see(program).with("COSIGN_PKCS11_MODULE_PATH", self.module).with(PIN_VARIABLE, PIN)
    }

    /// Names a key on the token that has the keys.
    fn key(&self, attributes: &str) -> String {
        format!("pkcs11:token={TOKEN};{attributes}")
    }

    /// Has a build signed with a key, into `NAME.sigstore.json`.
    fn sign(&self, signer: &str, name: &str) -> Program {
        self.let_in(self.scene.sign_build(signer, &self.bundle(name)))
    }

    /// Asks for a signer's public half.
    fn public(&self, signer: &str) -> Program {
        self.let_in(self.scene.countersign(&["key", "public", signer]))
    }

    fn bundle(&self, name: &str) -> String {
        self.scene.at(&format!("{name}.sigstore.json"))
    }
}

fn keys_of(tokens: &Tokens<'_>, kind: &str, report: &mut Report) -> Result<(), String> {
    let (scene, signer) = (tokens.scene, tokens.key(&format!("object={kind}")));
    let public = tokens.public(&signer).answer()?.accepted()?;
    scene.write(&format!("{kind}.pub"), &public)?;
    report.check(&format!("signs a statement ({kind})"), tokens.sign(&signer, kind).answer()?.accepted().map(drop));
    report.check(&format!("has signed what openssl verifies ({kind})"), openssl::verifies(scene, kind));
    report.check(&format!("has signed what we allow ({kind})"), scene.allows(&tokens.bundle(kind), kind));
    report.check(&format!("has signed what we deny for another file ({kind})"), scene.denies_another_file(&tokens.bundle(kind), kind));
    Ok(())
}

/// Exactly one key is meant, or none signs.
fn names(tokens: &Tokens<'_>, report: &mut Report) -> Result<(), String> {
    let refused = |signer: &str, words: &str| tokens.sign(signer, "refused").answer()?.refused(words);
    report.check("signs nothing by a label that no key has", refused(&tokens.key("object=nobody"), "error[signer-refused]"));
    report.check("signs nothing on a token that isn't there", refused("pkcs11:token=nowhere;object=prime256v1", "error[signer-refused]"));
    report.check("signs nothing where two tokens could be meant", refused("pkcs11:object=prime256v1", "fits several tokens"));
    let nowhere = tokens.key("object=prime256v1?module-path=/nowhere/module.so");
    report.check("signs nothing by a module that isn't there", refused(&nowhere, "error[signer-unconfigured]"));
    // A key is rotated: the newer one has its label.
    tokens.generate("EC:prime256v1", "f0", "prime256v1", &[])?;
    report.check("signs nothing where two keys are of one label", refused(&tokens.key("object=prime256v1"), "fits several private keys"));
    for (id, name) in [("%00", "older"), ("%f0", "newer")] {
        let signer = tokens.key(&format!("object=prime256v1;id={id};type=private"));
        let public = tokens.public(&signer).answer()?.accepted()?;
        tokens.scene.write(&format!("{name}.pub"), &public)?;
        tokens.sign(&signer, name).output()?;
        report.check(&format!("signs with the key of that id ({name})"), tokens.scene.allows(&tokens.bundle(name), name));
    }
    let is_same = tokens.scene.read("older.pub")? == tokens.scene.read("prime256v1.pub")?;
    report.check("has the older key beside the newer one", is_same.then_some(()).ok_or("it's another".to_owned()));
    report.check(
        "has signed with the older what the newer doesn't verify",
        tokens.scene.denies("demo.tar", &tokens.bundle("prime256v1"), "newer", "signer-unknown"),
    );
    tokens.tool(&["--login", "--pin", PIN, "--delete-object", "--type", "privkey", "--id", "f0"])
}

/// Wherever the PIN comes from, it's told nowhere.
fn pins(tokens: &Tokens<'_>, report: &mut Report) -> Result<(), String> {
    let (scene, signer) = (tokens.scene, tokens.key("object=prime256v1"));
    let sign = |signer: &str| tokens.sign(signer, "by-pin").without(PIN_VARIABLE);
    report.check("signs nothing without a PIN", sign(&signer).answer()?.refused("`COSIGN_PKCS11_PIN` isn't set"));
    for (pin, told) in [("999999", "the token refuses the PIN"), (&"9".repeat(300), "the token refuses the PIN")] {
        let refused = sign(&signer).with(PIN_VARIABLE, pin).answer()?;
        report.check(&format!("refuses a wrong PIN of {} digits, which isn't told", pin.len()), refused.refused_without(told, pin));
    }
    let refused = sign(&format!("{signer}?pin-value=999999")).answer()?;
    report.check("refuses a wrong PIN in the URI, which isn't told", refused.refused_without("the token refuses the PIN", "999999"));
    report.check("takes a PIN in the URI", sign(&format!("{signer}?pin-value={PIN}")).answer()?.accepted().map(drop));
    scene.write("pin", format!("{PIN}\n").as_bytes())?;
    let from_file = format!("{signer}?pin-source=file:{}", scene.at("pin"));
    report.check("takes a PIN from a file, and the module from the URI", {
        let with_module = format!("{from_file}&module-path={}", tokens.module);
        sign(&with_module).without("COSIGN_PKCS11_MODULE_PATH").answer()?.accepted().map(drop)
    });
    scene.write("pin", b"\n")?;
    report.check("takes no PIN from a file that holds none", sign(&from_file).answer()?.refused("holds no PIN"));
    Ok(())
}

/// Private keys don't always show what belongs to them.
fn public_halves(tokens: &Tokens<'_>, report: &mut Report) -> Result<(), String> {
    let scene = tokens.scene;
    let delete = |id: &str| tokens.tool(&["--login", "--pin", PIN, "--delete-object", "--type", "pubkey", "--id", id]);
    let is_same = |signer: &str, key: &str| -> Result<(), String> {
        let is_same = tokens.public(signer).answer()?.accepted()? == scene.read(&format!("{key}.pub"))?;
        is_same.then_some(()).ok_or("it's another".to_owned())
    };
    delete("03")?;
    report.check("tells of an RSA key its public half without a public key beside it", is_same(&tokens.key("object=rsa-2048"), "rsa-2048"));
    delete("01")?;
    let p384 = tokens.key("object=secp384r1");
    let answer = tokens.public(&p384).answer()?;
    report.check("tells no public half of an elliptic curve's where none lies beside it", answer.refused("no public half"));
    certify(scene, "secp384r1")?;
    tokens.tool(&["--login", "--pin", PIN, "--write-object", &scene.at("certificate.der"), "--type", "cert", "--id", "01"])?;
    report.check("tells the public half that a certificate beside the key holds", is_same(&p384, "secp384r1"));
    certify(scene, "rsa-2048")?;
    tokens.tool(&["--login", "--pin", PIN, "--write-object", &scene.at("certificate.der"), "--type", "cert", "--id", "01"])?;
    report.check("tells none where two certificates disagree", tokens.public(&p384).answer()?.refused("several public halves"));
    Ok(())
}

/// Has openssl certify somebody's public half, `KEY.pub`, into `certificate.der`.
fn certify(scene: &Scene, key: &str) -> Result<(), String> {
    let script = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -subj /CN=ca -out ca.pem \
        && openssl req -new -key ca.key -subj /CN=key -out key.csr \
        && openssl x509 -req -in key.csr -force_pubkey \"$1\" -CA ca.pem -CAkey ca.key -set_serial \"$2\" -outform DER -out certificate.der";
    let (public, serial) = (scene.at(&format!("{key}.pub")), key.len().to_string());
    scene.program("sh", &["-euc", script, "sh", &public, &serial]).within(Path::new(&scene.at(""))).output().map(drop)
}

/// Keys that want the PIN before each signature (CKA_ALWAYS_AUTHENTICATE), such as those of smart cards for signing.
fn keys_that_ask_each_time(tokens: &Tokens<'_>, report: &mut Report) -> Result<(), String> {
    tokens.generate("RSA:2048", "a0", "asks", &["--always-auth"])?;
    let signer = tokens.key("object=asks");
    tokens.scene.write("asks.pub", &tokens.public(&signer).answer()?.accepted()?)?;
    tokens.sign(&signer, "asks").output()?;
    report.check("signs with a key that asks for the PIN each time", tokens.scene.allows(&tokens.bundle("asks"), "asks"));
    tokens.generate("EC:prime256v1", "a1", "asks-ec", &["--always-auth"])?;
    report.check(
        "LIMIT of SoftHSM: doesn't hash for keys of elliptic curves, so none of them can ask each time",
        tokens.sign(&tokens.key("object=asks-ec"), "asks-ec").answer()?.refused("CKR_MECHANISM_INVALID"),
    );
    Ok(())
}

/// Returns where distributions put it.
fn module() -> Option<&'static str> {
    [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib/libsofthsm2.so",
        "/opt/homebrew/lib/softhsm/libsofthsm2.so",
    ]
    .into_iter()
    .find(|path| Path::new(path).is_file())
}

/// The labels of keys, in the order of their ids, and what OpenSC calls their types.
const TYPES: [(&str, &str); 6] = [
    ("prime256v1", "EC:prime256v1"),
    ("secp384r1", "EC:secp384r1"),
    ("edwards25519", "EC:edwards25519"),
    ("rsa-2048", "RSA:2048"),
    ("rsa-3072", "RSA:3072"),
    ("rsa-4096", "RSA:4096"),
];
/// Where it's said that it was there.
pub(super) const FOLDER: &str = "softhsm-2";
const TOKEN: &str = "peers";
const PIN: &str = "648219";
const PIN_VARIABLE: &str = "COSIGN_PKCS11_PIN";
