#!/usr/bin/env python3
"""An SMTP server that keeps every mail and hands them out by HTTP. Needs aiosmtpd; smtp.sh starts it.

SMTP: 8BITMIME, SMTPUTF8, STARTTLS when a certificate is given, AUTH LOGIN/PLAIN (user "mailer", password "mailer-secret";
      asked for on the login port only).
HTTP: GET    /mails[?to=ADDRESS][&subject=TEXT][&wait=SECONDS][&count=N]   list; wait until N mails match (default 1)
      GET    /mails/ID          one mail: envelope, headers, text, html, attachments, links found in the bodies
      GET    /mails/ID/raw      as received (message/rfc822)
      GET    /mails/ID/attachments/N
      DELETE /mails             forget all
      PUT    /faults            JSON list of rules, tried in order; [] takes them away. A rule:
             {"to": "text in a recipient", "stage": "connect|mail|rcpt|data", "code": 451, "text": "try later", "times": 2, "delay": 0.5, "drop": false}
      GET    /faults            the rules with what is left of their "times"
      GET    /stats             counters: connections, accepted, refused, auth_ok, auth_failed
"""
import argparse, asyncio, email, email.policy, json, logging, re, ssl, threading, time, urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

logging.getLogger('mail.log').setLevel(logging.ERROR)

mails, faults, lock = [], [], threading.Condition()
stats = dict(connections=0, accepted=0, refused=0, auth_ok=0, auth_failed=0)
next_id = 1


async def fault(stage, rcpts=()):
    """The first rule that fits, or None; sleeps its delay."""
    with lock:
        for f in faults:
            if f.get('stage', 'data') != stage or f.get('times') == 0:
                continue
            if f.get('to') and not any(f['to'] in r for r in rcpts):
                continue
            if f.get('times') is not None:
                f['times'] -= 1
            hit = dict(f)
            break
        else:
            return None
    if hit.get('delay'):
        await asyncio.sleep(hit['delay'])
    if not hit.get('code') and not hit.get('drop'):
        return None
    with lock:
        stats['refused'] += 1
    return hit


def answer(hit, server):
    if hit.get('drop'):
        server.transport.abort()
        return '421 closing'
    return '%d %s' % (hit['code'], hit.get('text', 'refused by the test server'))


class Server(SMTP):
    async def _handle_client(self):
        with lock:
            stats['connections'] += 1
        hit = await fault('connect')
        if hit:
            if not hit.get('drop'):
                await self.push(answer(hit, self))
            self.transport.close()
            return
        await super()._handle_client()


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        hit = await fault('mail', [address])
        if hit:
            return answer(hit, server)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return '250 OK'

    async def handle_RCPT(self, server, session, envelope, address, options):
        hit = await fault('rcpt', [address])
        if hit:
            return answer(hit, server)
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        global next_id
        hit = await fault('data', envelope.rcpt_tos)
        if hit:
            return answer(hit, server)
        raw = envelope.original_content or envelope.content
        with lock:
            m = dict(id=next_id, at=time.time(), from_=envelope.mail_from, to=list(envelope.rcpt_tos), raw=raw,
                     tls=server.transport.get_extra_info('ssl_object') is not None,
                     user=session.auth_data.login.decode() if session.authenticated else None)
            next_id += 1
            mails.append(m)
            stats['accepted'] += 1
            lock.notify_all()
        return '250 OK id %d' % m['id']


def authenticate(server, session, envelope, mechanism, data):
    ok = isinstance(data, LoginPassword) and data.login == b'mailer' and data.password == b'mailer-secret'
    with lock:
        stats['auth_ok' if ok else 'auth_failed'] += 1
    return AuthResult(success=ok, handled=ok, auth_data=data)


def view(m, full=True):
    msg = email.message_from_bytes(m['raw'], policy=email.policy.default)
    d = dict(id=m['id'], at=m['at'], envelope=dict(mail_from=m['from_'], rcpt_to=m['to']), subject=msg['subject'], tls=m['tls'], user=m['user'], size=len(m['raw']))
    if full:
        text = msg.get_body(('plain',))
        html = msg.get_body(('html',))
        d['headers'] = {}
        for k, v in msg.items():
            d['headers'].setdefault(k.lower(), []).append(str(v))
        d['text'] = text.get_content() if text else None
        d['html'] = html.get_content() if html else None
        d['links'] = sorted(set(re.findall(r'https?://[^\s"\'<>)]+', (d['text'] or '') + ' ' + (d['html'] or '').replace('&amp;', '&'))))
        d['attachments'] = [dict(n=i, name=a.get_filename(), type=a.get_content_type(), size=len(a.get_payload(decode=True) or b''))
                            for i, a in enumerate(msg.iter_attachments())]
    return d


class Api(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *a):
        pass

    def out(self, status, value, kind='application/json'):
        b = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(b)))
        self.end_headers()
        self.wfile.write(b)

    def do_GET(self):
        u = urllib.parse.urlparse(self.path)
        q = dict(urllib.parse.parse_qsl(u.query))
        p = u.path.strip('/').split('/')
        if p == ['mails']:
            end = time.monotonic() + float(q.get('wait', 0))

            def match():
                r = [view(m, False) for m in mails if not q.get('to') or q['to'].lower() in [t.lower() for t in m['to']]]
                return [m for m in r if not q.get('subject') or q['subject'].lower() in (m['subject'] or '').lower()]
            with lock:
                while True:
                    found = match()
                    left = end - time.monotonic()
                    if len(found) >= int(q.get('count', 1)) or left <= 0:
                        break
                    lock.wait(left)
            return self.out(200, found)
        if p[0] == 'mails' and p[1].isdigit():
            m = next((m for m in mails if m['id'] == int(p[1])), None)
            if not m:
                return self.out(404, {'error': 'no such mail'})
            if p[2:] == ['raw']:
                return self.out(200, m['raw'], 'message/rfc822')
            if p[2:3] == ['attachments']:
                a = list(email.message_from_bytes(m['raw'], policy=email.policy.default).iter_attachments())[int(p[3])]
                return self.out(200, a.get_payload(decode=True), a.get_content_type())
            return self.out(200, view(m))
        if p == ['faults']:
            return self.out(200, faults)
        if p == ['stats']:
            return self.out(200, stats)
        if p == ['']:
            return self.out(200, {'mails': len(mails)})
        self.out(404, {'error': 'not found'})

    def do_DELETE(self):
        with lock:
            mails.clear()
        self.out(200, {'mails': 0})

    def do_PUT(self):
        body = json.loads(self.rfile.read(int(self.headers.get('Content-Length', 0))) or b'[]')
        if self.path != '/faults':
            return self.out(404, {'error': 'not found'})
        with lock:
            faults[:] = body
        self.out(200, faults)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument('--smtp', type=int, required=True, help='plain port, STARTTLS offered when a certificate is given')
    ap.add_argument('--login', type=int, help='port that asks for STARTTLS and a login before mail')
    ap.add_argument('--tls', type=int, help='port with TLS from the first byte')
    ap.add_argument('--http', type=int, required=True)
    ap.add_argument('--certificate')
    ap.add_argument('--key')
    a = ap.parse_args()
    ctx = None
    if a.certificate:
        ctx = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        ctx.load_cert_chain(a.certificate, a.key)

    class C(Controller):
        def factory(self):
            return Server(self.handler, **self.SMTP_kwargs)
    size = 50 << 20
    C(Handler(), hostname='127.0.0.1', port=a.smtp, server_kwargs=dict(data_size_limit=size, enable_SMTPUTF8=True, tls_context=ctx)).start()
    if a.login:
        C(Handler(), hostname='127.0.0.1', port=a.login, server_kwargs=dict(data_size_limit=size, enable_SMTPUTF8=True, tls_context=ctx, require_starttls=True,
          authenticator=authenticate, auth_required=True)).start()
    if a.tls:
        C(Handler(), hostname='127.0.0.1', port=a.tls, ssl_context=ctx, server_kwargs=dict(data_size_limit=size, enable_SMTPUTF8=True,
          authenticator=authenticate, auth_require_tls=False)).start()
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(('127.0.0.1', a.http), Api).serve_forever()


main()
