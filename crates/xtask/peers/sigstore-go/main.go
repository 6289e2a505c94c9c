// What `cargo xtask peers` asks of sigstore-go: one question a call, exit 0 for yes.
//
//	sigstore-go verify BUNDLE PUBLIC-KEY [ARTIFACT]                           with neither log nor timestamp
//	sigstore-go sign FILE PRIVATE-KEY OUT                                     with neither log nor timestamp
//	sigstore-go verify-keyless BUNDLE TRUSTED-ROOT SUBJECT ISSUER ARTIFACT    with a log entry and a time
//	sigstore-go sign-keyless FILE TRUSTED-ROOT SIGNING-CONFIG TOKEN-FILE OUT
//
// ARTIFACT is a file, or ALGORITHM:HEX. A FILE that ends with .json is a statement, any other an artifact.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/sign"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/protobuf/encoding/protojson"
)

func main() {
	if err := answer(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answer(a []string) error {
	switch {
	case len(a) == 3 && a[0] == "verify":
		return verifyKey(a[1], a[2], verify.WithoutArtifactUnsafe())
	case len(a) == 4 && a[0] == "verify":
		artifact, err := judged(a[3])
		if err != nil {
			return err
		}
		return verifyKey(a[1], a[2], artifact)
	case len(a) == 4 && a[0] == "sign":
		return signKey(a[1], a[2], a[3])
	case len(a) == 6 && a[0] == "verify-keyless":
		return verifyKeyless(a[1], a[2], a[3], a[4], a[5])
	case len(a) == 6 && a[0] == "sign-keyless":
		return signKeyless(a[1], a[2], a[3], a[4], a[5])
	}
	return errors.New("usage: see the head of main.go")
}

func judged(artifact string) (verify.ArtifactPolicyOption, error) {
	if algorithm, digits, isDigest := strings.Cut(artifact, ":"); isDigest {
		digest, err := hex.DecodeString(digits)
		if err != nil {
			return nil, err
		}
		return verify.WithArtifactDigest(algorithm, digest), nil
	}
	file, err := os.Open(artifact)
	if err != nil {
		return nil, err
	}
	return verify.WithArtifact(file), nil
}

func verifyKey(path, key string, artifact verify.ArtifactPolicyOption) error {
	der, err := der(key)
	if err != nil {
		return err
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return err
	}
	verifier, err := signature.LoadDefaultVerifier(public)
	if err != nil {
		return err
	}
	keys := root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(verifier, time.Time{}, time.Time{}), nil
	})
	return verified(path, keys, verify.NewPolicy(artifact, verify.WithKey()), verify.WithNoObserverTimestamps())
}

func verifyKeyless(path, trustedRoot, subject, issuer, artifact string) error {
	trusted, err := root.NewTrustedRootFromPath(trustedRoot)
	if err != nil {
		return err
	}
	who, err := verify.NewShortCertificateIdentity(issuer, "", subject, "")
	if err != nil {
		return err
	}
	what, err := judged(artifact)
	if err != nil {
		return err
	}
	return verified(path, trusted, verify.NewPolicy(what, verify.WithCertificateIdentity(who)),
		verify.WithSignedCertificateTimestamps(1), verify.WithTransparencyLog(1), verify.WithObserverTimestamps(1))
}

func verified(path string, trusted root.TrustedMaterial, policy verify.PolicyBuilder, options ...verify.VerifierOption) error {
	read, err := bundle.LoadJSONFromPath(path)
	if err != nil {
		return err
	}
	verifier, err := verify.NewVerifier(trusted, options...)
	if err != nil {
		return err
	}
	_, err = verifier.Verify(read, policy)
	return err
}

func signKey(file, key, out string) error {
	der, err := der(key)
	if err != nil {
		return err
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return err
	}
	signer, signs := private.(crypto.Signer)
	if !signs {
		return errors.New("the key doesn't sign")
	}
	return signed(file, keypair{signer}, sign.BundleOptions{}, out)
}

func signKeyless(file, trustedRoot, signingConfig, tokenFile, out string) error {
	trusted, err := root.NewTrustedRootFromPath(trustedRoot)
	if err != nil {
		return err
	}
	config, err := root.NewSigningConfigFromPath(signingConfig)
	if err != nil {
		return err
	}
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return err
	}
	key, err := sign.NewEphemeralKeypair(nil)
	if err != nil {
		return err
	}
	authority, err := root.SelectService(config.FulcioCertificateAuthorityURLs(), sign.FulcioAPIVersions, time.Now())
	if err != nil {
		return err
	}
	options := sign.BundleOptions{
		TrustedRoot:                trusted,
		CertificateProvider:        sign.NewFulcio(&sign.FulcioOptions{BaseURL: authority.URL, Timeout: patience}),
		CertificateProviderOptions: &sign.CertificateProviderOptions{IDToken: string(token)},
	}
	logs, err := root.SelectServices(config.RekorLogURLs(), config.RekorLogURLsConfig(), sign.RekorAPIVersions, time.Now())
	if err != nil {
		return err
	}
	for _, log := range logs {
		options.TransparencyLogs = append(options.TransparencyLogs,
			sign.NewRekor(&sign.RekorOptions{BaseURL: log.URL, Timeout: patience, Version: log.MajorAPIVersion}))
	}
	if len(config.TimestampAuthorityURLs()) > 0 {
		stamps, err := root.SelectServices(
			config.TimestampAuthorityURLs(), config.TimestampAuthorityURLsConfig(), sign.TimestampAuthorityAPIVersions, time.Now())
		if err != nil {
			return err
		}
		for _, stamp := range stamps {
			options.TimestampAuthorities = append(options.TimestampAuthorities,
				sign.NewTimestampAuthority(&sign.TimestampAuthorityOptions{URL: stamp.URL, Timeout: patience}))
		}
	}
	return signed(file, key, options, out)
}

func signed(file string, key sign.Keypair, options sign.BundleOptions, out string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var content sign.Content = &sign.PlainData{Data: data}
	if strings.HasSuffix(file, ".json") {
		content = &sign.DSSEData{Data: data, PayloadType: "application/vnd.in-toto+json"}
	}
	made, err := sign.Bundle(content, key, options)
	if err != nil {
		return err
	}
	json, err := protojson.Marshal(made)
	if err != nil {
		return err
	}
	return os.WriteFile(out, json, 0o600)
}

// keypair is a key that lies in a file; sigstore-go itself makes only keys that are used once.
type keypair struct{ crypto.Signer }

func (k keypair) details() common.PublicKeyDetails {
	if _, isEdwards := k.Public().(ed25519.PublicKey); isEdwards {
		return common.PublicKeyDetails_PKIX_ED25519
	}
	return common.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256
}

func (k keypair) GetHashAlgorithm() common.HashAlgorithm       { return common.HashAlgorithm_SHA2_256 }
func (k keypair) GetSigningAlgorithm() common.PublicKeyDetails { return k.details() }
func (k keypair) GetPublicKey() crypto.PublicKey               { return k.Public() }

func (k keypair) GetKeyAlgorithm() string {
	if _, isCurve := k.Public().(*ecdsa.PublicKey); isCurve {
		return "ECDSA"
	}
	return "ED25519"
}

func (k keypair) GetHint() []byte {
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		return nil
	}
	hash := sha256.Sum256(der)
	return []byte(base64.StdEncoding.EncodeToString(hash[:]))
}

func (k keypair) GetPublicKeyPem() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), err
}

// SignData returns the signature, and what was handed to the key.
func (k keypair) SignData(_ context.Context, data []byte) ([]byte, []byte, error) {
	hash := sha256.Sum256(data)
	if k.GetKeyAlgorithm() == "ED25519" {
		made, err := k.Sign(rand.Reader, data, crypto.Hash(0))
		return made, hash[:], err
	}
	made, err := k.Sign(rand.Reader, hash[:], crypto.SHA256)
	return made, hash[:], err
}

func der(path string) ([]byte, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(bytes)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", path)
	}
	return block.Bytes, nil
}

const patience = 30 * time.Second
