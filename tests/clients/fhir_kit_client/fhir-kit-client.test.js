// A patient is booked in with fhir-kit-client 2.0.3, a client for Node.
//
// Only its public interface is used. Tests called "cannot …" prove what this client is not able to do, and
// show the way round it; they fail as soon as a newer fhir-kit-client can.
//
// The base URL of the provider root comes from SLOTKEEPER_BASE_URL.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, test } from 'node:test';
import { Client } from 'fhir-kit-client';

const baseUrl = process.env.SLOTKEEPER_BASE_URL;
assert.ok(baseUrl, 'SLOTKEEPER_BASE_URL names the provider root');

const SERVICE = '2000099901';
const NHS_NUMBER = 'https://fhir.nhs.uk/Id/nhs-number';
const PATIENT = { number: '9990000298', name: 'Edith Longstaff' };
const INCLUDES = {
  _include: 'Slot:schedule',
  '_include:recurse': [
    'Schedule:actor:HealthcareService',
    'Schedule:actor:Practitioner',
    'Schedule:actor:PractitionerRole',
    'HealthcareService:providedBy',
    'HealthcareService:location',
  ],
};

const client = new Client({ baseUrl });
const booked = new Set();

// Never before the day in London, and the same throughout a run that goes on past midnight.
const TODAY = Date.now() + 2 * 3_600_000;
const day = (offset) => new Date(TODAY + offset * 86_400_000).toISOString().slice(0, 10);

// URLSearchParams, which the client uses, sends each value of a list as a parameter of its own.
const freeSlots = (more = {}) =>
  client.search({
    resourceType: 'Slot',
    searchParams: { service: SERVICE, status: 'free', start: [`ge${day(1)}`, `le${day(5)}`], ...more },
  });

async function someFreeSlots(count) {
  const bundle = await freeSlots({ _count: count });
  assert.equal(bundle.entry.length, count);
  return bundle.entry.map((entry) => entry.resource);
}

// An Appointment in the simplest form that the provider root accepts.
const appointment = (slot, patient = PATIENT) => ({
  resourceType: 'Appointment',
  status: 'booked',
  description: 'Wasp sting, swollen hand',
  start: slot.start,
  end: slot.end,
  slot: [{ reference: `Slot/${slot.id}` }],
  participant: [
    {
      status: 'accepted',
      actor: { identifier: { system: NHS_NUMBER, value: patient.number }, display: patient.name },
    },
  ],
});

async function book(slot, options) {
  const made = await client.create({ resourceType: 'Appointment', body: appointment(slot), options });
  booked.add(made.id);
  return made;
}

const read = (resourceType, id) => client.read({ resourceType, id });

const cancel = (made, options) =>
  client.update({ resourceType: 'Appointment', id: made.id, body: { ...made, status: 'cancelled' }, options });

// The OperationOutcome's first issue of a call that must be refused with this status.
async function refused(status, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.response?.status, status, error.message);
    assert.equal(error.response.data.resourceType, 'OperationOutcome');
    return error.response.data.issue[0];
  }
  return assert.fail(`expected a refusal with ${status}`);
}

// What the statement says is served for one type, as a set of interactions.
async function claimed(type) {
  const statement = await client.capabilityStatement();
  const resource = statement.rest[0].resource.find((one) => one.type === type);
  return new Set(resource.interaction.map((interaction) => interaction.code));
}

after(async () => {
  for (const id of booked) {
    const current = await read('Appointment', id);
    if (current.status === 'booked') await cancel(current);
  }
});

test('the statement is fetched and names what is served', async () => {
  const statement = await client.capabilityStatement();
  assert.equal(statement.fhirVersion, '3.0.1');
  const served = await claimed('Appointment');
  for (const interaction of ['create', 'read', 'search-type', 'update', 'vread']) {
    assert.ok(served.has(interaction), interaction);
  }
});

test('a search with includes brings everything a slot refers to', async () => {
  const bundle = await freeSlots(INCLUDES);
  const of = (mode) => bundle.entry.filter((entry) => entry.search.mode === mode).map((entry) => entry.resource);
  const slots = of('match');
  assert.equal(bundle.total, slots.length);
  assert.ok(bundle.total >= 240);
  assert.deepEqual(
    [...new Set(of('include').map((resource) => resource.resourceType))].sort(),
    ['HealthcareService', 'Location', 'Organization', 'Practitioner', 'PractitionerRole', 'Schedule'],
  );
  const asked = bundle.entry.length;
  for (const slot of slots) {
    // Resolved inside the Bundle by fullUrl; one that is missing would be fetched, and have a response attached.
    const schedule = await client.resolve({ reference: slot.schedule.reference, context: bundle });
    assert.equal(Client.httpFor(schedule).response, undefined);
    for (const actor of schedule.actor) {
      const resource = await client.resolve({ reference: actor.reference, context: bundle });
      assert.equal(Client.httpFor(resource).response, undefined, `${actor.reference} is in the answer`);
    }
  }
  assert.equal(bundle.entry.length, asked);
});

test('a reference outside a bundle is followed', async () => {
  const [slot] = await someFreeSlots(1);
  const schedule = await client.resolve({ reference: slot.schedule.reference });
  assert.equal(schedule.resourceType, 'Schedule');
  const service = await client.resolve({ reference: `${baseUrl}/HealthcareService/${SERVICE}` });
  assert.equal(service.name, 'Urgent Treatment Centre');
});

test('a booking is read back as it was sent', async () => {
  const [slot] = await someFreeSlots(1);
  const made = await book(slot);
  const { response } = Client.httpFor(made);
  assert.equal(response.status, 201);
  assert.equal(response.headers.get('etag'), 'W/"1"');
  assert.ok(response.headers.get('location').startsWith(`${baseUrl}/Appointment/${made.id}`));
  const stored = await read('Appointment', made.id);
  assert.deepEqual(stored, made);
  assert.equal(stored.start, slot.start);
  assert.equal(stored.participant[0].actor.identifier.value, PATIENT.number);
  assert.deepEqual(await client.request(response.headers.get('location')), made);
  assert.equal((await read('Slot', slot.id)).status, 'busy');
  const found = await client.search({
    resourceType: 'Appointment',
    searchParams: { slot: `Slot/${slot.id}`, status: 'booked' },
  });
  assert.deepEqual(found.entry.map((entry) => entry.resource.id), [made.id]);
});

test('a patient who changes their mind gets the other slot and gives back the first', async () => {
  const [first, second] = await someFreeSlots(2);
  const made = await book(first);
  const cancelled = await cancel(made, { headers: { 'If-Match': 'W/"1"' } });
  assert.equal(cancelled.status, 'cancelled');
  assert.equal((await read('Slot', first.id)).status, 'free');
  const other = await book(second);
  const mine = await client.search({
    resourceType: 'Appointment',
    searchParams: { identifier: `${NHS_NUMBER}|${PATIENT.number}` },
  });
  const statuses = new Map(mine.entry.map(({ resource }) => [resource.id, resource.status]));
  assert.equal(statuses.get(other.id), 'booked');
  const before = await client.vread({ resourceType: 'Appointment', id: made.id, version: '1' });
  assert.equal(before.status, 'booked');
  assert.equal((await read('Appointment', made.id)).status, 'cancelled');
});

test('the second to book a slot is told that it is gone', async () => {
  const [slot] = await someFreeSlots(1);
  await book(slot);
  const late = appointment(slot, { number: '9990000301', name: 'Basil Thorne' });
  const issue = await refused(422, () => client.create({ resourceType: 'Appointment', body: late }));
  assert.equal(issue.diagnostics, 'Slot no longer available');
  assert.deepEqual([issue.severity, issue.code], ['error', 'processing']);
});

test('of many who want one slot at once, one gets it', async () => {
  const [slot] = await someFreeSlots(1);
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => book(slot)));
  assert.equal(tries.filter((one) => one.status === 'fulfilled').length, 1);
  for (const { reason } of tries.filter((one) => one.status === 'rejected')) {
    assert.equal(reason.response.status, 422);
    assert.equal(reason.response.data.issue[0].diagnostics, 'Slot no longer available');
  }
});

test('a request sent twice books once', async () => {
  const [slot] = await someFreeSlots(1);
  const options = { headers: { 'X-Request-ID': randomUUID() } };
  const made = await book(slot, options);
  const issue = await refused(409, () => book(slot, options));
  assert.equal(issue.code, 'duplicate');
  assert.ok(issue.diagnostics.includes(made.id));
});

test('errors arrive with their status and outcome', async () => {
  assert.equal((await refused(404, () => read('Slot', 'not-a-slot'))).code, 'not-found');
  const malformed = await refused(400, () => freeSlots({ start: 'yesterdayish' }));
  assert.ok(malformed.diagnostics.includes('start'));
  const [slot] = await someFreeSlots(1);
  const body = appointment(slot, { number: '9990000299', name: 'Edith Longstaff' });
  const wrong = await refused(422, () => client.create({ resourceType: 'Appointment', body }));
  assert.ok(wrong.expression?.length > 0);
  assert.equal((await read('Slot', slot.id)).status, 'free');
  const made = await book(slot);
  await refused(409, () => cancel(made, { headers: { 'If-Match': 'W/"9"' } }));
  await cancel(made);
  const twice = await refused(422, async () => cancel(await read('Appointment', made.id)));
  assert.equal(twice.code, 'business-rule');
});

test('pages are followed to the end', async () => {
  let page = await freeSlots({ _count: 100 });
  const { total } = page;
  const seen = new Set();
  while (page) {
    for (const entry of page.entry) seen.add(entry.resource.id);
    page = await client.nextPage({ bundle: page });
  }
  assert.equal(seen.size, total);
});

test('what the statement claims beyond that is served, and what it does not claim is refused', async () => {
  const made = await book((await someFreeSlots(1))[0]);
  const optional = [
    ['Appointment', 'history-instance', () => client.history({ resourceType: 'Appointment', id: made.id })],
    ...['HealthcareService', 'Location', 'Organization', 'Practitioner', 'PractitionerRole'].map((type) => [
      type,
      'search-type',
      () => client.search({ resourceType: type }),
    ]),
  ];
  for (const [type, interaction, call] of optional) {
    if ((await claimed(type)).has(interaction)) {
      const bundle = await call();
      assert.equal(bundle.type, interaction === 'search-type' ? 'searchset' : 'history');
      assert.ok(bundle.total > 0, `${type} ${interaction}`);
    } else {
      await refused(404, call);
    }
  }
});

test('cannot cancel by patch or delete, because the server serves neither', async () => {
  const served = await claimed('Appointment');
  assert.ok(!served.has('patch') && !served.has('delete'), 'the statement is the proof: it offers neither');
  const made = await book((await someFreeSlots(1))[0]);
  const jsonPatch = [{ op: 'replace', path: '/status', value: 'cancelled' }];
  await refused(405, () => client.patch({ resourceType: 'Appointment', id: made.id, jsonPatch }));
  await refused(405, () => client.delete({ resourceType: 'Appointment', id: made.id }));
  assert.equal((await read('Appointment', made.id)).status, 'booked');
});

test('cannot read XML: the client parses every answer as JSON and hands out the text in its error', async () => {
  const [slot] = await someFreeSlots(1);
  await assert.rejects(
    client.read({ resourceType: 'Slot', id: slot.id, options: { headers: { accept: 'application/fhir+xml' } } }),
    (error) => error.response.status === 200 && error.response.data.includes('<Slot xmlns="http://hl7.org/fhir">'),
  );
});
