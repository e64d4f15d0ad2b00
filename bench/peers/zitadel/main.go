// The example server of zitadel/oidc, everything in its memory, with JWT access tokens and a key of the algorithm asked for.
//
//	zitadel PORT ALGORITHM
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"log"
	"log/slog"
	"net/http"
	"os"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

func main() {
	port, algorithm := os.Args[1], jose.SignatureAlgorithm(os.Args[2])
	issuer := "http://localhost:" + port + "/"
	storage.RegisterClients(storage.WebClient("bench", os.Getenv("BENCH_SECRET"), os.Getenv("BENCH_CALLBACK")))
	key, err := newKey(algorithm)
	if err != nil {
		log.Fatal(err)
	}
	store := &store{storage.NewStorage(storage.NewUserStore(issuer)), key}
	// Its lines of log, one for each request and more, go nowhere.
	router := exampleop.SetupServer(issuer, store, slog.New(slog.DiscardHandler), false)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, router))
}

// store is the example's, with another key, and clients that get JWTs.
type store struct {
	*storage.Storage
	key *key
}

func (s *store) SigningKey(context.Context) (op.SigningKey, error) { return s.key, nil }

func (s *store) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{s.key.algorithm}, nil
}

func (s *store) KeySet(context.Context) ([]op.Key, error) { return []op.Key{&publicKey{s.key}}, nil }

func (s *store) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	found, err := s.Storage.GetClientByClientID(ctx, id)
	return client{found}, err
}

func (s *store) ClientCredentials(ctx context.Context, id, secret string) (op.Client, error) {
	found, err := s.Storage.ClientCredentials(ctx, id, secret)
	return client{found}, err
}

type client struct{ op.Client }

func (client) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }

type key struct {
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
}

func newKey(algorithm jose.SignatureAlgorithm) (*key, error) {
	if algorithm == jose.ES256 {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		return &key{algorithm, private}, err
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	return &key{algorithm, private}, err
}

func (k *key) ID() string                                  { return "bench" }
func (k *key) SignatureAlgorithm() jose.SignatureAlgorithm { return k.algorithm }
func (k *key) Key() any                                    { return k.private }

type publicKey struct{ of *key }

func (k *publicKey) ID() string                         { return k.of.ID() }
func (k *publicKey) Algorithm() jose.SignatureAlgorithm { return k.of.algorithm }
func (k *publicKey) Use() string                        { return "sig" }
func (k *publicKey) Key() any                           { return k.of.private.Public() }
