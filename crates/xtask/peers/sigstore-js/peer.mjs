// What `cargo xtask peers` asks of @sigstore/verify, @sigstore/bundle and @sigstore/sign: one question a call, exit 0 for yes.
//   node peer.mjs verify BUNDLE PUBLIC-KEY           verifies a bundle that a key signed, with neither log nor timestamp
//   node peer.mjs sign STATEMENT PRIVATE-KEY OUT     puts a statement into a bundle of its own making
//   node peer.mjs verify-keyless BUNDLE TRUSTED-ROOT SUBJECT ISSUER [ARTIFACT]   verifies one with a certificate, an entry and a time
//   node peer.mjs sign-keyless FILE SIGNING-CONFIG TOKEN-FILE OUT   signs a statement (.json) or an artifact with those services
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { bundleFromJSON, bundleToJSON, toDSSEBundle } from '@sigstore/bundle';
import { TrustedRoot } from '@sigstore/protobuf-specs';
import { DSSEBundleBuilder, FulcioSigner, MessageSignatureBundleBuilder, RekorWitness, TSAWitness } from '@sigstore/sign';
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

function verifyKeyless(bundle, root, subject, issuer, artifact) {
  const trust = toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(readFileSync(root))));
  const verifier = new Verifier(trust, { ctlogThreshold: 1, tlogThreshold: 1, timestampThreshold: 1 });
  const entity = toSignedEntity(bundleFromJSON(JSON.parse(readFileSync(bundle))), artifact && readFileSync(artifact));
  verifier.verify(entity, { subjectAlternativeName: subject, extensions: { issuer } });
}

async function signKeyless(file, config, token, out) {
  const { caUrls, rekorTlogUrls, tsaUrls = [] } = JSON.parse(readFileSync(config));
  const identityProvider = { getToken: async () => readFileSync(token, 'utf8') };
  const signer = new FulcioSigner({ fulcioBaseURL: caUrls[0].url, identityProvider });
  const witnesses = rekorTlogUrls.map(
    ({ url, majorApiVersion }) => new RekorWitness({ rekorBaseURL: url, majorApiVersion }),
  );
  // The witness adds the path of its own accord.
  witnesses.push(...tsaUrls.map(({ url }) => new TSAWitness({ tsaBaseURL: new URL(url).origin })));
  const statement = file.endsWith('.json');
  const builder = new (statement ? DSSEBundleBuilder : MessageSignatureBundleBuilder)({ signer, witnesses });
  const made = await builder.create({ data: readFileSync(file), type: statement ? TYPE : undefined });
  writeFileSync(out, JSON.stringify(bundleToJSON(made)));
}

const [verb, ...rest] = process.argv.slice(2);
try {
  await { verify, sign: make, 'verify-keyless': verifyKeyless, 'sign-keyless': signKeyless }[verb](...rest);
} catch (error) {
  console.error(`${error.code ?? error.name}: ${error.message} ${error.cause?.message ?? ''}`.trim());
  process.exit(1);
}
