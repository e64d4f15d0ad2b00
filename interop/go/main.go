// An application and an API in Go: go-oidc and x/oauth2 sign somebody in, go-jwt-middleware guards the API by scope.
//
// Says the address of the authorize request, reads the address of the callback from standard input and says what it got.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/auth0/go-jwt-middleware/v2/jwks"
	"github.com/auth0/go-jwt-middleware/v2/validator"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type settings struct {
	Issuer       string   `json:"issuer"`
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret"`
	Callback     string   `json:"callback"`
	Audience     string   `json:"audience"`
	Scopes       []string `json:"scopes"`
}

func main() {
	var with settings
	must(json.Unmarshal([]byte(os.Args[1]), &with))
	ctx := context.Background()
	provider := must1(oidc.NewProvider(ctx, with.Issuer))
	api := httptest.NewServer(guarded(with))
	defer api.Close()

	token, idToken, refreshed := signIn(ctx, provider, with)
	var claims struct {
		Email string `json:"email"`
	}
	must(idToken.Claims(&claims))
	userInfo := must1(provider.UserInfo(ctx, oauth2.StaticTokenSource(refreshed)))
	machine := must1((&clientcredentials.Config{
		ClientID: with.ClientID, ClientSecret: with.ClientSecret, TokenURL: provider.Endpoint().TokenURL,
		EndpointParams: url.Values{"audience": {with.Audience}},
	}).Token(ctx))

	say(map[string]any{
		"email":   claims.Email,
		"same":    idToken.Subject == userInfo.Subject && userInfo.Email == claims.Email,
		"renewed": refreshed.AccessToken != token.AccessToken,
		"read":    []int{call(api, "GET", token), call(api, "GET", refreshed), call(api, "GET", machine)},
		"delete":  []int{call(api, "DELETE", token), call(api, "DELETE", machine)},
		"none":    call(api, "GET", &oauth2.Token{}),
		"wrong":   call(api, "GET", &oauth2.Token{AccessToken: text(token.Extra("id_token"))}),
		"lasts":   time.Until(machine.Expiry) > time.Hour,
	})
}

// signIn goes the way of a web application: code, PKCE, nonce, and then the refresh token.
func signIn(ctx context.Context, provider *oidc.Provider, with settings) (*oauth2.Token, *oidc.IDToken, *oauth2.Token) {
	config := oauth2.Config{
		ClientID: with.ClientID, ClientSecret: with.ClientSecret, RedirectURL: with.Callback,
		Endpoint: provider.Endpoint(), Scopes: with.Scopes,
	}
	verifier, state, nonce := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()
	say(map[string]any{"authorize": config.AuthCodeURL(state,
		oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce), oauth2.SetAuthURLParam("audience", with.Audience))})
	line := must1(bufio.NewReader(os.Stdin).ReadString('\n'))
	back := must1(url.Parse(strings.TrimSpace(line))).Query()
	if back.Get("state") != state {
		log.Fatalf("another state came back: %v", back)
	}
	token := must1(config.Exchange(ctx, back.Get("code"), oauth2.VerifierOption(verifier)))
	idToken := must1(provider.Verifier(&oidc.Config{ClientID: with.ClientID}).Verify(ctx, text(token.Extra("id_token"))))
	if idToken.Nonce != nonce {
		log.Fatalf("another nonce came back: %s", idToken.Nonce)
	}
	must(idToken.VerifyAccessToken(token.AccessToken))
	refreshed := must1(config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token())
	return token, idToken, refreshed
}

// granted are the claims that the API looks at beside the registered ones.
type granted struct {
	Scope string `json:"scope"`
}

func (granted) Validate(context.Context) error { return nil }

// guarded is an API: reading needs read:contacts, deleting delete:contacts.
func guarded(with settings) http.Handler {
	issuer := must1(url.Parse(with.Issuer))
	keys := jwks.NewCachingProvider(issuer, 5*time.Minute)
	tokens := must1(validator.New(keys.KeyFunc, validator.RS256, issuer.String(), []string{with.Audience},
		validator.WithCustomClaims(func() validator.CustomClaims { return &granted{} })))
	return jwtmiddleware.New(tokens.ValidateToken).CheckJWT(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims := r.Context().Value(jwtmiddleware.ContextKey{}).(*validator.ValidatedClaims)
		scopes := strings.Fields(claims.CustomClaims.(*granted).Scope)
		needed := map[string]string{"GET": "read:contacts", "DELETE": "delete:contacts"}[r.Method]
		if !slices.Contains(scopes, needed) {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
}

func call(api *httptest.Server, method string, token *oauth2.Token) int {
	request := must1(http.NewRequest(method, api.URL, nil))
	if token.AccessToken != "" {
		token.SetAuthHeader(request)
	}
	response := must1(api.Client().Do(request))
	must(response.Body.Close())
	return response.StatusCode
}

func say(message map[string]any) {
	fmt.Println(string(must1(json.Marshal(message))))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func must1[T any](value T, err error) T {
	must(err)
	return value
}

func text(value any) string {
	found, ok := value.(string)
	if !ok {
		log.Fatalf("not a text: %v", value)
	}
	return found
}
