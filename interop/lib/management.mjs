// The Management API, as an administrator's script would use it.

export class Management {
  constructor(chancery) {
    this.issuer = chancery.issuer;
    this.client = chancery.clients.management;
  }

  async call(method, path, body) {
    this.token ??= await this.fetchToken();
    const response = await fetch(`${this.issuer}api/v2/${path}`, {
      method,
      headers: { authorization: `Bearer ${this.token}`, ...(body && { 'content-type': 'application/json' }) },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} /api/v2/${path} answered ${response.status}: ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  async fetchToken() {
    const response = await fetch(`${this.issuer}oauth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        grant_type: 'client_credentials',
        client_id: this.client.client_id,
        client_secret: this.client.client_secret,
        audience: `${this.issuer}api/v2/`,
      }),
    });
    const body = await response.json();
    if (!body.access_token) throw new Error(`no token for the Management API: ${JSON.stringify(body)}`);
    return body.access_token;
  }

  /** An application in the browser which lives at the origin. */
  spa(name, origin, more = {}) {
    return this.call('POST', 'clients', {
      name,
      app_type: 'spa',
      token_endpoint_auth_method: 'none',
      oidc_conformant: true,
      grant_types: ['authorization_code', 'implicit', 'refresh_token'],
      callbacks: [`${origin}/`],
      web_origins: [origin],
      allowed_origins: [origin],
      allowed_logout_urls: [`${origin}/`],
      ...more,
    });
  }

  /** An application on a server, with a secret. */
  web(name, callback, more = {}) {
    return this.call('POST', 'clients', {
      name,
      app_type: 'regular_web',
      token_endpoint_auth_method: 'client_secret_post',
      oidc_conformant: true,
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
      callbacks: [callback],
      ...more,
    });
  }

  /** Somebody with a password, in the tenant's database. */
  user(email, password, more = {}) {
    const connection = 'Username-Password-Authentication';
    return this.call('POST', 'users', { email, password, connection, email_verified: true, ...more });
  }

  /** Lets an application ask for scopes of the API in its own name. */
  grant(clientId, audience, scope) {
    return this.call('POST', 'client-grants', { client_id: clientId, audience, scope });
  }
}
