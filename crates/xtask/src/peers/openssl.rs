//! What openssl says of a signature that we put into a bundle: it knows nothing of bundles, and is given the bytes that are signed.
//! Who made the key stands with the peers.

use countersign::bundle::Bundle;
use countersign::envelope::pae;
use countersign::identity::{KeyType, PublicKey};
use countersign::json::Json;
use countersign::statement::PAYLOAD_TYPE;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::scene::Scene;

/// Holds if openssl verifies the bundle `NAME.sigstore.json` by `NAME.pub`.
pub(super) fn verifies(scene: &Scene, name: &str) -> Result<(), String> {
    let bundle = Bundle::parse(&scene.read(&format!("{name}.sigstore.json"))?).map_err(|error| error.to_string())?;
    let json = Json::parse(bundle.bytes()).map_err(|error| error.to_string())?;
    let signature = json.pointer("/dsseEnvelope/signatures/0/sig").and_then(Json::as_str).unwrap_or_default();
    let signature = STANDARD.decode(signature).map_err(|error| error.to_string())?;
    let [key, signed, signature_file] = [format!("{name}.pub"), format!("{name}.pae"), format!("{name}.sig")];
    scene.write(&signed, &pae(PAYLOAD_TYPE, bundle.unverified_payload()))?;
    scene.write(&signature_file, &signature)?;
    let public = PublicKey::from_pem(&String::from_utf8_lossy(&scene.read(&key)?)).map_err(|error| error.to_string())?;
    let [key, signed, signature] = [key, signed, signature_file].map(|file| scene.at(&file));
    let asked = match public.key_type() {
        KeyType::Ed25519 => vec!["pkeyutl", "-verify", "-pubin", "-inkey", &key, "-rawin", "-sigfile", &signature, "-in", &signed],
        KeyType::P384 => vec!["dgst", "-sha384", "-verify", &key, "-signature", &signature, &signed],
        _ => vec!["dgst", "-sha256", "-verify", &key, "-signature", &signature, &signed],
    };
    scene.program("openssl", &asked).answer()?.accepted().map(drop)
}
