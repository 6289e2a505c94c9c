// ctlog answers what Fulcio asks of a certificate log (RFC 6962 §4.1, §4.2): it signs promises, and keeps nothing.
// Nobody who verifies a bundle asks a certificate log for a proof, so there is no tree behind it.
//
// usage: ctlog ADDRESS PRIVATE-KEY-PEM
package main

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	ct "github.com/google/certificate-transparency-go"
	"github.com/google/certificate-transparency-go/tls"
	ctx509 "github.com/google/certificate-transparency-go/x509"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: ctlog ADDRESS PRIVATE-KEY-PEM")
	}
	key, err := privateKey(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		log.Fatal(err)
	}
	ctlog := ctlog{key: key, id: sha256.Sum256(spki)}
	http.HandleFunc("POST /ct/v1/add-pre-chain", ctlog.answer(ct.PrecertLogEntryType))
	http.HandleFunc("POST /ct/v1/add-chain", ctlog.answer(ct.X509LogEntryType))
	http.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}

type ctlog struct {
	key *ecdsa.PrivateKey
	id  [sha256.Size]byte
}

func (l ctlog) answer(kind ct.LogEntryType) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		promise, err := l.promise(kind, r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("content-type", "application/json")
		if err := json.NewEncoder(w).Encode(promise); err != nil {
			log.Print(err)
		}
	}
}

// promise signs that the chain's first certificate will be logged (§3.2).
func (l ctlog) promise(kind ct.LogEntryType, r *http.Request) (*ct.AddChainResponse, error) {
	var request ct.AddChainRequest
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		return nil, err
	}
	var chain []*ctx509.Certificate
	for _, der := range request.Chain {
		certificate, err := ctx509.ParseCertificate(der)
		if ctx509.IsFatal(err) {
			return nil, err
		}
		chain = append(chain, certificate)
	}
	now := uint64(time.Now().UnixMilli())
	leaf, err := ct.MerkleTreeLeafFromChain(chain, kind, now)
	if err != nil {
		return nil, err
	}
	message, err := ct.SerializeSCTSignatureInput(ct.SignedCertificateTimestamp{SCTVersion: ct.V1, Timestamp: now}, ct.LogEntry{Leaf: *leaf})
	if err != nil {
		return nil, err
	}
	signature, err := tls.CreateSignature(*l.key, tls.SHA256, message)
	if err != nil {
		return nil, err
	}
	bytes, err := tls.Marshal(signature)
	if err != nil {
		return nil, err
	}
	return &ct.AddChainResponse{SCTVersion: ct.V1, ID: l.id[:], Timestamp: now, Signature: bytes}, nil
}

func privateKey(path string) (*ecdsa.PrivateKey, error) {
	bytes, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(bytes)
	if block == nil {
		return nil, fmt.Errorf("%s is not PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, isECDSA := parsed.(*ecdsa.PrivateKey)
	if !isECDSA {
		return nil, fmt.Errorf("%s is no key of ECDSA", path)
	}
	return key, nil
}
