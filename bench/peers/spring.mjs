// Spring Authorization Server, from Maven Central, as an application of Spring Boot with its tables in H2 in a file.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Browser, target } from "./browser.mjs";
import { Connection, form, request, signedWith } from "./load.mjs";
import { freePort, start, until } from "./processes.mjs";

const JAR = fileURLToPath(new URL("../../target/peers/spring/spring.jar", import.meta.url));
const VERSION = /<version>(.*)<\/version>/.exec(readFileSync(new URL("spring/pom.xml", import.meta.url), "utf8"))[1];
const CALLBACK = "https://app.bench.example/callback";
// Those of two clients must not be the same: the client's id is appended.
const SECRET = "a-secret-of-the-benchmark-0123456789";
const USER = { username: "jane", password: "a-user-of-the-benchmark" };

export async function spring(folder) {
  if (!existsSync(JAR)) throw new Error("not installed: see target/peers/spring.log");
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const host = `localhost:${port}`;
  const options = {
    // A look-up of a token takes a second connection for its client: with no more of them than requests, all would wait for each other.
    "spring.datasource.hikari.maximum-pool-size": 64,
    "server.address": "127.0.0.1", "server.port": port, "server.tomcat.max-keep-alive-requests": -1, "spring.datasource.url": `jdbc:h2:file:${folder}/h2`, "spring.sql.init.mode": "always",
    "spring.security.oauth2.authorizationserver.issuer": `http://${host}`, "logging.level.root": "warn", "spring.main.banner-mode": "off",
  };
  const child = start("java", ["-jar", JAR, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)], {
    log: `${folder}/log`, env: { BENCH_SECRET: SECRET, BENCH_CALLBACK: CALLBACK, BENCH_PASSWORD: USER.password },
  });
  await until("Spring Authorization Server", child, async () => (await fetch(`http://127.0.0.1:${port}/oauth2/jwks`)).ok, 120);

  const wire = new Connection(port);
  const json = async (bytes) => {
    const answer = await wire.ask(bytes);
    if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body}`);
    return JSON.parse(answer.body);
  };
  const token = (fields, client_id = "bench") => form(host, "/oauth2/token", { client_id, client_secret: SECRET + client_id, ...fields });
  const machine = (alg) => token({ grant_type: "client_credentials", scope: "read:bench" }, alg === "RS256" ? "bench" : "bench-es256");
  for (const alg of ["RS256", "ES256"]) signedWith(alg, (await json(machine(alg))).access_token);

  const ask = `/oauth2/authorize?${new URLSearchParams({
    response_type: "code", client_id: "bench", redirect_uri: CALLBACK, scope: "openid profile email read:bench", state: "0123456789abcdef",
  })}`;
  const browser = new Browser(wire, host);
  const page = await browser.go(target(await browser.sent(ask)));
  const _csrf = /name="_csrf"[^>]*value="([^"]+)"/.exec(page.body)[1];
  await browser.sent("/login", { ...USER, _csrf });
  const code = async () => {
    const found = (await browser.sent(ask)).searchParams.get("code");
    if (!found) throw new Error("no code came");
    return found;
  };
  const codes = async (count) => {
    const made = [];
    while (made.length < count) made.push(await code());
    return made;
  };
  const exchange = (code) => token({ grant_type: "authorization_code", code, redirect_uri: CALLBACK });
  const { access_token } = await json(exchange(await code()));
  signedWith("RS256", access_token);
  return [
    {
      name: "Spring", version: `Boot ${VERSION}`, pid: child.pid, host, port, notes: "H2 in a file, every token stored, secrets not hashed",
      // Java's compiler has not seen enough of a request in half a second.
      warmUp: 6000,
      discovery: request("GET", host, "/.well-known/openid-configuration"),
      jwks: request("GET", host, "/oauth2/jwks"),
      clientCredentials: machine,
      userinfo: request("GET", host, "/userinfo", { authorization: `Bearer ${access_token}` }),
      codes,
      exchange,
      refreshTokens: async (count) => {
        const found = [];
        for (const made of await codes(count)) found.push((await json(exchange(made))).refresh_token);
        return found;
      },
      refresh: (refresh_token) => token({ grant_type: "refresh_token", refresh_token }),
    },
  ];
}
