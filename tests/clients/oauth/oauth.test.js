// A consumer gets its token by client_credentials from oauth2-mock-server 8.2.3, a token server for tests, and searches
// and books with it on a Slotkeeper that knows that server by its issuers' file.
//
// Both servers are started here. The program comes from SLOTKEEPER_BIN.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, createPublicKey, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { OAuth2Server } from 'oauth2-mock-server';

const binary = process.env.SLOTKEEPER_BIN;
assert.ok(binary, 'SLOTKEEPER_BIN names the program');

const SERVICE = '2000099901';
const CLIENT = 'example-111';
const SCOPE = 'organization/slot.read patient/appointment.write';
const place = mkdtempSync(join(tmpdir(), 'slotkeeper-oauth-'));

let tokenServer;
let slotkeeper;
let log = '';
let base;

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

// The server leaves it to whoever runs it to name the client in a token; its README shows how.
async function startTokenServer(port) {
  const server = new OAuth2Server();
  await server.issuer.keys.generate('RS256');
  server.service.on('beforeTokenSigning', (token, request) => {
    const [id] = Buffer.from(request.headers.authorization.split(' ')[1], 'base64').toString().split(':');
    token.payload.client_id = id;
  });
  await server.start(port, '127.0.0.1');
  return server;
}

// Repeats a question until its answer is as wanted; a minute is far more than it takes.
async function until(wanted, ask) {
  const end = Date.now() + 60_000;
  let last;
  while (Date.now() < end) {
    try {
      last = await ask();
      if (wanted(last)) return last;
    } catch (error) {
      last = error;
    }
    assert.equal(slotkeeper.exitCode, null, log);
    await pause(50);
  }
  throw new Error(`not within a minute; last: ${last}\n${log}`);
}

before(async () => {
  tokenServer = await startTokenServer(await freePort());
  const issuer = tokenServer.issuer.url;
  writeFileSync(
    join(place, 'issuers.toml'),
    `[[issuer]]\nissuer = "${issuer}"\njwks = "${issuer}/jwks"\nalgorithms = ["RS256"]\nclients = { ${CLIENT} = "X9T20" }\n`,
  );
  const port = await freePort();
  base = `http://127.0.0.1:${port}`;
  const args = ['serve', '--demo', '--listen', `127.0.0.1:${port}`, '--auth', 'jwks', '--issuers', 'issuers.toml'];
  slotkeeper = spawn(binary, args, { cwd: place, stdio: ['ignore', 'ignore', 'pipe'] });
  slotkeeper.stderr.on('data', (text) => (log += text));
  await until((status) => status === 200, async () => (await fetch(`${base}/health/ready`)).status);
});

after(async () => {
  slotkeeper?.kill();
  await tokenServer?.stop();
  rmSync(place, { recursive: true, force: true });
});

const root = (name) => `${base}/STU3/1/${name}`;

async function obtain({ client = CLIENT, scope = SCOPE, aud = root('provider') } = {}) {
  const response = await fetch(`${tokenServer.issuer.url}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from(`${client}:secret`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope, aud }),
  });
  assert.equal(response.status, 200);
  const answer = await response.json();
  assert.equal(answer.token_type, 'Bearer');
  return answer.access_token;
}

const search = (token, on = 'provider') =>
  fetch(`${root(on)}/Slot?service=${SERVICE}&status=free&start=ge${new Date().toISOString().slice(0, 10)}&_count=5`, {
    headers: {
      Authorization: `Bearer ${token}`,
      Accept: 'application/fhir+json',
      'Ssp-TraceID': randomUUID(),
      'Ssp-From': '200000000359',
      'Ssp-To': '918999198993',
      'Ssp-InteractionID': 'urn:nhs:names:services:careconnect:fhir:rest:search:slot',
    },
  });

async function refused(token, told) {
  const response = await search(token);
  const outcome = await response.json();
  assert.equal(response.status, 403, JSON.stringify(outcome));
  assert.equal(outcome.resourceType, 'OperationOutcome');
  assert.match(outcome.issue[0].diagnostics, told);
  assert.ok(!JSON.stringify(outcome).includes('eyJ'), 'a token is repeated');
}

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());

test('searches and books with a token of client_credentials', async () => {
  const token = await obtain();
  const found = await search(token);
  assert.equal(found.status, 200);
  const slot = (await found.json()).entry[0].resource;
  const appointment = {
    resourceType: 'Appointment',
    status: 'booked',
    description: 'Wasp sting, swollen hand',
    start: slot.start,
    end: slot.end,
    slot: [{ reference: `Slot/${slot.id}` }],
    participant: [
      {
        status: 'accepted',
        actor: { identifier: { system: 'https://fhir.nhs.uk/Id/nhs-number', value: '9990000298' }, display: 'Edith Longstaff' },
      },
    ],
  };
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/fhir+json', 'X-Request-ID': randomUUID() };
  const booked = await fetch(`${root('provider')}/Appointment`, { method: 'POST', headers, body: JSON.stringify(appointment) });
  assert.equal(booked.status, 201, await booked.clone().text());
  const read = await fetch(booked.headers.get('location'), { headers: { Authorization: `Bearer ${token}` } });
  assert.equal((await read.json()).status, 'booked');
});

test('searches on the booking root, whose audience the token must name', async () => {
  assert.equal((await search(await obtain({ aud: root('booking') }), 'booking')).status, 200);
  assert.equal((await search(await obtain(), 'booking')).status, 403);
});

test('a scope that was not granted opens nothing', async () => {
  await refused(await obtain({ scope: 'patient/appointment.write' }), /`scope`.*organization\/slot.read/);
});

test('a client that is no consumer is refused', async () => {
  await refused(await obtain({ client: 'somebody' }), /no consumer known/);
});

test('a token for somebody else is refused', async () => {
  await refused(await obtain({ aud: 'https://elsewhere.example/' }), /`aud`/);
});

test('a changed payload, a changed signature and none at all are refused', async () => {
  const [header, payload, signature] = (await obtain()).split('.');
  const other = encode({ ...decode(payload), client_id: 'somebody' });
  await refused(`${header}.${other}.${signature}`, /signature/);
  const changed = (signature[20] === 'A' ? 'B' : 'A') + signature.slice(21);
  await refused(`${header}.${payload}.${signature.slice(0, 20)}${changed}`, /signature/);
  await refused(`${header}.${payload}.`, /signature/);
});

test('alg none is refused', async () => {
  const [header, payload] = (await obtain()).split('.');
  for (const alg of ['none', 'None', 'NONE']) {
    await refused(`${encode({ ...decode(header), alg })}.${payload}.`, /algorithm is not accepted/);
  }
});

test('HS256 with the public key as the secret is refused', async () => {
  const [header, payload] = (await obtain()).split('.');
  const { keys } = await (await fetch(`${tokenServer.issuer.url}/jwks`)).json();
  const secret = createPublicKey({ key: keys[0], format: 'jwk' }).export({ type: 'spki', format: 'pem' });
  const message = `${encode({ ...decode(header), alg: 'HS256' })}.${payload}`;
  const signature = createHmac('sha256', secret).update(message).digest('base64url');
  await refused(`${message}.${signature}`, /algorithm is not accepted/);
});

test('a header that demands an extension is refused', async () => {
  const [header, payload, signature] = (await obtain()).split('.');
  await refused(`${encode({ ...decode(header), crit: ['b64'], b64: false })}.${payload}.${signature}`, /crit/);
});

test('after its keys were replaced, the old token is refused and a new one accepted', async () => {
  const old = await obtain();
  assert.equal((await search(old)).status, 200);
  const { port } = new URL(tokenServer.issuer.url);
  await tokenServer.stop();
  // While the token server is away, its keys stay in use.
  assert.equal((await search(old)).status, 200);
  tokenServer = await startTokenServer(Number(port));
  slotkeeper.kill('SIGHUP');
  const fresh = await obtain();
  await until((response) => response.status === 200, () => search(fresh));
  await refused(old, /key is not known/);
});
