#!/usr/bin/env python3
"""A whole authorization-code login with PKCE against the provider of ../oidc.sh, without a browser.

    login.py [--issuer URL] [--client spa] [--secret S] [--user alice] [--password P] [--redirect URL]
                  [--scope "openid profile email groups offline_access"] [--resource urn:test:api] [--claims] [--field id_token]

Prints the token answer as JSON; --field prints one member of it; --claims adds the decoded claims.
"""
import argparse, base64, hashlib, http.cookiejar, json, os, secrets, sys, urllib.error, urllib.parse, urllib.request


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *a, **k):
        return None


def decode(jwt):
    part = jwt.split('.')[1]
    return json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))


def login(issuer, client, user, password, redirect, scope, resource=None, secret=None):
    jar = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(rfc2965=True))
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), NoRedirect)

    def call(url, data=None, headers=None):
        req = urllib.request.Request(url, data=None if data is None else urllib.parse.urlencode(data).encode(), headers=headers or {})
        try:
            r = opener.open(req, timeout=20)
        except urllib.error.HTTPError as e:
            r = e
        return r.status, r.headers, r.read().decode()

    conf = json.loads(call(issuer + '/.well-known/openid-configuration')[2])
    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip('=')
    state, nonce = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
    q = {'response_type': 'code', 'client_id': client, 'redirect_uri': redirect, 'scope': scope, 'state': state, 'nonce': nonce,
         'code_challenge': challenge, 'code_challenge_method': 'S256'}
    if 'offline_access' in scope.split():
        q['prompt'] = 'consent'
    if resource:
        q['resource'] = resource
    url = conf['authorization_endpoint'] + '?' + urllib.parse.urlencode(q)
    for _ in range(12):
        status, headers, text = call(url)
        if status in (302, 303):
            url = urllib.parse.urljoin(url, headers['Location'])
            if url.startswith(redirect):
                break
        elif status == 200 and '/interaction/' in url:
            status, headers, text = call(url, {'login': user, 'password': password})
            if status not in (302, 303):
                raise SystemExit('login answered %s' % status)
            url = urllib.parse.urljoin(url, headers['Location'])
        else:
            raise SystemExit('unexpected answer %s at %s: %s' % (status, url, text[:300]))
    back = dict(urllib.parse.parse_qsl(urllib.parse.urlparse(url).query))
    if back.get('error'):
        raise SystemExit('the provider answered %s: %s' % (back['error'], back.get('error_description')))
    assert back['state'] == state and back['iss'] == conf['issuer'], back
    body = {'grant_type': 'authorization_code', 'code': back['code'], 'redirect_uri': redirect, 'code_verifier': verifier}
    if resource:
        body['resource'] = resource
    headers = {}
    if secret:
        headers['Authorization'] = 'Basic ' + base64.b64encode(('%s:%s' % (client, secret)).encode()).decode()
    else:
        body['client_id'] = client
    status, _, text = call(conf['token_endpoint'], body, headers)
    if status != 200:
        raise SystemExit('token endpoint answered %s: %s' % (status, text))
    tokens = json.loads(text)
    assert decode(tokens['id_token'])['nonce'] == nonce
    return tokens


if __name__ == '__main__':
    ap = argparse.ArgumentParser()
    ap.add_argument('--issuer', default=os.environ.get('OIDC_ISSUER'), required='OIDC_ISSUER' not in os.environ)
    ap.add_argument('--client', default='spa')
    ap.add_argument('--secret')
    ap.add_argument('--user', default='alice')
    ap.add_argument('--password')
    ap.add_argument('--redirect', default='http://127.0.0.1:18399/cb')
    ap.add_argument('--scope', default='openid profile email groups offline_access')
    ap.add_argument('--resource')
    ap.add_argument('--claims', action='store_true')
    ap.add_argument('--field')
    a = ap.parse_args()
    t = login(a.issuer, a.client, a.user, a.password or a.user + '-password', a.redirect, a.scope, a.resource, a.secret)
    if a.claims:
        t['id_token_claims'] = decode(t['id_token'])
        if t['access_token'].count('.') == 2:
            t['access_token_claims'] = decode(t['access_token'])
    if a.field:
        print(t[a.field])
    else:
        json.dump(t, sys.stdout, indent=1)
        print()
