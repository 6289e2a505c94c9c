// issuer is an identity provider for whoever asks (OpenID Connect Discovery 1.0, RFC 7519): GET /token?CLAIM=VALUE
// gives a token that says so, and that holds for `lasts` seconds (600). It's worth what a loopback address is worth.
//
// usage: issuer ADDRESS
package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"net/http"
	"os"
	"strconv"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: issuer ADDRESS")
	}
	// The only algorithm that every relying party takes (Discovery §3, id_token_signing_alg_values_supported).
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		log.Fatal(err)
	}
	address := "http://" + os.Args[1]
	http.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{
			"issuer": address, "jwks_uri": address + "/keys", "authorization_endpoint": address + "/auth",
			"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	http.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"keys": []map[string]string{{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one",
			"n": text(key.N.Bytes()), "e": text(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	http.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		now := time.Now().Unix()
		claims := map[string]any{"iss": address, "aud": "sigstore", "sub": "agent", "iat": now, "nbf": now - 5, "exp": now + 600}
		for name, values := range r.URL.Query() {
			if seconds, err := strconv.ParseInt(values[0], 10, 32); name == "lasts" && err == nil {
				claims["exp"] = now + seconds
				continue
			}
			claims[name] = values[0]
			if name == "email" {
				claims["email_verified"] = true
			}
		}
		token, err := signed(key, claims)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		// As a pipeline's own endpoint answers its jobs, and as it's read by hand.
		if r.Header.Get("accept") == "application/json" {
			answer(w, map[string]any{"value": token})
		} else {
			fmt.Fprint(w, token)
		}
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}

// signed writes a token in its compact form (RFC 7515 §7.1).
func signed(key *rsa.PrivateKey, claims map[string]any) (string, error) {
	header, err := json.Marshal(map[string]string{"alg": "RS256", "kid": "one", "typ": "JWT"})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	message := text(header) + "." + text(body)
	hash := sha256.Sum256([]byte(message))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, hash[:])
	if err != nil {
		return "", err
	}
	return message + "." + text(signature), nil
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("content-type", "application/json")
	if err := json.NewEncoder(w).Encode(value); err != nil {
		log.Print(err)
	}
}

func text(bytes []byte) string {
	return base64.RawURLEncoding.EncodeToString(bytes)
}
