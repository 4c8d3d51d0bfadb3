// A certified OpenID Connect provider (npm oidc-provider) with fixed clients and users, for tests on loopback.
//
//   OIDC_PORT        port, required
//   OIDC_STATE       folder for the signing key, kept between starts         (default: a new key every start)
//   OIDC_IDP         value of the claim identity_provider                    (default test-idp)
//   OIDC_API         resource indicator that JWT access tokens are made for  (default urn:test:api)
//   OIDC_ORIGIN      origin of the application under test                    (default http://127.0.0.1:8080)
//   OIDC_REDIRECTS   more redirect addresses, separated by commas
//   OIDC_ID_TTL, OIDC_AT_TTL, OIDC_RT_TTL   lifetimes in seconds             (defaults 600, 600, 86400)
//
// Clients: `spa` (public, PKCE required), `web` (secret web-secret, client_secret_basic),
//          `service` (secret service-secret, client_credentials), `unverified` (secret unverified-secret,
//          client_secret_post: another application, for tests of a wrong audience).
// Users:   see USERS; the password of NAME is NAME-password.
// Sign-in: GET the authorization address, follow redirects to /interaction/UID, POST login=...&password=... there.
//          Consent is given for every client by itself. Refresh tokens: scope offline_access with prompt=consent.
// Hooks, for tests only:
//   POST /test/rotate     a new signing key; the old one stays published     POST /test/retire   drop all but the newest
//   GET  /test/users      POST /test/users (JSON: add or change one)         DELETE /test/users/SUB
//   POST /test/redirects  (JSON list of addresses to allow from now on)      GET /test/log       what happened lately
//   POST /test/down, POST /test/up   503 on everything but /test, and back
import { createServer } from 'node:http';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { generateKeyPair, exportJWK, calculateJwkThumbprint } from 'jose';
import { Provider } from 'oidc-provider';

const env = process.env;
const PORT = Number(env.OIDC_PORT);
if (!PORT) throw new Error('OIDC_PORT is required');
const ISSUER = `http://127.0.0.1:${PORT}`;
const IDP = env.OIDC_IDP ?? 'test-idp';
const ORIGIN = env.OIDC_ORIGIN ?? 'http://127.0.0.1:8080';
const API = env.OIDC_API ?? 'urn:test:api';
const ttl = (name, otherwise) => Number(env[name] ?? otherwise);

const USERS = new Map();
const addUser = (u) => USERS.set(u.sub, { email_verified: true, identity_provider: IDP, groups: [], ...u,
  password: u.password ?? `${u.preferred_username}-password` });
addUser({ sub: 'u-alice', preferred_username: 'alice', name: 'Alice Archer', email: 'alice@example.test', groups: ['users', 'staff'] });
addUser({ sub: 'u-bob', preferred_username: 'bob', name: 'Bob Baker', email: 'bob@example.test', groups: ['users'] });
addUser({ sub: 'u-carol', preferred_username: 'carol', name: 'Carol Çelik', email: 'carol@other.test', groups: ['users', 'external'] });
addUser({ sub: 'u-admin', preferred_username: 'admin', name: 'Admin', email: 'admin@example.test', groups: ['admins'] });
addUser({ sub: 'u-dave', preferred_username: 'dave', name: 'Dave', email: 'dave@example.test', email_verified: false });
addUser({ sub: 'u-noemail', preferred_username: 'noemail', name: 'No Mail', email: undefined, email_verified: undefined });

// ---- keys -----------------------------------------------------------------------------------------------------
const keyFile = env.OIDC_STATE ? `${env.OIDC_STATE}/jwks.json` : null;
async function newKey() {
  const { privateKey } = await generateKeyPair('RS256', { modulusLength: 2048, extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig', alg: 'RS256' };
}
let keys = keyFile && existsSync(keyFile) ? JSON.parse(readFileSync(keyFile, 'utf8')) : [await newKey()];
const saveKeys = () => { if (keyFile) { mkdirSync(env.OIDC_STATE, { recursive: true }); writeFileSync(keyFile, JSON.stringify(keys)); } };
saveKeys();

// ---- storage: in memory, outside the provider, so that a rebuilt provider sees the same sessions ----
const store = new Map(), byUid = new Map(), byUserCode = new Map(), grants = new Map();
class Memory {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload, expiresIn) {
    store.set(this.key(id), { payload, until: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
    if (payload.uid && this.model === 'Session') byUid.set(payload.uid, id);
    if (payload.userCode) byUserCode.set(payload.userCode, id);
    if (payload.grantId) grants.set(payload.grantId, (grants.get(payload.grantId) ?? new Set()).add(this.key(id)));
  }
  async find(id) {
    const hit = store.get(this.key(id));
    if (hit && hit.until < Date.now()) { store.delete(this.key(id)); return undefined; }
    return hit?.payload;
  }
  async findByUid(uid) { return this.find(byUid.get(uid)); }
  async findByUserCode(code) { return this.find(byUserCode.get(code)); }
  async destroy(id) { store.delete(this.key(id)); }
  async consume(id) { const hit = store.get(this.key(id)); if (hit) hit.payload.consumed = Math.floor(Date.now() / 1000); }
  async revokeByGrantId(grantId) { for (const k of grants.get(grantId) ?? []) store.delete(k); grants.delete(grantId); }
}

// ---- the provider ---------------------------------------------------------------------------------------------
const redirects = [`${ORIGIN}/callback`, `${ORIGIN}/auth/callback`, `${ORIGIN}/`, 'http://127.0.0.1:18080/callback', 'http://127.0.0.1:18399/cb',
  ...(env.OIDC_REDIRECTS ?? '').split(',').filter(Boolean)];
const logouts = [ORIGIN, `${ORIGIN}/`];
const scope = 'openid profile email groups offline_access api:read api:write';
const common = { redirect_uris: redirects, post_logout_redirect_uris: logouts, response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token'], id_token_signed_response_alg: 'RS256', scope };
const clients = [
  { client_id: 'spa', client_name: 'Browser application', token_endpoint_auth_method: 'none', ...common },
  { client_id: 'web', client_name: 'Server application', client_secret: 'web-secret', token_endpoint_auth_method: 'client_secret_basic', ...common },
  { client_id: 'unverified', client_name: 'Another application', client_secret: 'unverified-secret', token_endpoint_auth_method: 'client_secret_post', ...common },
  { client_id: 'service', client_name: 'Service', client_secret: 'service-secret', token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [], response_types: [], grant_types: ['client_credentials'], scope: 'api:read api:write' },
];
const PROFILE = ['name', 'preferred_username', 'identity_provider'];

function build() {
  const provider = new Provider(ISSUER, {
    adapter: Memory,
    clients,
    jwks: { keys },
    cookies: { keys: ['a fixed cookie key: test provider'], names: { session: `sid_${PORT}`, interaction: `int_${PORT}`, resume: `res_${PORT}` } },
    scopes: ['openid', 'profile', 'email', 'groups', 'offline_access', 'api:read', 'api:write'],
    claims: { openid: ['sub', 'identity_provider'], profile: PROFILE, email: ['email', 'email_verified'], groups: ['groups'] },
    conformIdTokenClaims: false, // claims of the asked scopes go into the ID token too
    pkce: { required: (ctx, client) => client.clientAuthMethod === 'none', methods: ['S256'] },
    clientBasedCORS: () => true,
    rotateRefreshToken: true,
    issueRefreshToken: async (ctx, client, code) => client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    ttl: { IdToken: ttl('OIDC_ID_TTL', 600), AccessToken: ttl('OIDC_AT_TTL', 600), ClientCredentials: ttl('OIDC_AT_TTL', 600),
      RefreshToken: ttl('OIDC_RT_TTL', 86400), AuthorizationCode: 60, Interaction: 600, Session: 86400, Grant: 86400 },
    findAccount: async (ctx, sub) => {
      const user = USERS.get(sub);
      if (!user) return undefined;
      const { password, ...claims } = user;
      return { accountId: sub, claims: async () => claims };
    },
    interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
    // Every client is our own: give the grant that it asks for, so no consent page comes up.
    loadExistingGrant: async (ctx) => {
      const { Grant } = ctx.oidc.provider;
      const id = ctx.oidc.result?.consent?.grantId ?? ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
      const grant = (id && await Grant.find(id)) || new Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope(scope);
      grant.addResourceScope(API, 'api:read api:write');
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      clientCredentials: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      // With resource=API (or without naming one) access tokens are RS256 JWTs for that audience; userinfo tokens are opaque.
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, client, oneOf) => oneOf ?? (ctx.oidc.params?.grant_type === 'client_credentials' ? API : undefined),
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: 'api:read api:write', audience: API, accessTokenFormat: 'jwt', accessTokenTTL: ttl('OIDC_AT_TTL', 600), jwt: { sign: { alg: 'RS256' } } }),
      },
    },
    // The same identity claims in JWT access tokens, for an API that looks at these only.
    extraTokenClaims: async (ctx, token) => {
      const u = USERS.get(token.accountId);
      return u && { identity_provider: u.identity_provider, email: u.email, preferred_username: u.preferred_username, groups: u.groups };
    },
  });
  provider.on('server_error', (ctx, err) => console.error('server_error', err));
  for (const event of ['authorization.success', 'authorization.error', 'grant.success', 'grant.error', 'interaction.started', 'end_session.success'])
    provider.on(event, (ctx, err) => {
      events.push({ at: new Date().toISOString(), event, client: ctx.oidc?.client?.clientId, error: err?.error });
      if (events.length > 500) events.shift();
    });
  return provider;
}
const events = [];
let provider, handle, down = false;
function rebuild() { provider = build(); handle = provider.callback(); }
rebuild();

// ---- login page and test hooks ---------------------------------------------------------------------------------
const readBody = async (req) => { let s = ''; for await (const c of req) s += c; return s; };
const page = (uid, client, message = '') => `<!doctype html><meta charset="utf-8"><title>Sign in</title>
<h1>Sign in to ${client}</h1><p role="alert">${message}</p>
<form method="post" action="/interaction/${uid}" autocomplete="off">
<label>User <input name="login" autofocus required></label> <label>Password <input name="password" type="password" required></label>
<button type="submit">Sign in</button></form><p><a href="/interaction/${uid}/abort">Cancel</a></p>`;
const send = (res, status, type, text) => { res.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }); res.end(text); };
const json = (res, status, value) => send(res, status, 'application/json', JSON.stringify(value));

async function interaction(req, res, uid, abort) {
  const details = await provider.interactionDetails(req, res);
  if (abort) return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'the user cancelled' });
  if (details.prompt.name === 'consent') return provider.interactionFinished(req, res, { consent: {} }, { mergeWithLastSubmission: true });
  if (req.method !== 'POST') return send(res, 200, 'text/html; charset=utf-8', page(uid, details.params.client_id));
  const form = new URLSearchParams(await readBody(req));
  const user = [...USERS.values()].find((u) => u.preferred_username === form.get('login') || (u.email && u.email === form.get('login')));
  if (!user || user.password !== form.get('password')) return send(res, 401, 'text/html; charset=utf-8', page(uid, details.params.client_id, 'Wrong user or password'));
  return provider.interactionFinished(req, res, { login: { accountId: user.sub, amr: ['pwd'] } }, { mergeWithLastSubmission: false });
}

async function testHook(req, res, path) {
  const at = `${req.method} ${path}`;
  if (at === 'POST /test/rotate') { keys = [await newKey(), ...keys]; saveKeys(); rebuild(); return json(res, 200, { kids: keys.map((k) => k.kid) }); }
  if (at === 'POST /test/retire') { keys = keys.slice(0, 1); saveKeys(); rebuild(); return json(res, 200, { kids: keys.map((k) => k.kid) }); }
  if (at === 'POST /test/redirects') { redirects.push(...JSON.parse(await readBody(req))); rebuild(); return json(res, 200, redirects); }
  if (at === 'POST /test/users') { const u = JSON.parse(await readBody(req)); addUser({ ...USERS.get(u.sub), ...u }); return json(res, 200, USERS.get(u.sub)); }
  if (req.method === 'DELETE' && path.startsWith('/test/users/')) return json(res, 200, { deleted: USERS.delete(decodeURIComponent(path.slice(12))) });
  if (at === 'GET /test/users') return json(res, 200, [...USERS.values()]);
  if (at === 'POST /test/down') { down = true; return json(res, 200, { down }); }
  if (at === 'POST /test/up') { down = false; return json(res, 200, { down }); }
  if (at === 'GET /test/log') return json(res, 200, events);
  return json(res, 404, { error: 'no such test hook' });
}

createServer(async (req, res) => {
  try {
    const path = req.url.split('?')[0];
    if (path.startsWith('/test/')) return await testHook(req, res, path);
    if (down) return json(res, 503, { error: 'temporarily_unavailable' });
    const m = /^\/interaction\/([\w-]+)(\/abort)?$/.exec(path);
    if (m) return await interaction(req, res, m[1], m[2]);
    return handle(req, res);
  } catch (err) {
    console.error(err);
    if (!res.headersSent) json(res, err.statusCode ?? 500, { error: err.error ?? 'error', error_description: err.error_description ?? err.message });
  }
}).listen(PORT, '127.0.0.1', () => console.log(`OpenID provider at ${ISSUER}`));
for (const s of ['SIGTERM', 'SIGINT']) process.on(s, () => process.exit(0));
