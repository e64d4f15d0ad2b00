// Code that protects a route of this API, with its identifier, issuer and scopes filled in.
import type { Api } from '../data.ts';
import axumVerifier from '../../../../../../examples/axum-api/src/token.rs?raw';

export interface Facts {
  issuer: string;
  audience: string;
  algorithm: string;
  /** The scope that the shown routes look for: the first, and another where there is one. */
  first: string;
  second: string;
}

export interface Snippet {
  /** File name, or what to type. */
  name: string;
  text: string;
}

export interface Quickstart {
  id: string;
  label: string;
  snippets: (facts: Facts) => Snippet[];
}

export function factsOf(api: Api, issuer: string): Facts {
  const [first = 'read:things', second = first] = (api.scopes ?? []).map(({ value }) => value);
  return { issuer, audience: api.identifier, algorithm: api.signing_alg ?? 'RS256', first, second };
}

/** A text within quotes, in any of the languages here. */
const q = (text: string) => JSON.stringify(text);

export const QUICKSTARTS: Quickstart[] = [
  {
    id: 'express',
    label: 'Express',
    snippets: ({ issuer, audience, algorithm, first, second }) => [
      { name: 'Terminal', text: 'npm install express express-oauth2-jwt-bearer' },
      {
        name: 'server.js',
        text: `import express from 'express';
import { auth, requiredScopes } from 'express-oauth2-jwt-bearer';

const app = express();

// Signature, issuer, audience and expiry. The keys are found through the issuer's discovery document.
app.use(auth({ issuerBaseURL: ${q(issuer)}, audience: ${q(audience)}, tokenSigningAlg: ${q(algorithm)} }));

app.get('/things', requiredScopes(${q(first)}), (request, response) => {
  response.json({ calledBy: request.auth.payload.sub });
});

app.post('/things', requiredScopes(${q(second)}), (request, response) => {
  response.status(201).json({});
});

app.listen(3001);
`,
      },
    ],
  },
  {
    id: 'axum',
    label: 'Rust, axum',
    snippets: ({ issuer, audience, algorithm, first, second }) => [
      {
        name: 'Terminal',
        text: `cargo add axum --features macros
cargo add jsonwebtoken@11 --no-default-features --features aws_lc_rs
cargo add reqwest --no-default-features --features json,rustls
cargo add serde --features derive
cargo add serde_json
cargo add tokio --features macros,net,rt-multi-thread,sync`,
      },
      {
        name: 'src/main.rs',
        text: `mod token;

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use token::{AccessToken, Refusal, Verifier};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let verifier = Verifier::discover(${q(issuer)}, ${q(audience)}).await?;
    let routes = Router::new().route("/things", get(list).post(create)).with_state(Arc::new(verifier));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3001").await?;
    Ok(axum::serve(listener, routes).await?)
}

async fn list(token: AccessToken) -> Result<Json<Value>, Refusal> {
    token.require(${q(first)})?;
    Ok(Json(json!([])))
}

async fn create(token: AccessToken) -> Result<Json<Value>, Refusal> {
    token.require(${q(second)})?;
    Ok(Json(json!({})))
}
`,
      },
      { name: 'src/token.rs', text: axumVerifier.replace('Algorithm::RS256', `Algorithm::${algorithm}`) },
    ],
  },
  {
    id: 'fastapi',
    label: 'Python, FastAPI',
    snippets: ({ issuer, audience, algorithm, first, second }) => [
      { name: 'Terminal', text: "pip install 'fastapi[standard]' 'pyjwt[crypto]'" },
      {
        name: 'main.py',
        text: `from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

ISSUER = ${q(issuer)}
AUDIENCE = ${q(audience)}

app = FastAPI()
keys = jwt.PyJWKClient(f"{ISSUER}.well-known/jwks.json")


def access_token(
    required: SecurityScopes,
    sent: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> dict:
    try:
        key = keys.get_signing_key_from_jwt(sent.credentials)
        claims = jwt.decode(
            sent.credentials, key, algorithms=[${q(algorithm)}], issuer=ISSUER, audience=AUDIENCE,
            options={"require": ["exp", "iss", "aud"]},
        )
    except jwt.PyJWTError:
        raise HTTPException(401, "invalid_token", {"WWW-Authenticate": 'Bearer error="invalid_token"'})
    granted = claims.get("scope", "").split()
    if any(scope not in granted for scope in required.scopes):
        challenge = f'Bearer error="insufficient_scope", scope="{required.scope_str}"'
        raise HTTPException(403, "insufficient_scope", {"WWW-Authenticate": challenge})
    return claims


@app.get("/things")
def list_things(token: Annotated[dict, Security(access_token, scopes=[${q(first)}])]):
    return {"called_by": token["sub"]}


@app.post("/things")
def create_thing(token: Annotated[dict, Security(access_token, scopes=[${q(second)}])]):
    return {}
`,
      },
      { name: 'Terminal', text: 'fastapi dev main.py' },
    ],
  },
  {
    id: 'go',
    label: 'Go',
    snippets: ({ issuer, audience, algorithm, first, second }) => [
      { name: 'Terminal', text: 'go get github.com/golang-jwt/jwt/v5 github.com/MicahParks/keyfunc/v3' },
      {
        name: 'main.go',
        text: `package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strings"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

const (
	issuer   = ${q(issuer)}
	audience = ${q(audience)}
)

type claims struct {
	Scope string \`json:"scope"\`
	jwt.RegisteredClaims
}

func main() {
	keys, err := keyfunc.NewDefaultCtx(context.Background(), []string{issuer + ".well-known/jwks.json"})
	if err != nil {
		log.Fatal(err)
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{${q(algorithm)}}),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience), jwt.WithExpirationRequired(),
	)

	// Runs the handler where the request carries a good token with the scope.
	requires := func(scope string, handler http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			var token claims
			if _, err := parser.ParseWithClaims(text, &token, keys.Keyfunc); err != nil || !strings.EqualFold(scheme, "Bearer") {
				w.Header().Set("WWW-Authenticate", \`Bearer error="invalid_token"\`)
				http.Error(w, "invalid_token", http.StatusUnauthorized)
				return
			}
			if !slices.Contains(strings.Fields(token.Scope), scope) {
				w.Header().Set("WWW-Authenticate", fmt.Sprintf("Bearer error=\\"insufficient_scope\\", scope=%q", scope))
				http.Error(w, "insufficient_scope", http.StatusForbidden)
				return
			}
			handler(w, r)
		}
	}

	http.HandleFunc("GET /things", requires(${q(first)}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "[]")
	}))
	http.HandleFunc("POST /things", requires(${q(second)}, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
	}))
	log.Fatal(http.ListenAndServe("127.0.0.1:3001", nil))
}
`,
      },
    ],
  },
  {
    id: 'spring',
    label: 'Java, Spring',
    snippets: ({ issuer, audience, algorithm, first, second }) => [
      {
        name: 'build.gradle',
        text: `implementation 'org.springframework.boot:spring-boot-starter-web'
implementation 'org.springframework.boot:spring-boot-starter-oauth2-resource-server'`,
      },
      {
        name: 'application.yml',
        text: `spring:
  security:
    oauth2:
      resourceserver:
        jwt:
          issuer-uri: ${issuer}
          audiences: ${audience}
          jws-algorithms: ${algorithm}
`,
      },
      {
        name: 'SecurityConfig.java',
        text: `import static org.springframework.security.config.Customizer.withDefaults;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpMethod;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;

@Configuration
class SecurityConfig {
    // Each scope of the token is an authority with SCOPE_ before it.
    @Bean
    SecurityFilterChain api(HttpSecurity http) throws Exception {
        return http
            .authorizeHttpRequests(requests -> requests
                .requestMatchers(HttpMethod.GET, "/things").hasAuthority(${q(`SCOPE_${first}`)})
                .requestMatchers(HttpMethod.POST, "/things").hasAuthority(${q(`SCOPE_${second}`)})
                .anyRequest().authenticated())
            .oauth2ResourceServer(server -> server.jwt(withDefaults()))
            .build();
    }
}
`,
      },
    ],
  },
];
