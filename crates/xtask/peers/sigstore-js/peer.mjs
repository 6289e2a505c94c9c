// What `cargo xtask peers sigstore-js` asks of @sigstore/verify and @sigstore/bundle: one question a call, exit 0 for yes.
//   node peer.mjs verify BUNDLE PUBLIC-KEY           verifies a bundle that a key signed, with neither log nor timestamp
//   node peer.mjs sign STATEMENT PRIVATE-KEY OUT     puts a statement into a bundle of its own making
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { bundleFromJSON, bundleToJSON, toDSSEBundle } from '@sigstore/bundle';
import { Verifier, toSignedEntity, toTrustMaterial } from '@sigstore/verify';

const TYPE = 'application/vnd.in-toto+json';
const spki = (key) => createPublicKey(key).export({ type: 'spki', format: 'der' });
const hint = (der) => createHash('sha256').update(der).digest('base64');

function verify(bundle, key) {
  const der = spki(readFileSync(key));
  const nobody = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
  const trust = toTrustMaterial(nobody, { [hint(der)]: { rawBytes: der } });
  const verifier = new Verifier(trust, { ctlogThreshold: 0, tlogThreshold: 0, timestampThreshold: 0 });
  verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(readFileSync(bundle)))));
}

function make(statement, key, out) {
  const artifact = readFileSync(statement);
  const encoded = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${artifact.length} `), artifact]);
  const privateKey = createPrivateKey(readFileSync(key));
  const signature = sign(privateKey.asymmetricKeyType === 'ec' ? 'sha256' : null, encoded, privateKey);
  const bundle = toDSSEBundle({ artifact, artifactType: TYPE, signature, keyHint: hint(spki(privateKey)) });
  writeFileSync(out, JSON.stringify(bundleToJSON(bundle)));
}

const [verb, ...rest] = process.argv.slice(2);
try {
  ({ verify, sign: make })[verb](...rest);
} catch (error) {
  console.error(`${error.code ?? error.name}: ${error.message}`);
  process.exit(1);
}
