// Vault's own core and transit engine, without anything else: in memory, unsealed, on a loopback address, by TLS.
// usage: vault 127.0.0.1:8200 ca.pem; what vouches for its certificate is written to the file, and the root token printed.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: vault ADDRESS CA")
	}
	log.Fatal(serve(os.Args[1], os.Args[2]))
}

func serve(address, authority string) error {
	certificate, err := certify(authority)
	if err != nil {
		return err
	}
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn})
	storage, err := inmem.NewInmem(nil, logger)
	if err != nil {
		return err
	}
	core, err := vault.NewCore(&vault.CoreConfig{
		Physical:        storage,
		DisableMlock:    true,
		Logger:          logger,
		RedirectAddr:    "http://" + address,
		BuiltinRegistry: transitOnly{},
		LogicalBackends: map[string]logical.Factory{"transit": transit.Factory},
	})
	if err != nil {
		return err
	}
	one := &vault.SealConfig{SecretShares: 1, SecretThreshold: 1}
	made, err := core.Initialize(context.Background(), &vault.InitParams{BarrierConfig: one, RecoveryConfig: &vault.SealConfig{}})
	if err != nil {
		return err
	}
	if _, err := core.Unseal(made.SecretShares[0]); err != nil {
		return err
	}
	fmt.Println(made.RootToken)
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{Core: core, ListenerConfig: &configutil.Listener{}})
	server := http.Server{Addr: address, Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}}
	return server.ListenAndServeTLS("", "")
}

// certify makes a certificate for the loopback address, and writes down who vouches for it.
func certify(authority string) (tls.Certificate, error) {
	var none tls.Certificate
	now := time.Now()
	issue := func(number int64, name string, key *ecdsa.PrivateKey, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, error) {
		draft := &x509.Certificate{
			SerialNumber:          big.NewInt(number),
			Subject:               pkix.Name{CommonName: name},
			NotBefore:             now.Add(-time.Hour),
			NotAfter:              now.Add(24 * time.Hour),
			BasicConstraintsValid: true,
			IsCA:                  parent == nil,
		}
		if parent == nil {
			parent = draft
		} else {
			draft.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
			draft.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}
		der, err := x509.CreateCertificate(rand.Reader, draft, parent, key.Public(), by)
		if err != nil {
			return nil, err
		}
		return x509.ParseCertificate(der)
	}
	ours, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, err
	}
	theirs, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return none, err
	}
	ca, err := issue(1, "peers", ours, nil, ours)
	if err != nil {
		return none, err
	}
	leaf, err := issue(2, "vault", theirs, ca, ours)
	if err != nil {
		return none, err
	}
	written := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	return tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: theirs}, os.WriteFile(authority, written, 0o644)
}

// transitOnly is the registry of built-in plugins, of which there is one.
type transitOnly struct{}

func (transitOnly) Contains(name string, kind consts.PluginType) bool {
	return name == "transit" && kind == consts.PluginTypeSecrets
}

func (registry transitOnly) Get(name string, kind consts.PluginType) (func() (interface{}, error), bool) {
	return func() (interface{}, error) { return transit.Factory, nil }, registry.Contains(name, kind)
}

func (transitOnly) Keys(consts.PluginType) []string { return []string{"transit"} }

func (registry transitOnly) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, registry.Contains(name, kind)
}

func (transitOnly) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
