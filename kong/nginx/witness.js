// X-Auth-Witness from nginx with njs 0.5.0 or later: js_set calls edgeIn or
// edgeOut, and proxy_set_header sends what they return. See witness.conf.
//
// WITNESS_KEY (the secret that the plugin has) and WITNESS_KID come from the
// environment. Nothing here logs: the value is a credential.
import crypto from 'crypto';

const known = ['bearer', 'basic', 'dpop', 'digest', 'negotiate', 'ntlm'];

// edgeIn is for the outermost signer: it drops a witness that the client wrote.
function edgeIn(r) {
    return member(r, 'edge-in');
}

// edgeOut is for a later signer: its member goes behind those that came. nginx
// sends one line, and a comma joins a list as well as a second line does.
function edgeOut(r) {
    const own = member(r, 'edge-out');
    return linesOf(r, 'x-auth-witness').concat(own || []).join(', ');
}

function member(r, name) {
    const key = process.env.WITNESS_KEY;
    const kid = process.env.WITNESS_KID;
    if (!key || key.length < 32 || !kid) {
        return ''; // proxy_set_header sends no header for an empty text
    }
    const method = /^[A-Za-z0-9._-]{1,32}$/.test(r.method) ? r.method : '?';
    let host = r.variables.http_host || '';
    host = /^[A-Za-z0-9._:\[\]-]{1,255}$/.test(host) ? host : '?';
    const t = Math.floor(Date.now() / 1000);
    const text = `${name};v=1;kid="${kid}";t=${t};a="${method}";h="${host}";${fields(r, key)}`;
    return `${text};m="${hmac(key, 'aw1|', Buffer.from(text)).slice(0, 32)}"`;
}

// fields describes Authorization: p, n, s, l and f. The bytes come from
// rawVariables; a JavaScript string would not keep those above 0x7F.
function fields(r, key) {
    const lines = linesOf(r, 'authorization').length;
    if (lines === 0) {
        return 'p=0;n=0;s="none";l=0;f=""';
    }
    const value = trim(r.rawVariables.http_authorization || Buffer.alloc(0));
    const f = hmac(key, 'fp|', value).slice(0, 16);
    return `p=1;n=${lines};s="${scheme(value)}";l=${value.length};f="${f}"`;
}

function linesOf(r, name) {
    return r.rawHeadersIn.filter(h => h[0].toLowerCase() === name).map(h => h[1]);
}

function scheme(value) {
    const space = value.indexOf(0x20);
    if (space < 1) {
        return 'none';
    }
    const word = value.slice(0, space).toString().toLowerCase();
    return known.indexOf(word) < 0 ? 'other' : word;
}

// trim takes spaces and tabs off both ends.
function trim(value) {
    let from = 0, to = value.length;
    while (from < to && blank(value[from])) {
        from++;
    }
    while (from < to && blank(value[to - 1])) {
        to--;
    }
    return value.slice(from, to);
}

function blank(byte) {
    return byte === 0x20 || byte === 0x09;
}

function hmac(key, prefix, bytes) {
    return crypto.createHmac('sha256', key).update(prefix).update(bytes).digest('hex');
}

export default {edgeIn, edgeOut};
